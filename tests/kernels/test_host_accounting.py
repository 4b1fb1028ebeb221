"""Anonymous memory on the host: the numbers come from experiments with real kernels and from the patch of June 2008."""

import pytest

from hugeresv.errors import ScenarioError
from hugeresv.kernels.host.kernel import HostKernel
from hugeresv.scenario.operation import (
    Exit,
    Fork,
    Madvise,
    Mlock,
    Mmap,
    Mprotect,
    Mremap,
    Munmap,
    Operation,
    Place,
    SetNrHugepages,
    SetNrOvercommit,
    Touch,
)
from tests.kernels.conftest import must_answer, pool, settle


def touches(proc: str, name: str, *pages: int) -> list[Operation]:
    return [Touch(proc, name, "write", page) for page in pages]


def test_the_split_gives_back_each_reservation_once(host: HostKernel) -> None:
    """The split of ten pages counts 10, 7, 6, 4, 0 on this kernel.

    Catches: 10, 7, 0, -7, -14, which a kernel that counts in the VMA answers, and calls made on other ranges.
    """
    with host.start(pool(10)) as session:
        must_answer(session, (Mmap("p", "a", "private", pages=10), "ok 10/10/10/0"))
        settle(session, touches("p", "a", 0, 1))
        must_answer(
            session,
            (Touch("p", "a", "write", 2), "ok 10/7/7/0"),
            (Munmap("p", "a", 5, 1), "ok 10/7/6/0"),
            (Munmap("p", "a", 0, 5), "ok 10/10/4/0"),
            (Munmap("p", "a", 6, 4), "ok 10/10/0/0"),
        )


def test_a_signal_is_survived(host: HostKernel) -> None:
    """SIGBUS and SIGSEGV end the access alone: the next one of the process still succeeds.

    Catches: a worker that dies of the signal.
    """
    with host.start(pool(2)) as session:
        must_answer(
            session,
            (Mmap("p", "a", "private", pages=4, noreserve=True), "ok 2/2/0/0"),
            (Touch("p", "a", "write", 0), "ok 2/1/0/0"),
            (Touch("p", "a", "read", 1), "ok 2/0/0/0"),
            (Touch("p", "a", "write", 2), "SIGBUS 2/0/0/0"),
            (Touch("p", "a", "read", 4), "SIGSEGV 2/0/0/0"),
            (Mprotect("p", "a", 0, 1, prot="r"), "ok 2/0/0/0"),
            (Touch("p", "a", "write", 0), "SIGSEGV 2/0/0/0"),
            (Touch("p", "a", "read", 0), "ok 2/0/0/0"),
        )


def test_a_touch_is_made_in_the_mapping_of_the_named_process(host: HostKernel) -> None:
    """A read consumes a reservation as a write does, and a child of fork has none.

    Catches: touches made in another process's mapping.
    """
    with host.start(pool(6)) as session:
        settle(session, [Mmap("p", "a", "private", pages=4), *touches("p", "a", 0, 1)])
        must_answer(
            session,
            (Fork("p", "c"), "ok 6/4/2/0"),
            (Touch("c", "a", "write", 0), "ok 6/3/2/0"),
            (Touch("c", "a", "read", 2), "ok 6/2/2/0"),
            (Touch("c", "a", "write", 1), "SIGBUS 6/2/2/0"),
            (Exit("c"), "ok 6/4/2/0"),
            (Touch("p", "a", "read", 2), "ok 6/3/1/0"),
            (Exit("p"), "ok 6/6/0/0"),
        )


def test_the_owner_takes_the_childs_page(host: HostKernel) -> None:
    """The steal changes no counter; the child then gets SIGBUS, and still reads what it has mapped.

    Catches: a touch that is made in the wrong one of the two.
    """
    with host.start(pool(4)) as session:
        settle(session, [Mmap("p", "a", "private", pages=4), *touches("p", "a", 0, 1), Fork("p", "c")])
        must_answer(
            session,
            (Touch("p", "a", "write", 0), "ok 4/2/2/0"),
            (Touch("c", "a", "read", 0), "SIGBUS 4/2/2/0"),
            (Touch("c", "a", "read", 2), "SIGBUS 4/2/2/0"),
            (Touch("c", "a", "read", 1), "ok 4/2/2/0"),
            (Touch("p", "a", "write", 2), "ok 4/1/1/0"),
        )


