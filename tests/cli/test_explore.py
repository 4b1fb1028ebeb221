"""`hugeresv explore`: what it prints, writes, and exits with."""

import json
import signal
from pathlib import Path

import pytest

from hugeresv.cli.explore import _Shown
from tests.cli.conftest import Hugeresv


def test_a_finding_is_drawn_and_written(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """The file holds the history that is drawn. Catches: one that cannot be run, or a finding that exits with 0."""
    path = tmp_path / "found.scn"
    ran = hugeresv("explore", "6.18", "--pages", "2", "-o", path)
    assert (ran.status, ran.err) == (1, "")
    assert "I1 is violated after 4 operations." in ran.out
    assert "4! p munmap a 0" in ran.out
    again = hugeresv("run", "--on", "6.18", path)
    assert "4! p munmap a 0" in again.out


def test_nothing_found(hugeresv: Hugeresv) -> None:
    """Where every history keeps every invariant, it says so, lists what was never reached, and exits with 0.

    Catches: a state counted as reached that the bound does not have, or the wrong exit status.
    """
    ran = hugeresv("explore", "ideal", "--pages", "1", "--processes", "1")
    assert (ran.status, ran.err) == (0, "")
    assert "Every history within the bound keeps every invariant." in " ".join(ran.out.split())
    assert "surplus pages" in ran.out[ran.out.index("never reached:") :]


def test_two_kernels(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """The first step at which they differ, as `compare` draws it.

    Catches: a difference that is found and not shown, or exit status 0.
    """
    ran = hugeresv("explore", "6.12", "6.18", "--pages", "2", "-o", tmp_path / "found.scn")
    assert ran.status == 1
    assert "The kernels differ after 4 operations." in ran.out
    assert "! rsvd    1     0" in ran.out


def test_json_says_it_all(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """One line with the finding as a scenario. Catches: a key that docs/explore.md does not have, or lists in vain."""
    ran = hugeresv("explore", "6.18", "--pages", "2", "--json", "-o", tmp_path / "found.scn")
    told = json.loads(ran.out)
    assert (ran.status, told["complete"], told["depth"], told["finding"]["operations"]) == (1, True, 4, 4)
    assert told["finding"]["scenario"]["steps"][3]["op"] == "munmap"
    page = (Path(__file__).parents[2] / "docs" / "explore.md").read_text()
    documented = page[page.index("## JSON") :]
    assert [key for key in (*told, *told["finding"], *told["levels"][0]) if f"`{key}`" not in documented] == []


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_is_known_is_printed_at_the_end(
    hugeresv: Hugeresv, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, status: int
) -> None:
    """After Ctrl-C and SIGTERM the levels so far. Catches: an interrupted search that claims to have found nothing."""

    def interrupt(_shown: _Shown, _found: object) -> None:
        signal.raise_signal(number)

    monkeypatch.setattr(_Shown, "progress", interrupt)
    ran = hugeresv("explore", "ideal", "--pages", "1")
    assert ran.status == status
    assert "Interrupted." in ran.out
    assert "keeps every invariant" not in ran.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["host"], "host is a real kernel, and only the model can be explored"),
        (["6.12", "guest:6.12"], "hugeresv run --on guest:6.12 FILE"),
        (["6.18", "-o", "no/such/folder/found.scn"], "cannot be written: No such file or directory"),
        (["6.18", "-o", "found.txt"], "expected a name that ends in .scn"),
        (["ideal", "--operations", "munmpa"], "did you mean"),
        (["ideal", "--pages", "0"], "nothing can be mapped"),
        (["ideal", "--min-size", "5"], "mount is ENOMEM on ideal"),
        (["ideal", "--operations", "usual,cgroup_move"], "give the limits of the cgroup"),
        (["ideal", "--processes", "6"], "expected 1 to 5"),
    ],
)
def test_what_cannot_be_explored_is_said(hugeresv: Hugeresv, options: list[str], message: str) -> None:
    """A bound that cannot be explored is refused with its reason, and nothing is printed.

    Catches: a bound that is silently another one.
    """
    ran = hugeresv("explore", *options)
    assert ran.status in (2, 3)
    assert message in ran.err
    assert ran.out == ""


@pytest.mark.parametrize("option", ["--pool", "--pages"])
def test_more_pages_than_can_be_explored_are_refused(option: str, hugeresv: Hugeresv) -> None:
    """A bound of too many pages is wrong input at once. Catches: an overflow, or a search that never begins."""
    ran = hugeresv("explore", "ideal", option, "100000000000000000000")
    assert (ran.status, "pages: expected 1000 or less" in ran.err) == (2, True)
