"""Holders against counters."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hugeresv.ledger.intervals import Sum, tighten
from hugeresv.ledger.observation import (
    CgroupUse,
    Holder,
    HolderProcess,
    Kind,
    MountUse,
    Observation,
    Pages,
    PoolUse,
    Suspect,
    Unreadable,
    exactly,
)
from hugeresv.ledger.reconcile import Unexplained, cgroup_rests, settle, unexplained
from hugeresv.model.hstate import HState

HIDDEN = (Unreadable("x", "y"),)


def holder(
    low: int, best: int, high: int, *, used: int = 0, firm: bool = False, size: int = 2048, holes: bool = False
) -> Holder:
    """A file with these bounds of its reservation."""
    return Holder(size, Kind.FILE, "f", Pages(low, best, high), exactly(used), firm=firm, may_have_holes=holes)


def observation(rsvd: int, *holders: Holder) -> Observation:
    """These, of a pool of 100 pages with 10 in use, beside an unused pool of another size."""
    return Observation((PoolUse(2048, 100, 90, rsvd, 0, 0), PoolUse(1 << 20, 0, 0, 0, 0, 0)), holders)


def reserved(seen: Observation) -> list[Pages]:
    """What the holders have after the counters have narrowed it."""
    return [each.reserved for each in settle(seen).holders]


bounds_of_few = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)).map(sorted).map(tuple), min_size=1, max_size=4)


@given(bounds_of_few, st.data())
def test_tightening_keeps_every_solution_and_touches_the_outermost(
    bounds: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Of one sum the bounds become exactly those of its solutions; of several, no solution is lost.

    Catches: a bound tightened with its own part counted in, an end off by one, a contradiction that is not noticed.
    """
    places = st.lists(st.integers(0, len(bounds) - 1), min_size=1, unique=True)
    limits = st.tuples(st.integers(0, 12), st.integers(0, 12)).map(sorted)
    sums = [Sum(where, *limit) for where, limit in data.draw(st.lists(st.tuples(places, limits), max_size=3))]
    solutions = [
        numbers
        for numbers in product(*(range(low, high + 1) for low, high in bounds))
        if all((each.low or 0) <= sum(numbers[p] for p in each.places) <= (each.high or 0) for each in sums)
    ]
    tight = tighten(bounds, sums)
    if solutions:
        outermost = [(min(column), max(column)) for column in zip(*solutions, strict=True)]
        assert all(a <= low and high <= b for (a, b), (low, high) in zip(tight, outermost, strict=True))
        if len(sums) <= 1:
            assert tight == outermost
    elif len(sums) == 1:
        assert tight == bounds


def test_a_sum_that_is_left_out_leaves_no_trace() -> None:
    """Two numbers add up to 4 at least: that they add up to 3 is not believed, however often it is said.

    Catches: bounds, or how far apart they are, as a sum that was left out has moved them.
    """
    bounds = [(0, 3), (1, 4)]
    assert tighten(bounds, [Sum([0, 1], 4, 6), Sum([0, 1], 2, 3), Sum([0, 1], None, 3)]) == bounds


def test_what_is_left_is_of_the_page_size() -> None:
    """Holders explain counters of their own page size.

    Catches: a holder of 1 GiB pages that is taken for one of 2 MiB pages.
    """
    rest = unexplained(observation(5, holder(3, 3, 3, used=4), holder(1, 1, 1, size=1 << 20)))
    assert rest == [Unexplained(2048, 2, 6, 0, 2, 6), Unexplained(1 << 20, -1, 0, 0, -1, 0)]


