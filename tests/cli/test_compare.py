"""`hugeresv compare`: the first difference, side by side, and the exit status."""

from pathlib import Path

import pytest

from tests.cli.conftest import Hugeresv

SPLIT = "scenarios/split-middle.scn"


def test_the_first_difference_is_shown_with_what_leads_to_it(hugeresv: Hugeresv) -> None:
    """The steps that lead to the first difference are shown, then both answers side by side.

    Catches: a difference without the numbers of either, or steps that come after it.
    """
    ran = hugeresv("compare", "count-in-vma", "2008", SPLIT)
    assert ran.status == 1
    lead, _, beside = ran.out.partition("At step 5, db munmap a 5:\n")
    assert [line.split()[:4] for line in lead.splitlines() if "db touch" in line] == [
        [str(number), "db", "touch", "a"] for number in (2, 3, 4)
    ]
    assert [line.split() for line in beside.splitlines()] == [
        ["count-in-vma", "2008"],
        ["answer", "ok", "ok"],
        ["total", "10", "10"],
        ["free", "7", "7"],
        ["!", "rsvd", "0", "6"],
        ["surp", "0", "0"],
        ["db.a", "■■■□□_□□□□", "■■■□□_□□□□"],
    ]


def test_the_lead_is_short_and_measured_by_the_step_before(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """Four steps lead to the difference; marks are changes since the step before, shown or not.

    Catches: a hundred steps before the one that matters; a mark at the first that is shown because the pool was full
    once.
    """
    path = tmp_path / "long.scn"
    path.write_text("pool 2M nr=20\ndb mmap a 20 private\ndb touch a 0+9\ndb munmap a 15\n")
    ran = hugeresv("compare", "count-in-vma", "2008", path)
    touches = [line.split() for line in ran.out.splitlines() if "db touch" in line]
    assert [words[0] for words in touches] == ["7", "8", "9", "10"]
    assert touches[0][-4:] == ["20", "*14", "*14", "0"]


def test_no_difference(hugeresv: Hugeresv) -> None:
    """Scenarios without a difference are told with the number of steps compared, and status 0.

    Catches: a comparison that finds nothing and does not say that it looked.
    """
    ran = hugeresv("compare", "2008", "6.18", SPLIT, "scenarios/fork.scn")
    assert ran.status == 0
    assert f"{SPLIT}: no difference in 7 steps" in ran.out
    assert "2 scenarios, 0 with a difference" in ran.out


def test_a_leak_is_shown(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """What differs only after the cleanup is shown under a title of its own, with status 1.

    Catches: a difference at the end, after the last step, that has no operation to show.
    """
    path = tmp_path / "leak.scn"
    path.write_text("pool 2M nr=10\ndb mmap a 10 private\ndb mprotect a 4+2 r\n")
    ran = hugeresv("compare", "count-in-vma", "2008", path)
    assert ran.status == 1
    assert "After the cleanup:" in ran.out
    assert "! rsvd    -20, printed as 18446744073709551596  0" in ran.out


def test_a_hang_of_both_is_no_difference(hugeresv: Hugeresv) -> None:
    """A call that hangs on both kernels is no difference, status 0.

    Catches: a comparison that ends early, told as one that did not happen.
    """
    (path,) = Path("scenarios/history").glob("H117-*.scn")
    ran = hugeresv("compare", "6.18", "6.18", path)
    assert ran.status == 0
    assert "no difference in " in ran.out


def test_names_are_shown_as_they_are(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """Names with markup or control characters are shown escaped.

    Catches: names that a table takes for markup, or a terminal for commands.
    """
    path = tmp_path / "names.scn"
    path.write_text('pool 2M nr=9\n"[red]" mmap "a\\u001b[2J" 9 private\n"[red]" munmap "a\\u001b[2J" 5\n')
    ran = hugeresv("compare", "count-in-vma", "2008", path)
    assert ran.status == 1
    assert '"[red]"."a\\u001b[2J"  □□□□□_□□□' in ran.out
    assert "\x1b" not in ran.out


@pytest.mark.parametrize(
    ("left", "files", "status"),
    [
        ("guest:a", [SPLIT], 3),
        ("guest:a", ["missing.scn"], 2),
        ("2008,x=y", [SPLIT], 2),
        ("2008", ["missing.scn", SPLIT], 2),
    ],
)
def test_what_cannot_be_compared(hugeresv: Hugeresv, left: str, files: list[str], status: int) -> None:
    """A wrong file is status 2, a kernel that is not here status 3.

    Catches: an error taken for a difference, or for none.
    """
    assert hugeresv("compare", left, "ideal", *files).status == status