@pytest.mark.parametrize(
    ("operation", "outcome"),
    [
        (Munmap("p", "a", offset_bytes=4096, length_bytes=2 << 20), "EINVAL"),
        (Munmap("p", "a", offset_bytes=0, length_bytes=4096), "EINVAL"),
        (Munmap("p", "a", offset_bytes=0, length_bytes=(8 << 20) - 4096), "EINVAL"),
        (Mprotect("p", "a", offset_bytes=0, length_bytes=4096, prot="r"), "EINVAL"),
        (Madvise("p", "a", 0, 1, advice="free"), "EINVAL"),
        (Madvise("p", "a", 0, 1, advice="pageout"), "EINVAL"),
        (Madvise("p", "a", 0, 1, advice="remove"), "EACCES"),
        (Mremap("p", "a", 0, 4, new_pages=5), "EINVAL"),
        (Mremap("p", "a", 0, 4, new_pages=4, maymove=True, dontunmap=True), "EINVAL"),
        (Mmap("p", "b", "private", pages=0), "EINVAL"),
        (Mmap("p", "b", "private", pages=9), "ENOMEM"),
        (Mmap("p", "b", "shared", pages=9), "ENOMEM"),
        (Mmap("p", "b", "private", length_bytes=4096, normal=True, over=Place("a", bytes=4096)), "EINVAL"),
        (Mlock("p", "a", 4, 1), "ENOMEM"),
    ],
    ids=str,
)
def test_a_refused_call_changes_nothing(host: HostKernel, operation: Operation, outcome: str) -> None:
    """A refused call has the kernel's errno and leaves the counters.

    Catches: arguments that do not reach the kernel as they were written.
    """
    with host.start(pool(8)) as session:
        settle(session, [Mmap("p", "a", "private", pages=4)])
        must_answer(session, (operation, f"{outcome} 8/8/4/0"))


def test_lengths_in_bytes_reach_the_kernel(host: HostKernel) -> None:
    """mmap rounds a length in bytes up to whole pages. Catches: a length rounded by the tool, which would hide that."""
    with host.start(pool(8)) as session:
        must_answer(
            session,
            (Mmap("p", "a", "private", length_bytes=4096), "ok 8/8/1/0"),
            (Mmap("p", "b", "private", length_bytes=(2 << 20) + 1), "ok 8/8/3/0"),
            (Munmap("p", "a", 0, 1), "ok 8/8/2/0"),
        )


def test_a_failed_overlay_has_already_unmapped(host: HostKernel) -> None:
    """MAP_FIXED beyond the pool is ENOMEM, and the old mapping is gone.

    Catches: a name that still stands for what was there.
    """
    with host.start(pool(8)) as session:
        settle(session, [Mmap("p", "a", "private", pages=4)])
        must_answer(
            session,
            (Mmap("p", "b", "private", pages=9, over=Place("a")), "ENOMEM 8/8/0/0"),
            (Touch("p", "a", "read", 0), "SIGSEGV 8/8/0/0"),
        )
        with pytest.raises(ScenarioError, match="no mapping 'b'"):
            session.apply(Touch("p", "b", "read"))


def test_an_overlay_goes_where_it_is_told(host: HostKernel) -> None:
    """Pages 1 and 2 of `a` become `b`: their promises come back first, and `a` still counts from its start.

    Catches: an overlay at another page.
    """
    with host.start(pool(4)) as session:
        settle(session, [Mmap("p", "a", "private", pages=4), *touches("p", "a", 1)])
        must_answer(
            session,
            (Mmap("p", "b", "private", pages=2, over=Place("a", page=1)), "ok 4/4/4/0"),
            (Touch("p", "a", "write", 2), "ok 4/3/3/0"),
            (Touch("p", "b", "write", 1), "ok 4/3/3/0"),
            (Touch("p", "a", "write", 3), "ok 4/2/2/0"),
        )


def test_a_moved_mapping_keeps_its_reservations_under_its_new_name(host: HostKernel) -> None:
    """mremap of a whole mapping changes no counter; the old place is not mapped afterwards.

    Catches: a name that stays at the old address.
    """
    with host.start(pool(4)) as session:
        settle(session, [Mmap("p", "a", "private", pages=4), *touches("p", "a", 1)])
        must_answer(
            session,
            (Mremap("p", "a", 0, 4, new_pages=4, move_to="m"), "ok 4/3/3/0"),
            (Touch("p", "a", "read", 1), "SIGSEGV 4/3/3/0"),
            (Touch("p", "m", "write", 1), "ok 4/3/3/0"),
            (Touch("p", "m", "write", 0), "ok 4/2/2/0"),
            (Mremap("p", "m", 0, 4, new_pages=2), "ok 4/2/0/0"),
            (Munmap("p", "m", 0, 2), "ok 4/4/0/0"),
        )


def test_a_mapping_moves_over_another(host: HostKernel) -> None:
    """MREMAP_FIXED onto a mapping unmaps what is there; the moved one is reached by the name of the place.

    Catches: a move to a place of the kernel's choice.
    """
    with host.start(pool(4)) as session:
        settle(session, [Mmap("p", "a", "private", pages=2), Mmap("p", "b", "private", pages=2), *touches("p", "a", 0)])
        must_answer(
            session,
            (Mremap("p", "a", 0, 2, new_pages=2, over=Place("b")), "ok 4/3/1/0"),
            (Touch("p", "b", "write", 0), "ok 4/3/1/0"),
            (Touch("p", "b", "write", 1), "ok 4/2/0/0"),
        )


