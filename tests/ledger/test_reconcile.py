"""Holders against counters."""

import pytest

from hugeresv.ledger.observation import Holder, Kind, Observation, Pages, Pool, exactly
from hugeresv.ledger.reconcile import settle, unexplained
from hugeresv.model.hstate import HState


def holder(low: int, best: int, high: int, *, used: int = 0, firm: bool = False, size: int = 2048) -> Holder:
    """A file with these bounds of its reservation."""
    return Holder(size, Kind.FILE, "f", Pages(low, best, high), exactly(used), firm=firm)


def observation(rsvd: int, *holders: Holder) -> Observation:
    """These, of a pool of 100 pages with 10 in use, beside an unused pool of another size."""
    return Observation((Pool(2048, 100, 90, rsvd, 0, 0), Pool(1 << 20, 0, 0, 0, 0, 0)), holders)


def test_what_is_left_is_of_the_page_size() -> None:
    """A holder of 1 GiB pages that is taken for one of 2 MiB pages."""
    rest = unexplained(observation(5, holder(3, 3, 3, used=4), holder(1, 1, 1, size=1 << 20)))
    assert rest == [(2048, 2, 6, 0), (1 << 20, -1, 0, 0)]


@pytest.mark.parametrize(
    ("rsvd", "bounds", "estimates", "why"),
    [
        (5, [(0, 5, 5), (0, 3, 3)], [5, 0], "one of two is lowered, and the right one"),
        (3, [(0, 5, 5), (0, 3, 3)], [0, 3], "not simply the first"),
        (1, [(0, 5, 5), (1, 3, 3)], [0, 1], "both, the second to its bound only"),
        (8, [(0, 5, 9), (0, 0, 3)], [5, 0], "what nobody explains is given to nobody: so a leak looks"),
        (7, [(0, 8, 8)], [8], "one page too few does not make eight wrong"),
    ],
)
def test_estimates_sink_to_what_is_counted(
    rsvd: int, bounds: list[tuple[int, int, int]], estimates: list[int], why: str
) -> None:
    settled = settle(observation(rsvd, *(holder(*each) for each in bounds)))
    assert [each.reserved.best for each in settled.holders] == estimates, why
    assert [(each.reserved.min, each.reserved.max) for each in settled.holders] == [(low, up) for low, _, up in bounds]


def test_a_firm_estimate_stays() -> None:
    """An owner whose promise the counters talk away when the kernel has lost it."""
    settled = settle(observation(0, holder(0, 4, 4, firm=True)))
    assert settled.holders[0].reserved.best == 4
    assert unexplained(settled)[0] == (2048, -4, 10, -4)


def test_a_hole_may_have_taken_what_is_missing() -> None:
    """A promise that went with a punched hole, and a file of which it is said to be certain that it has it."""
    settled = settle(observation(4, holder(3, 3, 3), holder(1, 1, 2), holder(2, 2, 2, size=1 << 20)))
    assert [each.reserved for each in settled.holders] == [(3, 3, 3), (1, 1, 2), (0, 2, 2)]
    settled = settle(observation(2, holder(3, 3, 3), holder(1, 1, 2)))
    assert [each.reserved for each in settled.holders] == [(1, 3, 3), (0, 1, 2)]
    assert unexplained(settled)[0] == (2048, -2, 10, -3)


@pytest.mark.parametrize("rsvd", [-3, 0, 2, 5, 6])
@pytest.mark.parametrize(("overcommit", "surp"), [(0, 0), (7, 0), (7, 5), (2, 4)])
def test_available_is_what_the_kernel_would_grant(rsvd: int, overcommit: int, surp: int) -> None:
    """A page too many promised by `status`, or one too few: the model's own check has the last word."""
    available = Pool(2048, 9, 5, rsvd, surp, overcommit).available

    def grants(pages: int) -> bool:
        hstate = HState(2 << 20, 9, overcommit)
        hstate.free_huge_pages, hstate.resv_huge_pages, hstate.surplus_huge_pages = 5, rsvd, surp
        return hstate.acct_memory(pages)

    assert [pages for pages in range(1, 20) if grants(pages)] == list(range(1, available + 1))