@pytest.mark.parametrize(
    ("rsvd", "bounds", "narrowed", "why"),
    [
        (45, [(0, 45, 45)], [(45, 45, 45)], "the only holder has what is counted: a JVM with UseSHM"),
        (122, [(117, 117, 117), (5, 5, 101)], [(117, 117, 117), (5, 5, 5)], "the rest of what is certain: ZGC"),
        (0, [(0, 0, 64)], [(0, 0, 0)], "nothing is promised to anybody: QEMU with reserve=off"),
        (64, [(0, 64, 64)], [(64, 64, 64)], "a file left behind by QEMU, of which nothing was touched"),
        (8, [(0, 5, 9), (0, 0, 3)], [(5, 5, 8), (0, 0, 3)], "what nobody must have is given to nobody"),
        (5, [(0, 5, 5), (0, 3, 3)], [(2, 5, 5), (0, 0, 3)], "one of two is lowered, and the right one"),
        (3, [(0, 5, 5), (0, 3, 3)], [(0, 0, 3), (0, 3, 3)], "not simply the first"),
        (1, [(0, 5, 5), (1, 3, 3)], [(0, 0, 0), (1, 1, 1)], "both, the second to its bound only"),
        (9, [(0, 5, 5), (0, 3, 3)], [(0, 5, 5), (0, 3, 3)], "a count that nothing explains narrows nothing"),
    ],
)
def test_the_pool_narrows_what_its_holders_have(
    rsvd: int, bounds: list[tuple[int, int, int]], narrowed: list[tuple[int, int, int]], why: str
) -> None:
    """Bounds of holders become those that the counter allows, and estimates stay within them.

    Catches: a bound that the counter rules out.
    """
    assert reserved(observation(rsvd, *(holder(*each) for each in bounds))) == [Pages(*each) for each in narrowed], why


def test_a_partial_view_narrows_from_above_only() -> None:
    """What is not seen has its part of the counter, too.

    Catches: a holder that is given all of it, and a range left wider than the whole counter.
    """
    seen = observation(5, holder(0, 1, 9), holder(2, 2, 2))
    assert reserved(replace(seen, unreadable=HIDDEN)) == [Pages(0, 1, 3), exactly(2)]
    assert reserved(replace(seen, suspects=(Suspect("x", promises=True),))) == [Pages(0, 1, 3), exactly(2)]
    assert reserved(replace(seen, steady=False)) == [Pages(0, 1, 9), exactly(2)]


def test_used_pages_narrow_a_segment() -> None:
    """A segment of 4 pages in whose table nothing is sure: 3 reserved and 1 used, since so many are counted.

    Catches: a segment of which both numbers stay unknown though the counters tell them.
    """
    who = (HolderProcess(1, "x", "x"),)
    unsure = Holder(2048, Kind.SYSV, "s", Pages(0, 4, 4), Pages(0, 0, 4), processes=who)
    (found,) = settle(Observation((PoolUse(2048, 9, 8, 3, 0, 0),), (unsure,))).holders
    assert (found.reserved, found.used, found.certain, found.assumed) == (exactly(3), exactly(1), True, True)


def test_a_mount_with_a_size_narrows_its_files() -> None:
    """Two files, of which one is on a mount that has 3 pages given out: it has 2 beside the one in use.

    Catches: a file that is given more than its mount has out.
    """
    on_it = replace(holder(0, 4, 4, used=1), place=7)
    seen = observation(5, on_it, holder(0, 4, 4))
    assert reserved(seen) == [Pages(1, 4, 4), Pages(1, 1, 4)]
    mounted = replace(seen, mounts=(MountUse("/m", 2048, 10, None, 3, place=7),))
    assert reserved(mounted) == [exactly(2), exactly(3)]


def test_cgroups_narrow_what_their_processes_made() -> None:
    """Two programs in two cgroups; a file on a mount may have been made elsewhere, and a cgroup left by its process.

    Catches: a limit taken from a cgroup that merely begins with the same letters.
    """
    one, other = (replace(holder(0, 4, 4), kind=Kind.MEMFD, cgroups=(path,)) for path in ("/a/b", "/c"))
    seen = observation(5, one, other)
    counted = tuple(CgroupUse(path, 2048, None, None, 0, pages) for path, pages in (("/a", 2), ("/c", 3), ("/cc", 0)))
    assert reserved(replace(seen, cgroups=counted)) == [exactly(2), exactly(3)]
    assert reserved(replace(seen, holders=(replace(one, kind=Kind.FILE), other), cgroups=counted[:1]))[0].max == 4
    moved = (CgroupUse("/c", 2048, None, None, 0, 0),)
    assert reserved(replace(seen, holders=(one, replace(other, reserved=exactly(3))), cgroups=moved)) == [
        exactly(2),
        exactly(3),
    ]


