"""What the host shows of a mapping, page by page."""

from hugeresv.kernels.host.kernel import HostKernel
from hugeresv.kernels.protocol import MappingView, Session
from hugeresv.scenario.operation import (
    CloseFile,
    Fallocate,
    Fork,
    Memfd,
    Mmap,
    Mremap,
    Munmap,
    OpenFile,
    Place,
    Shmat,
    Shmget,
    Touch,
)
from tests.kernels.conftest import pool, settle


def strip(session: Session, proc: str, mapping: str) -> str:
    """One letter a page: `H`ole, `P`resent, `A`bsent."""
    view = session.view(proc, mapping)
    assert view is not None
    return "".join(state.name[0] * count for state, count in view.runs)


def test_a_private_mapping_shows_its_own_pages(host: HostKernel) -> None:
    """A picture has holes inside and at the end, and a child of fork has its parent's pages.

    Catches: a picture cut at its first hole.
    """
    with host.start(pool(8)) as session:
        settle(session, [Mmap("p", "a", "private", pages=6), Touch("p", "a", "write", 1), Touch("p", "a", "read", 4)])
        assert strip(session, "p", "a") == "APAAPA"
        settle(session, [Fork("p", "c"), Munmap("p", "a", 1, 2), Munmap("p", "a", 5, 1)])
        assert strip(session, "p", "a") == "AHHAPH"
        assert strip(session, "c", "a") == "APAAPA"


def test_a_shared_mapping_shows_the_page_cache(host: HostKernel) -> None:
    """A page that another process made, or that nobody has mapped, is shown as present.

    Catches: a picture of page tables alone.
    """
    with host.start(pool(8)) as session:
        settle(session, [OpenFile("f"), Mmap("p", "a", "shared", pages=4, file="f", offset=1), CloseFile("f")])
        settle(session, [Fork("p", "c"), Touch("c", "a", "write", 2)])
        assert strip(session, "p", "a") == "AAPA"
        settle(session, [Munmap("p", "a", 0, 1), Touch("c", "a", "write", 0)])
        assert strip(session, "p", "a") == "HAPA"
        assert strip(session, "c", "a") == "PAPA"


def test_looking_changes_nothing(host: HostKernel) -> None:
    """Looking changes neither the counters nor the file's size; pages behind its end are absent.

    Catches: a look that faults pages in.
    """
    with host.start(pool(4)) as session:
        settle(session, [Memfd("f"), Fallocate("p", "f", 1, 1, mode="alloc")])
        before = session.apply(Mmap("p", "a", "shared", pages=4, file="f", prot="r"))
        assert strip(session, "p", "a") == "APAA"
        assert session.apply(Touch("p", "a", "read", 2))._replace(outcome=before.outcome) == before
        assert session.apply(Touch("p", "a", "read", 2)).outcome == "SIGBUS"


def test_segments_and_anonymous_shared_memory(host: HostKernel) -> None:
    """Segments and anonymous shared memory have pictures.

    Catches: a file looked for by its path, which these have not.
    """
    with host.start(pool(8)) as session:
        settle(session, [Shmget("p", "s", pages=3), Shmat("p", "s", "a"), Touch("p", "a", "write", 1)])
        settle(session, [Mmap("p", "b", "shared", pages=2), Touch("p", "b", "write", 0)])
        assert strip(session, "p", "a") == "APA"
        assert strip(session, "p", "b") == "PA"


def test_a_private_mapping_of_a_file_shows_what_it_has_mapped(host: HostKernel) -> None:
    """A private mapping of a file shows the pages that it has mapped.

    Catches: the page cache behind it shown as the mapping's.
    """
    with host.start(pool(8)) as session:
        settle(session, [OpenFile("f"), Fallocate("p", "f", 0, 3, mode="alloc")])
        settle(session, [Mmap("p", "a", "private", pages=3, file="f"), Touch("p", "a", "write", 1)])
        assert strip(session, "p", "a") == "APA"


def test_the_picture_has_the_length_of_the_past(host: HostKernel) -> None:
    """What was moved away, or onto a place, is drawn at its place.

    Catches: a picture with the length of the mapping at its start.
    """
    with host.start(pool(8)) as session:
        settle(session, [Mmap("p", "a", "private", pages=3), Mmap("p", "b", "private", pages=2)])
        settle(session, [Touch("p", "a", "write", 2), Mremap("p", "a", 0, 3, new_pages=3, over=Place("b", page=1))])
        assert strip(session, "p", "a") == "HHH"
        assert strip(session, "p", "b") == "AAAP"


def test_a_long_picture(host: HostKernel) -> None:
    """A picture of 1200 runs is whole. Catches: one cut at the first read from the worker's channel."""
    with host.start(pool(0)) as session:
        settle(session, [Mmap("p", "a", "private", pages=1200, noreserve=True)])
        settle(session, [Munmap("p", "a", page, 1) for page in range(1, 1200, 2)])
        assert strip(session, "p", "a") == "AH" * 600


def test_ordinary_shared_memory(host: HostKernel) -> None:
    """A page of ordinary shared memory is present when its first 4 KiB are.

    Catches: a file that is taken for a hugetlbfs.
    """
    with host.start(pool(0)) as session:
        settle(session, [Mmap("p", "n", "shared", pages=2, normal=True), Touch("p", "n", "write", 1)])
        assert strip(session, "p", "n") == "AP"


def test_ordinary_pages_that_are_partly_unmapped(host: HostKernel) -> None:
    """A page is what its first byte is. Catches: pieces behind a hole inside a page that count for it."""
    with host.start(pool(0)) as session:
        settle(session, [Mmap("p", "n", "shared", pages=2, normal=True), Touch("p", "n", "write", 0)])
        settle(session, [Munmap("p", "n", offset_bytes=4096, length_bytes=4096)])
        assert strip(session, "p", "n") == "PA"
        settle(session, [Munmap("p", "n", offset_bytes=0, length_bytes=4096)])
        assert strip(session, "p", "n") == "HA"


def test_only_a_mapping_has_a_picture(host: HostKernel) -> None:
    """An unknown process or mapping has no picture; a view says whether it is shared.

    Catches: a picture of another mapping.
    """
    with host.start(pool(2)) as session:
        settle(session, [Mmap("p", "a", "private", pages=1), Mmap("p", "b", "shared", pages=1)])
        assert session.view("p", "c") is None
        assert session.view("q", "a") is None
        views = [session.view("p", name) for name in "ab"]
        assert [isinstance(view, MappingView) and view.shared for view in views] == [False, True]
