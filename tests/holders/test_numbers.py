"""Numbers in warnings: what there is room for, and what is to be written to have more."""

from dataclasses import replace

import pytest

from hugeresv.holders.finding import Finding
from hugeresv.holders.warning import warnings_of
from hugeresv.ledger.observation import Holder, HolderProcess, Kind, Observation, PoolUse, exactly
from hugeresv.ledger.reconcile import unexplained

POOL = PoolUse(2048, 10, 8, 8, 0, 3)


def warned(pool: PoolUse) -> dict[str, Finding]:
    """The warnings of a host with this pool, all of which one file explains, by their codes."""
    user = HolderProcess(5, "db", "u")
    used = exactly(pool.total - pool.free)
    holder = Holder(2048, Kind.FILE, "/x", exactly(pool.rsvd), used, processes=(user,))
    observation = Observation((pool,), (holder,))
    return {each.code: each for each in warnings_of(observation, unexplained(observation))}


@pytest.mark.parametrize(("surp", "hope"), [(0, "3 pages"), (2, "1 page"), (3, None)])
def test_overcommit_helps_until_it_is_used_up(surp: int, hope: str | None) -> None:
    """With all free pages promised a mapping gets surplus pages while fewer than nr_overcommit_hugepages exist.

    Catches: hope that is held out although overcommit has nothing left.
    """
    text = warned(replace(POOL, surp=surp))["all-promised"].text
    assert (f"but for {hope} that overcommit may add" in text) if hope else ("overcommit" not in text)


def test_a_pool_with_a_page_left_is_not_full() -> None:
    """A free page that nobody was promised can be had. Catches: a note one page too early."""
    assert "all-promised" in warned(POOL)
    assert "all-promised" not in warned(replace(POOL, rsvd=7))


def test_surplus_pages_become_persistent_by_writing_the_total() -> None:
    """Surplus pages are in the total, so that this many persistent ones keep them. Catches: surplus counted twice."""
    found = warned(replace(POOL, surp=2))["overcommit-in-use"]
    assert found.command == "echo 10 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
