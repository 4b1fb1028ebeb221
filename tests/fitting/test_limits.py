"""The limits one by one: the order in which they are met, and how much each must be raised."""

import pytest

from hugeresv.fitting.forecast import forecast
from hugeresv.fitting.limits import CgroupLimit, PoolLimit
from hugeresv.fitting.remedy import remedies_of
from hugeresv.fitting.situation import CgroupRoom, MemoryRoom, MountRoom, Request, Situation, What
from hugeresv.fitting.trial import attempt
from hugeresv.ledger.observation import CgroupUse, PoolUse
from hugeresv.outcome import Outcome

SIZE_KB = 2048
PLENTY = PoolUse(SIZE_KB, 50, 50, 0, 0, 0)


def room(most: int | None, rsvd_most: int | None, usage: int = 0, rsvd: int = 0) -> CgroupRoom:
    """A cgroup with these limits and counters."""
    return CgroupRoom(CgroupUse("/c", SIZE_KB, most, rsvd_most, usage, rsvd))


def test_surplus_pages_become_persistent_before_the_pool_grows() -> None:
    """With 5 surplus pages in use and no overcommit left, a free page takes a raise by 6: the kernel adopts 5 first.

    Catches: a raise that is too small to be enough, and is then named twice.
    """
    found = forecast(Situation(PoolUse(SIZE_KB, 5, 0, 0, 5, 0), Request(What.PRIVATE, (1,))))
    assert [(each.limit, each.need) for each in found.obstacles] == [(PoolLimit(), 6)]


def test_a_page_without_a_reservation_is_charged_as_reserved_first() -> None:
    """alloc_hugetlb_folio charges rsvd before usage, so that of two equal limits rsvd.max is met first.

    Catches: limits that are named in another order than the kernel asks them.
    """
    found = forecast(Situation(PLENTY, Request(What.PRIVATE, (5,), noreserve=True), cgroups=(room(3, 3),)))
    assert [each.limit for each in found.obstacles] == [CgroupLimit(0, rsvd=True), CgroupLimit(0, rsvd=False)]
    assert [(each.have, each.need) for each in found.obstacles] == [(3, 5), (3, 5)]


def test_limits_above_hold_too() -> None:
    """A mapping is charged to its cgroup and to all above it. Catches: limits of the task's own cgroup alone."""
    cgroups = (room(None, None), room(None, 5, rsvd=3))
    assert forecast(Situation(PLENTY, Request(What.PRIVATE, (2,)), cgroups=cgroups)).fits
    found = forecast(Situation(PLENTY, Request(What.PRIVATE, (3,)), cgroups=cgroups))
    assert [(each.limit, each.need) for each in found.obstacles] == [(CgroupLimit(1, rsvd=True), 6)]


@pytest.mark.parametrize("what", What)
def test_without_a_reservation_a_touch_fails_and_not_the_call(what: What) -> None:
    """NORESERVE and SHM_NORESERVE make a mapping of more pages than there are. Catches: a flag left behind."""
    found = attempt(Situation(PoolUse(SIZE_KB, 2, 2, 0, 0, 0), Request(what, (3,), noreserve=True)))
    assert (found.call, found.outcome, found.page) == ("touch", Outcome.SIGBUS, 2)


@pytest.mark.parametrize(("memory_pages", "most"), [(None, 10), (3, 5), (0, 2), (20, 10)])
def test_surplus_is_what_overcommit_allows_and_memory_can_give(memory_pages: int | None, most: int) -> None:
    """Two of ten surplus pages exist. Catches: those that exist counted as memory's room, or left out."""
    situation = Situation(PoolUse(SIZE_KB, 5, 0, 0, 2, 10), memory_pages=memory_pages)
    assert (situation.most_surplus, situation.persistent) == (most, 3)


def test_memory_has_room_for_what_is_not_surplus_yet() -> None:
    """Two of ten surplus pages exist, and memory has room for three more, which is said.

    Catches: surplus pages that exist counted as room that memory still has.
    """
    found = forecast(Situation(PoolUse(SIZE_KB, 2, 0, 0, 2, 10), Request(What.SHARED, (9,)), memory_pages=3))
    (remedy,) = remedies_of(found)
    assert remedy.code == "memory"
    assert "9 pages needed, 3 available" in remedy.text
    assert "free memory has room for only 3 of those that overcommit allows" in remedy.text


def test_what_memory_max_leaves_is_a_limit() -> None:
    """Where huge pages are charged to memory.max, a touch that it does not allow is SIGBUS.

    Catches: a mapping that fits the pool and is killed.
    """
    memory = (MemoryRoom("/c", "/sys/c/memory.max", 0, 2, 2),)
    found = attempt(Situation(PLENTY, Request(What.PRIVATE, (3,)), memory=memory))
    assert (found.outcome, found.page) == (Outcome.SIGBUS, 2)


def test_another_mount_needs_room_for_what_is_asked_only() -> None:
    """Files stay on the old mount, so that the other has room for four pages. Catches: room for those files, too."""
    mount = MountRoom("/m", 5, None, 3, 0)
    (remedy,) = remedies_of(forecast(Situation(PLENTY, Request(What.SHARED, (4,)), mount=mount)))
    assert (remedy.have, remedy.need) == (5, 7)
    assert remedy.command == "mkdir -p /m-8M && mount -t hugetlbfs -o pagesize=2M,size=8M none /m-8M"


def test_the_number_to_write_is_of_persistent_pages() -> None:
    """nr_hugepages counts no surplus: with 3 persistent and 2 surplus pages in use, 6 has one more.

    Catches: a number that adds to the total.
    """
    (remedy,) = remedies_of(forecast(Situation(PoolUse(SIZE_KB, 5, 0, 0, 2, 0), Request(What.PRIVATE, (1,)))))
    assert (remedy.have, remedy.need, remedy.command) == (3, 6, "sysctl vm.nr_hugepages=6")
