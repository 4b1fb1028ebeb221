"""`hugeresv interleave`: what it prints, and exits with."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Hugeresv
from tests.test_together import FAULT_AND_MMAP

RACE = "history/H33-mmap-and-a-fault-count-twice"


def test_a_wrong_order_is_drawn_and_explained(hugeresv: Hugeresv) -> None:
    """The order is drawn with its calls, what is wrong, and how to have it again; the exit status is 1.

    Catches: a picture of another order than the one that is wrong.
    """
    ran = hugeresv("interleave", "--on", "ideal,races-counted-twice=on", RACE)
    assert (ran.status, ran.err) == (1, "")
    assert ran.out.index("vma_needs_reservation 0") < ran.out.index("region_chg 0 1 = 1")
    assert ran.out.index("region_add 0 1 = 1") < ran.out.index("vma_commit_reservation 0")
    assert "resv_huge_pages is 1, but the" in ran.out
    assert "together switch=a@resv_map->lock#2" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


def test_all_orders_are_clean(hugeresv: Hugeresv) -> None:
    """Without a finding it says that all orders were run, and exits with 0. Catches: a bound that is not told."""
    ran = hugeresv("interleave", RACE)
    assert ran.status == 0
    assert "All orders keep every invariant" in ran.out
    bounded = hugeresv("interleave", "--preemptions", "1", RACE)
    assert "All orders of up to 1 preemption" in bounded.out


def test_as_json(hugeresv: Hugeresv) -> None:
    """One line a block with the keys that docs/explore.md names. Catches: a key that only one of the two has."""
    ran = hugeresv("interleave", "--json", "--on", "ideal,races-counted-twice=on", RACE)
    (found,) = map(json.loads, ran.out.splitlines())
    page = (ROOT / "docs" / "explore.md").read_text().partition("# Concurrent calls")[2]
    for key in (*found, *found["finding"], "task", "lock", "calls"):
        assert f"`{key}`" in page
    assert found["finding"]["switch"] == ["a@resv_map->lock#2"]
    assert found["finding"]["turns"][-1]["rsvd"] == 1


def test_the_orders_add_up(hugeresv: Hugeresv) -> None:
    """The orders of all bounds are those of the block, and the endings are those of the last bound.

    Catches: an order that is counted nowhere, or in the endings of two bounds.
    """
    for kernel in ("ideal", "ideal,races-counted-twice=on"):
        (found,) = map(json.loads, hugeresv("interleave", "--json", "--on", kernel, RACE).out.splitlines())
        assert sum(bound["orders"] for bound in found["bounds"]) == found["orders"]
        assert sum(ending["orders"] for ending in found["endings"]) == found["bounds"][-1]["orders"]
        assert [bound["preemptions"] for bound in found["bounds"]][-1] == found["preemptions"]


def test_what_has_no_calls_at_once_is_refused(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """A file and a folder without concurrent calls, and a real kernel, are wrong input, told with the name.

    Catches: a verdict on nothing, or an error that names none of a folder's files.
    """
    for name in ("split-middle", "behaviours/fallocate"):
        ran = hugeresv("interleave", name)
        assert (ran.status, ran.out) == (2, "")
        assert f"{name}: no scenario here has concurrent calls" in ran.err
    (tmp_path / "plain.scn").write_text("pool 2M nr=1\na mmap x 1 private\n")
    assert hugeresv("interleave", tmp_path).status == 2
    ran = hugeresv("interleave", "--on", "guest:6.12", RACE)
    assert ran.status in (2, 3)


def test_a_folder_passes_over_what_has_no_calls_at_once(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """A folder with one such file among others exits with what that one gives, and says how many it passed over.

    Catches: a folder that can never be clean.
    """
    (tmp_path / "plain.scn").write_text("pool 2M nr=1\na mmap x 1 private\n")
    (tmp_path / "race.scn").write_text(AT_ONCE)
    ran = hugeresv("interleave", tmp_path)
    assert ran.status == 0
    assert "All orders keep every invariant" in ran.out
    assert "1 of 2 scenarios has no concurrent calls and is skipped" in ran.err


AT_ONCE = FAULT_AND_MMAP.replace("apart", "apart -> rsvd=0")


@pytest.mark.parametrize("verb", [("run",), ("run", "--locks"), ("run", "--fail-each"), ("interleave",)])
def test_an_order_that_there_is_not_is_wrong_input(hugeresv: Hugeresv, tmp_path: Path, verb: tuple[str, ...]) -> None:
    """A switch= of an unknown process, an unknown lock, or one asked for less often, is told with what there is.

    Catches: a typing error after which another order is run without a word.
    """
    file = tmp_path / "race.scn"
    for switch, told in (
        ("zz", "switch 'zz' names none of the calls: a, b"),
        ("a@zz", "switch 'a@zz' is never reached: on this kernel a asks for mmap_lock once, "),
        ("a@resv_map->lock#9", "a asks for resv_map->lock 2 times; write one of these, or "),
    ):
        file.write_text(AT_ONCE.replace("together", f"together switch={switch}"))
        ran = hugeresv(*verb, file)
        assert ran.status == 2
        assert "step 3: " in ran.err
        assert told in ran.err
    for switch in ("a@resv_map->lock#2", "a@resv_map->lock#9?"):
        file.write_text(AT_ONCE.replace("together", f"together switch={switch}"))
        assert hugeresv(*verb, file).status == 0


def test_what_is_expected_must_hold_in_every_order(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """An order that does not answer as expected is a finding; with switch= it is the named order that must.

    Catches: an expectation that nobody looks at.
    """
    file = tmp_path / "race.scn"
    old = "ideal,races-counted-twice=on"
    named = "together switch=a@resv_map->lock#2"
    file.write_text(AT_ONCE.replace("rsvd=0", "free=2"))
    ran = hugeresv("interleave", file)
    assert ran.status == 1
    assert "EXPECTED (concurrent calls answer as expected): free is 3, expected 2" in ran.out
    file.write_text(AT_ONCE.replace("together", named).replace("rsvd=0", "rsvd=1"))
    assert hugeresv("interleave", file).status == 1
    ran = hugeresv("interleave", "--on", old, file)
    assert "I1" in ran.out
    assert "EXPECTED" not in ran.out


def test_locks_and_failures_are_told(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """`run --locks` and `run --fail-each` exit with 1 where something is wrong, and with 0 elsewhere.

    Catches: a verdict that nobody prints.
    """
    shared = tmp_path / "shared.scn"
    shared.write_text("pool 2M nr=4\nmemfd f\na mmap x 1 shared file=f\na touch x 0\nb mmap y 2 shared file=f\n")
    ran = hugeresv("run", "--on", "2008", "--locks", shared)
    assert (ran.status, ran.err) == (1, "")
    assert "no lock in" in ran.out
    assert hugeresv("run", "--locks", shared).status == 0
    entry = "history/H62-a-hole-that-cannot-cut-its-region"
    broken = hugeresv("run", "--on", "ideal,hole-loses-promise=on", "--fail-each", "--json", entry)
    assert broken.status == 1
    (found,) = map(json.loads, broken.out.splitlines())
    assert [each["allocation"] for each in found["failures"] if each["violations"]] == ["region of what is left"]
    assert hugeresv("run", "--fail-each", entry).status == 0