def test_the_rest_of_a_cgroup() -> None:
    """What a cgroup was charged for and none of its processes has.

    Catches: a holder that counts in a cgroup in which only one of its processes is, as if it were charged there.
    """
    inside = replace(holder(1, 2, 3, used=1), cgroups=("/a/b",))
    shared = replace(holder(1, 1, 1), cgroups=("/a", "/c"))
    use = CgroupUse("/a", 2048, None, None, 4, 9)
    (rest,) = cgroup_rests(replace(observation(4, inside, shared), cgroups=(use,)))
    assert (rest.usage, rest.rsvd) == ((3, 3), (4, 7))


def test_a_verdict_rests_on_what_was_seen_and_not_on_what_was_narrowed() -> None:
    """5 to 9 pages that a counter of 12 cannot be; 8 it can. Narrowed, each would be certain.

    Catches: a leak that is given to a holder and gone, and a verdict derived from the assumption that there is none.
    """
    for rsvd, certain in ((12, 3), (8, 0), (4, -1), (9, 0)):
        (row, _) = unexplained(settle(observation(rsvd, holder(5, 6, 9))))
        assert row.certain_reserved_pages == certain, rsvd
    holed = settle(observation(4, holder(5, 6, 9, holes=True)))
    assert unexplained(holed)[0].certain_reserved_pages == 0


def test_a_firm_estimate_stays() -> None:
    """A firm estimate stays as it is, and what the counter lacks is unexplained.

    Catches: an owner whose promise the counters talk away when the kernel has lost it.
    """
    settled = settle(observation(0, holder(4, 4, 4, firm=True)))
    assert settled.holders[0].reserved.best == 4
    assert unexplained(settled)[0] == Unexplained(2048, -4, 10, 0, -4, 10)


def test_a_hole_may_have_taken_what_is_missing() -> None:
    """A file that may have had holes punched explains a counter that is too low, as an estimate.

    Catches: a promise that went with a punched hole, and a file of which it is said to be certain that it has it.
    """
    holders = holder(3, 3, 3, holes=True), holder(1, 1, 2, holes=True), holder(2, 2, 2, size=1 << 20)
    assert reserved(observation(4, *holders))[:2] == [Pages(2, 3, 3), Pages(1, 1, 2)]
    partial = replace(observation(4, *holders), unreadable=HIDDEN)
    assert reserved(partial)[:2] == [exactly(3), Pages(1, 1, 2)]
    settled = settle(observation(2, *holders))
    assert [each.reserved for each in settled.holders[:2]] == [Pages(0, 3, 3), Pages(0, 1, 2)]
    assert unexplained(settled)[0] == Unexplained(2048, -2, 10, -4, 0, 10)


@pytest.mark.parametrize("rsvd", [-3, 0, 2, 5, 6])
@pytest.mark.parametrize(("overcommit", "surp"), [(0, 0), (7, 0), (7, 5), (2, 4)])
def test_available_is_what_the_kernel_would_grant(rsvd: int, overcommit: int, surp: int) -> None:
    """AVAILABLE is the largest promise that the model grants.

    Catches: a page too many promised by `status`, or one too few: the model's own check has the last word.
    """
    available = PoolUse(2048, 9, 5, rsvd, surp, overcommit).available

    def grants(pages: int) -> bool:
        hstate = HState(2 << 20, 9, overcommit)
        hstate.free_huge_pages, hstate.resv_huge_pages, hstate.surplus_huge_pages = 5, rsvd, surp
        return hstate.acct_memory(pages)

    assert [pages for pages in range(1, 20) if grants(pages)] == list(range(1, available + 1))