def test_advice_reaches_the_kernel(host: HostKernel) -> None:
    """populate_write faults in, a short dontneed does nothing, dontfork leaves the child without the mapping.

    Catches: one number of advice in the place of another.
    """
    with host.start(pool(4)) as session:
        must_answer(
            session,
            (Mmap("p", "a", "private", pages=2), "ok 4/4/2/0"),
            (Madvise("p", "a", 0, 2, advice="populate_write"), "ok 4/2/0/0"),
            (Madvise("p", "a", offset_bytes=0, length_bytes=4096, advice="dontneed"), "ok 4/2/0/0"),
            (Madvise("p", "a", 0, 2, advice="dontfork"), "ok 4/2/0/0"),
            (Fork("p", "c"), "ok 4/2/0/0"),
            (Touch("c", "a", "read", 0), "SIGSEGV 4/2/0/0"),
        )


def test_population_stops_silently_and_mlock_does_not(host: HostKernel) -> None:
    """Where pages are short, mmap with MAP_POPULATE or MAP_LOCKED succeeds with what there is, and mlock is ENOMEM.

    Catches: flags that do not reach the kernel.
    """
    with host.start(pool(2)) as session:
        must_answer(
            session,
            (Mmap("p", "a", "private", pages=3, noreserve=True, populate=True), "ok 2/0/0/0"),
            (Mlock("p", "a", 0, 3), "ENOMEM 2/0/0/0"),
            (Munmap("p", "a", 0, 3), "ok 2/2/0/0"),
            (Mmap("p", "b", "private", pages=1, locked=True), "ok 2/1/0/0"),
        )


def test_protections(host: HostKernel) -> None:
    """A mapping without access reserves in full, and mprotect to rw later costs nothing.

    Catches: a protection that does not reach the kernel.
    """
    with host.start(pool(4)) as session:
        must_answer(
            session,
            (Mmap("p", "a", "private", pages=2, prot="none"), "ok 4/4/2/0"),
            (Touch("p", "a", "read", 0), "SIGSEGV 4/4/2/0"),
            (Mmap("p", "b", "private", pages=1, prot="r"), "ok 4/4/3/0"),
            (Touch("p", "b", "read", 0), "ok 4/3/2/0"),
            (Touch("p", "b", "write", 0), "SIGSEGV 4/3/2/0"),
            (Mprotect("p", "a", 0, 2, prot="rw"), "ok 4/3/2/0"),
            (Touch("p", "a", "write", 0), "ok 4/2/1/0"),
        )


def test_overcommit_and_pool_resizing(host: HostKernel) -> None:
    """Surplus pages come for reservations and go with them; a shrink below use turns pages into surplus.

    Catches: a pool or a limit that is not set on the host.
    """
    with host.start(pool(2, 3)) as session:
        must_answer(
            session,
            (Mmap("p", "a", "private", pages=4), "ok 4/4/4/2"),
            (Mmap("p", "b", "private", pages=2), "ENOMEM 4/4/4/2"),
            (Mmap("p", "b", "private", pages=1), "ok 5/5/5/3"),
            (SetNrOvercommit(0), "ok 5/5/5/3"),
            (SetNrHugepages(4), "ok 5/5/5/1"),
            (Munmap("p", "b", 0, 1), "ok 4/4/4/0"),
            (SetNrHugepages(0), "ok 4/4/4/4"),
            (Exit("p"), "ok 0/0/0/0"),
        )


def test_a_name_comes_again_after_exit_without_mappings(host: HostKernel) -> None:
    """After `exit` the name is a fresh process without mappings.

    Catches: bindings of the dead process that show through.
    """
    with host.start(pool(2)) as session:
        settle(session, [Mmap("p", "a", "private", pages=2), Exit("p")])
        with pytest.raises(ScenarioError, match="process 'p' has no mapping 'a'"):
            session.apply(Touch("p", "a", "read"))
        must_answer(session, (Mmap("p", "a", "private", pages=1), "ok 2/2/1/0"))


def test_mappings_are_far_apart(host: HostKernel) -> None:
    """A touch past the end of a mapping is SIGSEGV.

    Catches: mappings that lie side by side, where it would reach the next one.
    """
    with host.start(pool(4)) as session:
        settle(session, [Mmap("p", name, "shared", pages=1) for name in "abc"])
        must_answer(
            session,
            (Touch("p", "b", "read", 1), "SIGSEGV 4/4/3/0"),
            (Touch("p", "b", "read", 511), "SIGSEGV 4/4/3/0"),
            (Touch("p", "b", "read", 0), "ok 4/3/2/0"),
        )


def test_ordinary_pages_are_not_of_the_pool(host: HostKernel) -> None:
    """A `normal` mapping changes no counter of the pool. Catches: `normal` that becomes MAP_HUGETLB."""
    with host.start(pool(1)) as session:
        must_answer(
            session,
            (Mmap("p", "n", "private", pages=4, normal=True), "ok 1/1/0/0"),
            (Touch("p", "n", "write", 3), "ok 1/1/0/0"),
        )


def test_release_ends_what_is_left(host: HostKernel) -> None:
    """At the release everything is ended and nothing stays counted, also what two processes share.

    Catches: a scenario that stops in the middle and leaves pages to the next one.
    """
    with host.start(pool(4)) as session:
        settle(session, [Mmap("p", "a", "shared", pages=2), *touches("p", "a", 0), Fork("p", "c")])
        assert session.release().counters == (4, 4, 0, 0)
