"""The hugetlb controller: the experiments of docs/kernel/cgroups.md. `g=1,4` is usage 1 and rsvd 4 of cgroup g."""

import pytest

from hugeresv.lab import Actor, play
from hugeresv.scenario import operation as op
from hugeresv.scenario.scenario import Cgroup

p, c = Actor("p"), Actor("c")
ONE = {"g": Cgroup()}


@pytest.mark.parametrize(("on", "again", "end"), [("6.1", "g=2,5", "g=0,0"), ("6.18", "g=2,4", "g=0,0")])
def test_c01_a_private_mapping_pays_for_its_length(on: str, again: str, end: str) -> None:
    """A private mapping charges its length to rsvd at mmap, and each page to usage at its touch.

    Catches: a touch or an advice that changes what is charged, a munmap that uncharges what is present, not the length.
    """
    play(
        on, 8,
        (p.into("g"), "8/8/0 g=0,0"),
        (p.mmap("a", 4), "8/8/4 g=0,4"),
        (p.write("a", 0), "8/7/3 g=1,4"),
        (p.write("a", 1), "8/6/2 g=2,4"),
        (p.dontneed("a", 1), "8/7/3 g=1,4" if on == "6.18" else "8/7/2 g=1,4"),
        (p.write("a", 1), f"8/6/2 {again}"),
        (p.munmap("a", 0, 1), "8/7/2 g=1,3" if on == "6.18" else "8/7/2 g=1,4"),
        (p.munmap("a", 2, 2), "8/7/0 g=1,1" if on == "6.18" else "8/7/0 g=1,2"),
        (p.munmap("a", 1, 1), f"8/8/0 {end}"),
        (p.noreserve("n", 1), "8/8/0 g=0,0"),
        (p.write("n", 0), "8/7/0 g=1,1"),
        (p.fork("c"), "8/7/0 g=1,1"),
        (c.write("n", 0), "8/6/0 g=2,2"),
        (c.exit(), "8/7/0 g=1,1"),
        cgroups=ONE,
    )  # fmt: skip


def test_c02_a_shared_mapping_pays_region_by_region() -> None:
    """A shared mapping charges the regions that it promises anew; a hole uncharges what it takes.

    Catches: a region that is charged twice, or not given back by the hole that takes it; a munmap that gives any back.
    """
    play(
        "6.18", 8,
        (p.into("g"), "8/8/0 g=0,0"),
        (op.OpenFile("f"), "8/8/0 g=0,0"),
        (p.shared("a", 3, file="f"), "8/8/3 g=0,3"),
        (p.shared("b", 3, file="f", offset=2), "8/8/5 g=0,5"),
        (p.write("a", 0), "8/7/4 g=1,5"),
        (p.write("a", 1), "8/6/3 g=2,5"),
        (p.punch("f", 0, 1), "8/7/3 g=1,4"),
        (p.punch("f", 2, 1), "8/7/3 g=1,4"),
        (p.write("a", 0), "8/6/3 g=2,5"),
        (p.munmap("a", 0, 3), "8/6/3 g=2,5"),
        (p.munmap("b", 0, 3), "8/6/3 g=2,5"),
        (p.ftruncate("f", 1), "8/7/0 g=1,1"),
        (op.CloseFile("f"), "8/8/0 g=0,0"),
        cgroups=ONE,
    )  # fmt: skip


def test_c02_who_maps_later_pays_for_the_rest_only() -> None:
    """A second cgroup that maps the same file pays for what is not promised yet.

    Catches: a region that two cgroups pay for: its end would uncharge what was never charged.
    """
    play(
        "6.18", 8,
        (p.into("g"), "8/8/0 g=0,0 h=0,0"),
        (op.OpenFile("f"), "8/8/0 g=0,0 h=0,0"),
        (p.shared("a", 3, file="f"), "8/8/3 g=0,3 h=0,0"),
        (p.into("h"), "8/8/3 g=0,3 h=0,0"),
        (p.shared("b", 3, file="f", offset=2), "8/8/5 g=0,3 h=0,2"),
        (p.ftruncate("f", 1), "8/8/1 g=0,1 h=0,0"),
        cgroups={"g": Cgroup(), "h": Cgroup()},
    )  # fmt: skip


def test_c03_what_the_pool_refuses_is_not_charged() -> None:
    """What the pool refuses leaves no charge.

    Catches: a promise or a page that was refused by the pool, and is still charged.
    """
    play(
        "6.18", 2,
        (p.into("g"), "2/2/0 g=0,0"),
        (p.mmap("a", 3), "ENOMEM 2/2/0 g=0,0"),
        (p.noreserve("n", 3, populate=True), "2/0/0 g=2,2"),
        (p.write("n", 2), "SIGBUS 2/0/0 g=2,2"),
        cgroups=ONE,
    )  # fmt: skip


