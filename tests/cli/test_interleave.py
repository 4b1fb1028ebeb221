"""`hugeresv interleave`: what it prints, and exits with."""

import json
from pathlib import Path

from tests.cli.conftest import ROOT, Hugeresv

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
    assert "All orders of up to 1 preemptions" in bounded.out


def test_as_json(hugeresv: Hugeresv) -> None:
    """One line a block with the keys that docs/explore.md names. Catches: a key that only one of the two has."""
    ran = hugeresv("interleave", "--json", "--on", "ideal,races-counted-twice=on", RACE)
    (found,) = map(json.loads, ran.out.splitlines())
    page = (ROOT / "docs" / "explore.md").read_text().partition("# Calls at once")[2]
    for key in (*found, *found["finding"], "task", "lock", "calls"):
        assert f"`{key}`" in page
    assert found["finding"]["switch"] == ["a@resv_map->lock#2"]
    assert found["finding"]["turns"][-1]["rsvd"] == 1


def test_what_has_no_calls_at_once_is_refused(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """A scenario without a block, and a real kernel, are wrong input, told with the file's name.

    Catches: a verdict on nothing, or an error that names none of a folder's files.
    """
    ran = hugeresv("interleave", "split-middle")
    assert ran.status == 2
    assert "split-middle: this scenario has no calls at once" in ran.err
    ran = hugeresv("interleave", "--on", "guest:6.12", RACE)
    assert ran.status in (2, 3)


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
