"""The locks of the model: where they are taken, and that they mean nothing while one operation runs at a time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hugeresv.lab import Actor, start
from hugeresv.model import locks
from hugeresv.model.hstate import HState
from hugeresv.model.inode import Inode
from hugeresv.scenario.operation import OpenFile


class Recorder:
    """Writes down what is asked for; everything can be had, but the allocation of that number."""

    def __init__(self, fails: int = 0) -> None:
        self.log: list[str] = []
        self.allocations: list[str] = []
        self.fails = fails

    def acquire(self, lock: locks.LockOf, *, alone: bool) -> None:
        self.log.append(lock.name if alone else f"{lock.name} (read)")

    def release(self, lock: locks.LockOf, *, alone: bool) -> None:
        self.log.append(f"-{lock.name}")

    def allocate(self, what: str) -> bool:
        self.allocations.append(what)
        return len(self.allocations) != self.fails

    def asserted(self, lock: locks.LockOf, function: Callable[..., Any]) -> None:
        pass

    def returned(self, function: Callable[..., Any], arguments: tuple[Any, ...], value: object) -> None:
        pass


@contextmanager
def installed(arbiter: Recorder) -> Iterator[Recorder]:
    locks.install(arbiter)
    try:
        yield arbiter
    finally:
        locks.install(None)


def test_a_fault_takes_the_kernels_locks_in_the_kernels_order() -> None:
    """A fault that brings a shared page takes the locks of hugetlb_fault, allocation and page cache (6.12), in order.

    Catches: a lock that is left out, or taken in another order.
    """
    p = Actor("p")
    session = start("ideal", 4)
    session.apply(OpenFile("f"))
    session.apply(p.shared("a", 1, file="f"))
    with installed(Recorder()) as seen:
        session.apply(p.write("a", 0))
    assert seen.log == [
        "mmap_lock (read)", "hugetlb_fault_mutex",
        "resv_map->lock", "-resv_map->lock",
        "hugetlb_lock", "-hugetlb_lock",
        "resv_map->lock", "-resv_map->lock",
        "i_pages", "-i_pages",
        "-hugetlb_fault_mutex", "-mmap_lock",
    ]  # fmt: skip


def test_the_pools_lock_is_let_go_while_surplus_is_allocated() -> None:
    """mmap that lacks two pages asks for each without hugetlb_lock (gather_surplus_pages, 6.12).

    Catches: an allocation under a spin lock; a lock that is not taken again.
    """
    p = Actor("p")
    session = start("ideal", 0, oc=2)
    with installed(Recorder()) as seen:
        session.apply(p.mmap("a", 2))
    pool = [each for each in seen.log if "hugetlb_lock" in each]
    assert pool == ["hugetlb_lock", "-hugetlb_lock"] * 4
    assert seen.allocations.count("surplus page") == 2
    assert session.machine.hstate.resv_huge_pages == 2


def test_a_page_that_cannot_be_allocated_is_not_promised() -> None:
    """When the second surplus page fails, the first goes back and nothing is promised.

    Catches: a page that stays counted.
    """
    p = Actor("p")
    session = start("ideal", 0, oc=3)
    with installed(Recorder(fails=2)):
        answer = session.apply(p.mmap("a", 3))
    assert answer.outcome.name == "ENOMEM"
    h = session.machine.hstate
    assert (h.nr_huge_pages, h.free_huge_pages, h.resv_huge_pages, h.surplus_huge_pages) == (0, 0, 0, 0)


def test_without_an_arbiter_the_model_is_as_it_was_written() -> None:
    """What an arbiter has wrapped is put back, in every class.

    Catches: a plain model that stays slow after a search.
    """
    before = dict(vars(HState)), dict(vars(Inode))
    with installed(Recorder()):
        assert vars(HState)["take_page"] is not before[0]["take_page"]
    assert (dict(vars(HState)), dict(vars(Inode))) == before
