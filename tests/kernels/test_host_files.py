"""Files, segments and mounts on the host."""

import pytest

from hugeresv.answer import Statfs
from hugeresv.errors import ScenarioError
from hugeresv.kernels.host.kernel import HostKernel
from hugeresv.scenario.operation import (
    CloseFile,
    Exit,
    Fadvise,
    Fallocate,
    Fork,
    Ftruncate,
    Madvise,
    Memfd,
    Mmap,
    Mount,
    Munmap,
    OpenFile,
    Readahead,
    Shmat,
    Shmdt,
    Shmget,
    Shmrm,
    Touch,
    Umount,
)
from tests.kernels.conftest import must_answer, pool, settle


@pytest.mark.parametrize("opened", [OpenFile("f"), Memfd("f")], ids=["open_file", "memfd"])
def test_a_file_outlives_its_mappings_until_it_is_closed(host: HostKernel, opened: OpenFile | Memfd) -> None:
    """Overlapping mappings reserve once; pages and promises stay with the file until it is closed.

    Catches: a descriptor that the tool closes early.
    """
    with host.start(pool(12)) as session:
        must_answer(
            session,
            (opened, "ok 12/12/0/0"),
            (Mmap("p", "a", "shared", pages=4, file="f"), "ok 12/12/4/0"),
            (Touch("p", "a", "write", 1), "ok 12/11/3/0"),
            (Mmap("q", "b", "shared", pages=4, file="f", offset=2), "ok 12/11/5/0"),
            (Touch("q", "b", "write", 0), "ok 12/10/4/0"),
            (Touch("p", "a", "read", 2), "ok 12/10/4/0"),
            (Munmap("p", "a", 0, 4), "ok 12/10/4/0"),
            (Exit("q"), "ok 12/10/4/0"),
            (CloseFile("f"), "ok 12/12/0/0"),
        )


def test_a_mapping_keeps_a_closed_file(host: HostKernel) -> None:
    """A file that was closed lives on in its mapping, and its name is free.

    Catches: a close that unmaps, or a name that stays.
    """
    with host.start(pool(4)) as session:
        settle(session, [OpenFile("f"), Mmap("p", "a", "shared", pages=2, file="f"), CloseFile("f")])
        must_answer(session, (Touch("p", "a", "write", 0), "ok 4/3/1/0"), (Exit("p"), "ok 4/4/0/0"))
        with pytest.raises(ScenarioError, match="there is no open file 'f'"):
            session.apply(Ftruncate("p", "f", pages=0))


def test_fallocate_and_punch(host: HostKernel) -> None:
    """Allocation of a reserved page uses its promise; a punched page is not promised again.

    Catches: the mode or the range of one for the other.
    """
    with host.start(pool(8)) as session:
        must_answer(
            session,
            (OpenFile("f"), "ok 8/8/0/0"),
            (Fallocate("p", "f", 0, 3, mode="alloc"), "ok 8/5/0/0"),
            (Mmap("p", "a", "shared", pages=5, file="f"), "ok 8/5/2/0"),
            (Fallocate("p", "f", 1, 1, mode="punch"), "ok 8/6/2/0"),
            (Fallocate("p", "f", 4, 1, mode="punch"), "ok 8/6/2/0"),
            (Touch("p", "a", "write", 1), "ok 8/5/2/0"),
            (Fallocate("p", "f", 3, 2, mode="alloc_keep_size"), "ok 8/3/0/0"),
            (Fallocate("p", "f", mode="punch", offset_bytes=4096, length_bytes=4 << 20), "ok 8/4/0/0"),
            (Fallocate("p", "f", 0, 20, mode="alloc"), "ENOSPC 8/0/0/0"),
            (Madvise("p", "a", 0, 1, advice="remove"), "ok 8/1/0/0"),
        )


def test_ftruncate_both_ways(host: HostKernel) -> None:
    """What is cut off is given back; growing again promises nothing.

    Catches: a size in pages that reaches the kernel as bytes.
    """
    with host.start(pool(8)) as session:
        settle(session, [OpenFile("f"), Mmap("p", "a", "shared", pages=4, file="f")])
        settle(session, [Touch("p", "a", "write", 0), Touch("p", "a", "write", 3)])
        must_answer(
            session,
            (Ftruncate("p", "f", pages=2), "ok 8/7/1/0"),
            (Touch("p", "a", "write", 3), "SIGBUS 8/7/1/0"),
            (Touch("p", "a", "write", 1), "ok 8/6/0/0"),
            (Ftruncate("p", "f", pages=4), "ok 8/6/0/0"),
            (Touch("p", "a", "write", 3), "ok 8/5/0/0"),
            (Ftruncate("p", "f", pages=0), "ok 8/8/0/0"),
        )


def test_offsets_in_bytes_reach_the_kernel(host: HostKernel) -> None:
    """An offset inside a page is EINVAL. Catches: an offset rounded by the tool."""
    with host.start(pool(4)) as session:
        settle(session, [OpenFile("f")])
        must_answer(
            session,
            (Mmap("p", "a", "shared", pages=1, file="f", offset_bytes=4096), "EINVAL 4/4/0/0"),
            (Mmap("p", "a", "shared", pages=1, file="f", offset_bytes=4 << 20), "ok 4/4/1/0"),
            (Touch("p", "a", "write"), "ok 4/3/0/0"),
            (Ftruncate("p", "f", pages=2), "ok 4/4/0/0"),
        )


