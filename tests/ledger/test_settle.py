"""Which of several holders has less than was estimated of it, and what the counters have more than all."""

from dataclasses import replace

import pytest

from hugeresv.ledger.observation import CgroupUse, Holder, Kind, Observation, Pages, PoolUse, exactly
from hugeresv.ledger.reconcile import cgroup_rests, settle, unexplained


def observation(rsvd: int, *bounds: tuple[int, int, int], surp: int = 0) -> Observation:
    """Files with these bounds of their reservations, in a pool of 100 pages with 10 in use."""
    holders = [Holder(2048, Kind.FILE, "f", Pages(*each), exactly(0), firm=False) for each in bounds]
    return Observation((PoolUse(2048, 100, 90, rsvd, surp, 5),), tuple(holders))


@pytest.mark.parametrize(
    ("rsvd", "bounds", "estimates", "why"),
    [
        (5, [(0, 5, 5), (0, 2, 2), (0, 3, 3)], [0, 2, 3], "one that moves is likelier than two"),
        (2, [(0, 4, 4), (0, 2, 2), (0, 1, 1)], [0, 2, 0], "the smallest moves with the largest"),
    ],
)
def test_as_few_estimates_sink_as_explain_the_count(
    rsvd: int, bounds: list[tuple[int, int, int]], estimates: list[int], why: str
) -> None:
    """Of all combinations the one is taken that leaves least, and of equals the one with fewest moves.

    Catches: a search that gives up early, or that moves more than it must.
    """
    assert [each.reserved.best for each in settle(observation(rsvd, *bounds)).holders] == estimates, why


@pytest.mark.parametrize(
    ("rsvd", "reserved", "possible"), [(9, 4, 4), (2, -3, -5)], ids=["more is counted", "less is counted"]
)
def test_what_the_bounds_allow_is_told(rsvd: int, reserved: int, possible: int) -> None:
    """Above the estimate of 5 the bounds leave room for 4 pages more, below it for 5 fewer.

    Catches: a warning that says of a leak how far the other bound is.
    """
    (row,) = unexplained(observation(rsvd, (0, 5, 9)))
    assert (row.reserved_pages, row.possible_pages) == (reserved, possible)


def test_surplus_pages_are_pages_of_the_pool() -> None:
    """Ten pages are in use, three of them surplus or not. Catches: surplus pages taken off the total."""
    assert [unexplained(observation(0, surp=surp))[0].used_pages for surp in (0, 3)] == [10, 10]


def test_an_estimate_with_evidence_of_its_own_stays() -> None:
    """Of 7 estimated pages 3 are counted: what is not firm goes, though the other alone would explain it better.

    Catches: evidence that a counter overrules.
    """
    firm, loose = observation(3, (0, 4, 4), (0, 3, 3)).holders
    seen = observation(3)
    for holders, estimates in (((replace(firm, firm=True), loose), [3, 0]), ((firm, loose), [0, 3])):
        settled = settle(replace(seen, holders=holders))
        assert [each.reserved.best for each in settled.holders] == estimates


def test_a_cgroup_is_charged_for_those_below_it_only() -> None:
    """/a has 5 pages that nobody in it holds. Catches: what is in /ab taken for what is below /a."""
    (holder,) = observation(5, (5, 5, 5)).holders
    for cgroup, rest in (("/ab", (5, 5)), ("/a/b", (0, 0)), ("/a", (0, 0))):
        use = CgroupUse("/a", 2048, None, None, 0, 5)
        inside = replace(observation(5), holders=(replace(holder, cgroups=(cgroup,)),), cgroups=(use,))
        assert [each.rsvd for each in cgroup_rests(inside)] == [rest]