def test_c03_limits() -> None:
    """A limit refuses what goes beyond it before the pool is asked.

    Catches: a limit that is off by one, checked after the pool was asked, or that undoes what fallocate had done so
    far.
    """
    play(
        "6.18", 8,
        (p.into("g"), "8/8/0 g=0,0"),
        (p.mmap("a", 4), "ENOMEM 8/8/0 g=0,0"),
        (p.mmap("a", 3), "8/8/3 g=0,3"),
        (p.write("a", 0), "8/7/2 g=1,3"),
        (p.write("a", 1), "8/6/1 g=2,3"),
        (p.write("a", 2), "SIGBUS 8/6/1 g=2,3"),
        (p.munmap("a", 0, 3), "8/8/0 g=0,0"),
        (op.OpenFile("f"), "8/8/0 g=0,0"),
        (p.fallocate("f", 0, 3), "ENOSPC 8/6/0 g=2,2"),
        (op.CgroupSet("g", 1), "EBUSY 8/6/0 g=2,2"),
        (op.CloseFile("f"), "8/8/0 g=0,0"),
        cgroups={"g": Cgroup(2, 3)},
    )  # fmt: skip


def test_c03_a_limit_above_counts_what_is_below() -> None:
    """A limit of a cgroup counts what all cgroups below it hold.

    Catches: a charge that stops at its own cgroup, or that leaves the lower levels charged when a higher one refuses.
    """
    play(
        "6.18", 8,
        (p.into("g"), "8/8/0 top=0,0 g=0,0"),
        (p.mmap("a", 2), "8/8/2 top=0,2 g=0,2"),
        (p.mmap("b", 1), "ENOMEM 8/8/2 top=0,2 g=0,2"),
        (p.write("a", 0), "8/7/1 top=1,2 g=1,2"),
        (p.write("a", 1), "SIGBUS 8/7/1 top=1,2 g=1,2"),
        cgroups={"top": Cgroup(1, 2), "g": Cgroup(None, None, "top")},
    )  # fmt: skip


def test_c05_who_moves_pays_for_pages_where_it_is_then() -> None:
    """A charge stays with its cgroup when the task moves; later pages are charged to the new one.

    Catches: a charge that moves with the task, a page charged where the mapping was made, a removal that is refused.
    """
    play(
        "6.18", 8,
        (p.into("g"), "8/8/0 g=0,0 h=0,0"),
        (p.mmap("a", 2), "8/8/2 g=0,2 h=0,0"),
        (p.write("a", 0), "8/7/1 g=1,2 h=0,0"),
        (op.CgroupRmdir("g"), "EBUSY 8/7/1 g=1,2"),
        (p.into("h"), "8/7/1 g=1,2 h=0,0"),
        (p.write("a", 1), "8/6/0 g=1,2 h=1,0"),
        (op.CgroupRmdir("g"), "8/6/0 h=1,0"),
        (p.munmap("a", 0, 2), "8/8/0 h=0,0"),
        cgroups={"g": Cgroup(), "h": Cgroup()},
    )  # fmt: skip


def test_a_removed_cgroup_still_counts_above() -> None:
    """The charges of a removed cgroup stay counted in its parent until they end.

    Catches: a removal that takes its charges along: the parent's counters would go below zero when the pages are freed.
    """
    play(
        "6.18", 8,
        (p.into("g"), "8/8/0 top=0,0 g=0,0"),
        (p.mmap("a", 2), "8/8/2 top=0,2"),
        (p.write("a", 0), "8/7/1 top=1,2"),
        (p.into("h"), "8/7/1 top=1,2 h=0,0"),
        (op.CgroupRmdir("g"), "8/7/1 top=1,2"),
        (p.munmap("a", 0, 1), "8/8/1 top=0,1"),
        (p.munmap("a", 1, 1), "8/8/0 top=0,0"),
        cgroups={"top": Cgroup(), "g": Cgroup(None, None, "top"), "h": Cgroup()},
    )  # fmt: skip


def test_c06_a_partial_move_leaks_the_charge_too() -> None:
    """On 6.18 the charge of a part that was moved away stays with its lost promise.

    Catches: H71 in the cgroup taken for a leak of the pool alone.
    """
    play(
        "6.18", 8,
        (p.into("g"), "8/8/0 g=0,0"),
        (p.mmap("a", 4), "8/8/4 g=0,4"),
        (p.move("a", 0, 1, "m"), "8/8/4 g=0,4"),
        (p.exit(), "8/8/3 g=0,3"),
        cgroups=ONE, end=3,
    )  # fmt: skip


def test_c07_moving_shrinking_and_splitting_keep_the_charge_at_the_length() -> None:
    """The charge of a mapping is its length through a move, a shrink and a split.

    Catches: a whole move that charges or uncharges, or a split whose pieces are uncharged for the whole.
    """
    play(
        "6.18", 8,
        (p.into("g"), "8/8/0 g=0,0"),
        (p.mmap("a", 4), "8/8/4 g=0,4"),
        (p.move("a", 0, 4, "m"), "8/8/4 g=0,4"),
        (p.resize("m", 4, 3), "8/8/3 g=0,3"),
        (p.mprotect("m", 1, 1, "r"), "8/8/3 g=0,3"),
        (p.munmap("m", 1, 1), "8/8/2 g=0,2"),
        (p.exit(), "8/8/0 g=0,0"),
        cgroups=ONE,
    )  # fmt: skip