def test_advice_on_a_file_allocates_nothing(host: HostKernel) -> None:
    """posix_fadvise(2) and readahead(2) succeed and find nothing to read (mm/readahead.c, force_page_cache_ra).

    Catches: a call of another number.
    """
    with host.start(pool(4)) as session:
        settle(session, [OpenFile("f"), Ftruncate("p", "f", pages=2)])
        must_answer(
            session,
            (Fadvise("p", "f", 0, 2), "ok 4/4/0/0"),
            (Readahead("p", "f", 0, 2), "ok 4/4/0/0"),
        )


def test_a_segment_reserves_until_it_is_gone(host: HostKernel) -> None:
    """The promise is the segment's, from shmget to the last of shmrm and shmdt, forks counted.

    Catches: a segment that the tool removes, or that it leaves behind.
    """
    with host.start(pool(8)) as session:
        must_answer(
            session,
            (Shmget("p", "s", pages=9), "ENOMEM 8/8/0/0"),
            (Shmget("p", "s", pages=4), "ok 8/8/4/0"),
            (Shmat("p", "s", "a"), "ok 8/8/4/0"),
            (Touch("p", "a", "write", 1), "ok 8/7/3/0"),
            (Fork("p", "c"), "ok 8/7/3/0"),
            (Shmat("q", "s", "r", readonly=True), "ok 8/7/3/0"),
            (Touch("q", "r", "write", 1), "SIGSEGV 8/7/3/0"),
            (Touch("q", "r", "read", 1), "ok 8/7/3/0"),
            (Shmdt("p", "a"), "ok 8/7/3/0"),
            (Exit("q"), "ok 8/7/3/0"),
            (Shmrm("s"), "ok 8/7/3/0"),
            (Touch("c", "a", "write", 2), "ok 8/6/2/0"),
            (Shmdt("c", "a"), "ok 8/8/0/0"),
            (Shmget("p", "n", pages=2, noreserve=True), "ok 8/8/0/0"),
        )
        assert session.release().counters == (8, 8, 0, 0)


def test_a_mount_with_a_size(host: HostKernel) -> None:
    """The limit is the mount's, statfs shows it, and umount is EBUSY while a file is open.

    Catches: a size that is not given to the mount.
    """
    with host.start(pool(8)) as session:
        must_answer(
            session,
            (Mount("m", size_pages=4), "ok 8/8/0/0"),
            (OpenFile("f", "m"), "ok 8/8/0/0"),
            (Mmap("p", "a", "shared", pages=5, file="f"), "ENOMEM 8/8/0/0"),
            (Mmap("p", "a", "shared", pages=3, file="f"), "ok 8/8/3/0"),
        )
        answer = session.apply(Touch("p", "a", "write"))
        assert answer.statfs == {"m": Statfs(blocks=4, bfree=1, bavail=1)}
        must_answer(
            session,
            (Umount("m"), "EBUSY 8/7/2/0"),
            (CloseFile("f"), "ok 8/7/2/0"),
            (Umount("m"), "EBUSY 8/7/2/0"),
            (Munmap("p", "a", 0, 3), "ok 8/8/0/0"),
        )
        assert session.apply(Umount("m")).statfs is None
        with pytest.raises(ScenarioError, match="nothing is mounted as 'm'"):
            session.apply(OpenFile("g", "m"))


def test_a_mount_with_a_minimum(host: HostKernel) -> None:
    """min_size reserves at the mount; what exceeds the pool or the size is refused and leaves nothing mounted.

    Catches: a name bound to a mount that failed.
    """
    with host.start(pool(8)) as session:
        must_answer(
            session,
            (Mount("m", min_size_pages=9), "ENOMEM 8/8/0/0"),
            (Mount("m", size_pages=1, min_size_pages=2), "EINVAL 8/8/0/0"),
            (Mount("m", min_size_pages=3), "ok 8/8/3/0"),
            (OpenFile("f", "m"), "ok 8/8/3/0"),
            (Mmap("p", "a", "shared", pages=2, file="f"), "ok 8/8/3/0"),
            (Touch("p", "a", "write", 0), "ok 8/7/2/0"),
            (Mmap("p", "b", "shared", pages=6, file="f"), "ok 8/7/5/0"),
        )
        assert session.release().counters == (8, 8, 0, 0)


@pytest.mark.parametrize(
    ("again", "said"),
    [
        (OpenFile("f"), "file 'f' is open already"),
        (Memfd("f"), "file 'f' is open already"),
        (Shmget("p", "s", pages=1), "segment 's' exists already"),
        (Mount("m"), "'m' is mounted already"),
        (Fork("p", "c"), "process 'c' exists already"),
    ],
    ids=lambda value: getattr(value, "op", None),
)
def test_a_name_in_use_is_not_bound_again(host: HostKernel, again: OpenFile, said: str) -> None:
    """A name in use is refused for a second file, segment, mount or process.

    Catches: the first one left open for ever.
    """
    with host.start(pool(2)) as session:
        settle(session, [OpenFile("f"), Shmget("p", "s", pages=1), Mount("m"), Fork("p", "c")])
        with pytest.raises(ScenarioError, match=said):
            session.apply(again)
        assert session.release().counters == (2, 2, 0, 0)
