"""NORESERVE, shared mappings, files and segments: the experiments of docs/kernel/files.md."""

import pytest

from hugeresv.lab import Actor, play
from hugeresv.scenario import operation as op

p, q = Actor("p"), Actor("q")
PAGE = 2 * 1024 * 1024


def test_e05_noreserve_takes_only_what_nobody_was_promised() -> None:
    """A NORESERVE touch takes a page only where a free one is not promised, and no promise is consumed.

    Catches: a NORESERVE touch that takes a promised page, or one that consumes a reservation.
    """
    play(
        "6.18", 2,
        (p.noreserve("a", 4), "2/2/0/0"),
        (p.write("a", 0), "2/1/0/0"),
        (p.write("a", 1), "2/0/0/0"),
        (p.write("a", 2), "SIGBUS 2/0/0/0"),
        (p.dontneed("a", 0), "2/1/0/0"),
        (p.write("a", 2), "2/0/0/0"),
        (p.munmap("a", 0, 4), "2/2/0/0"),
        (p.mmap("b", 2), "2/2/2/0"),
        (p.noreserve("c", 1), "2/2/2/0"),
        (p.write("c", 0), "SIGBUS 2/2/2/0"),
    )  # fmt: skip


def test_e06_a_shared_reservation_lives_as_long_as_its_file() -> None:
    """The reservation of a shared mapping goes with its file, not with a munmap.

    Catches: a partial munmap of a shared mapping that credits as a private one does.
    """
    play(
        "6.18", 8,
        (p.shared("a", 4), "8/8/4/0"),
        (p.write("a", 1), "8/7/3/0"),
        (p.munmap("a", 1, 1), "8/7/3/0"),
        (p.munmap("a", 0, 1), "8/7/3/0"),
        (p.munmap("a", 2, 2), "8/8/0/0"),
    )  # fmt: skip


def test_e07_overlapping_mappings_reserve_each_page_once() -> None:
    """Mappings of one file together promise each of its pages once.

    Catches: a second mapping that reserves its whole length, or a munmap that gives a file's reservation back.
    """
    play(
        "6.18", 12,
        (op.OpenFile("f"), "12/12/0/0"),
        (p.shared("a", 4, file="f"), "12/12/4/0"),
        (p.write("a", 1), "12/11/3/0"),
        (p.shared("b", 4, file="f", offset=2), "12/11/5/0"),
        (p.write("a", 2), "12/10/4/0"),
        (p.write("b", 0), "12/10/4/0"),
        (p.write("b", 3), "12/9/3/0"),
        (p.munmap("a", 0, 4), "12/9/3/0"),
        (p.munmap("b", 0, 4), "12/9/3/0"),
        (p.shared("c", 6, file="f"), "12/9/3/0"),
        (p.munmap("c", 0, 6), "12/9/3/0"),
        (op.CloseFile("f"), "12/12/0/0"),
    )  # fmt: skip


def test_e07b_a_noreserve_mapping_uses_what_another_has_reserved() -> None:
    """A NORESERVE touch of an offset that another mapping reserved consumes that promise.

    Catches: a NORESERVE touch of a reserved offset that does not consume its reservation, or that nobody accounts for.
    """
    play(
        "6.18", 8,
        (op.OpenFile("f"), "8/8/0/0"),
        (p.noreserve("a", 4, "shared", file="f"), "8/8/0/0"),
        (p.write("a", 0), "8/7/0/0"),
        (p.write("a", 1), "8/6/0/0"),
        (p.shared("b", 4, file="f"), "8/6/2/0"),
        (p.write("a", 2), "8/5/1/0"),
    )  # fmt: skip


def test_e08_holes_and_fallocate() -> None:
    """A hole takes its pages; a promise without a page stays. fallocate consumes a promise where there is one.

    Catches: a hole without a page that gives its promise back, or fallocate that leaves a promise unused.
    """
    play(
        "6.18", 8,
        (op.OpenFile("f"), "8/8/0/0"),
        (p.fallocate("f", 0, 3), "8/5/0/0"),
        (p.shared("a", 5, file="f"), "8/5/2/0"),
        (p.punch("f", 1, 1), "8/6/2/0"),
        (p.punch("f", 3, 1), "8/6/2/0"),
        (p.write("a", 1), "8/5/2/0"),
        (p.fallocate("f", 3, 2), "8/3/0/0"),
        (p.punch("f", 0, 5), "8/8/0/0"),
    )  # fmt: skip


def test_ranges_of_a_file_in_bytes() -> None:
    """fallocate fills every page that its bytes reach; a hole takes the whole pages inside it.

    Catches: fallocate that leaves out a page it only begins in, or a hole that takes one it only reaches into.
    """
    play(
        "6.18", 4,
        (op.Memfd("f"), "4/4/0/0"),
        (p.shared("a", 1, file="f"), "4/4/1/0"),
        (op.Fallocate("p", "f", mode="alloc", offset_bytes=4096, length_bytes=PAGE), "4/2/0/0"),
        (op.Fallocate("p", "f", mode="punch", offset_bytes=0, length_bytes=PAGE - 4096), "4/2/0/0"),
        (op.Fallocate("p", "f", mode="punch", offset_bytes=4096, length_bytes=PAGE), "4/2/0/0"),
        (op.Fallocate("p", "f", mode="punch", offset_bytes=4096, length_bytes=2 * PAGE - 4096), "4/3/0/0"),
        (op.Fallocate("p", "f", mode="punch", offset_bytes=0, length_bytes=PAGE + 4096), "4/4/0/0"),
        (op.Fallocate("p", "f", mode="punch", offset_bytes=0, length_bytes=0), "EINVAL 4/4/0/0"),
    )  # fmt: skip


def test_e08b_a_hole_has_no_reservation_until_it_is_mapped_again() -> None:
    """A hole has no promise; a new mapping of it promises again.

    Catches: a hole that keeps its promise (the touch would succeed), or whose new promise is the new mapping's alone.
    """
    play(
        "6.18", 4,
        (op.OpenFile("f"), "4/4/0/0"),
        (p.shared("a", 2, file="f"), "4/4/2/0"),
        (p.write("a", 0), "4/3/1/0"),
        (p.punch("f", 0, 1), "4/4/1/0"),
        (q.mmap("b", 3), "4/4/4/0"),
        (p.write("a", 0), "SIGBUS 4/4/4/0"),
        (p.shared("c", 2, file="f"), "ENOMEM 4/4/4/0"),
        (q.munmap("b", 2, 1), "4/4/3/0"),
        (p.shared("c", 2, file="f"), "4/4/4/0"),
        (p.write("a", 0), "4/3/3/0"),
    )  # fmt: skip


def test_e09_truncation_takes_the_promise_and_growing_gives_none() -> None:
    """Truncation takes back the promises beyond the new end; growing the file makes none.

    Catches: truncation that forgets promises without a page, or a grown file that has its promises back.
    """
    play(
        "6.18", 8,
        (op.OpenFile("f"), "8/8/0/0"),
        (p.shared("a", 4, file="f"), "8/8/4/0"),
        (p.write("a", 0), "8/7/3/0"),
        (p.write("a", 3), "8/6/2/0"),
        (p.ftruncate("f", 2), "8/7/1/0"),
        (p.write("a", 3), "SIGBUS 8/7/1/0"),
        (p.write("a", 2), "SIGBUS 8/7/1/0"),
        (p.write("a", 1), "8/6/0/0"),
        (p.ftruncate("f", 4), "8/6/0/0"),
        (p.write("a", 3), "8/5/0/0"),
        (p.ftruncate("f", 0), "8/8/0/0"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("on", "truncated"),
    [("5.10", "8/8/1/0"), ("6.1", "8/8/1/0"), ("6.12", "8/8/2/0"), ("6.18", "8/8/2/0"), ("7.3", "8/8/2/0")],
)
def test_e09b_who_extends_a_file_and_what_truncation_restores(on: str, truncated: str) -> None:
    """A private writable mapping extends its file, a read-only shared one does not.

    What was consumed is promised again by truncation where the kernel restores it.

    Catches: a read-only mapping that extends the file, a private one that does not; a restore where there was none.
    """
    play(
        on, 8,
        (op.OpenFile("f"), "8/8/0/0"),
        (p.shared("a", 2, file="f", prot="r"), "8/8/2/0"),
        (p.read("a", 0), "SIGBUS 8/8/2/0"),
        (p.mmap("b", 2, file="f"), "8/8/4/0"),
        (p.write("b", 0), "8/7/3/0"),
        (p.ftruncate("f", 0), truncated),
    )  # fmt: skip


def test_e09c_private_mapping_of_cached_pages() -> None:
    """A private read uses the cached page; a private write copies it and consumes the promise.

    Catches: a private read of a cached page that takes a page, a write that does not, a hole that spares the copies.
    """
    play(
        "6.18", 8,
        (op.OpenFile("f"), "8/8/0/0"),
        (p.fallocate("f", 0, 2), "8/6/0/0"),
        (p.mmap("a", 2, file="f"), "8/6/2/0"),
        (p.read("a", 0), "8/6/2/0"),
        (p.write("a", 1), "8/5/1/0"),
        (p.punch("f", 1, 1), "8/7/2/0"),
        (p.punch("f", 0, 1), "8/8/2/0"),
    )  # fmt: skip


def test_truncation_reaches_a_child_after_its_parent() -> None:
    """Truncation unmaps in the order of the file's mappings, a child after its parent.

    Catches: a child's mapping that comes last in the file's order: two owners and their children, one page of surplus.
    The first child's turn frees the surplus page, so that the second owner's page is promised again. Seen on 6.18.44.
    """
    play(
        "6.18", 2,
        (op.Memfd("f"), "2/2/0/0"),
        (p.mmap("a", 1, file="f"), "2/2/1/0"),
        (p.mmap("b", 1, file="f"), "2/2/2/0"),
        (p.write("a", 0), "2/1/1/0"),
        (p.write("b", 0), "2/0/0/0"),
        (p.fork("c"), "2/0/0/0"),
        (op.SetNrHugepages(1), "2/0/0/1"),
        (p.ftruncate("f", 0), "1/1/1/0"),
    )  # fmt: skip


@pytest.mark.parametrize(("split", "promised"), [(True, 2), (False, 1)])
def test_truncation_reaches_a_split_mapping_last(split: bool, promised: int) -> None:
    """A mapping that was split comes last among those that begin at its page.

    Catches: a split that keeps its place among the mappings that begin at the same page. Seen on 6.18.44, both ways.
    """
    middle = [(p.mprotect("a", 1, 1, "r"), "3/1/1/0")] if split else []
    play(
        "6.18", 3,
        (op.Memfd("f"), "3/3/0/0"),
        (p.mmap("a", 2, file="f"), "3/3/2/0"),
        (p.noreserve("b", 1, file="f"), "3/3/2/0"),
        (p.write("a", 0), "3/2/1/0"),
        (p.write("b", 0), "3/1/1/0"),
        *middle,
        (op.SetNrHugepages(2), "3/1/1/1"),
        (p.ftruncate("f", 0), f"2/2/{promised}/0"),
    )  # fmt: skip


def test_h35_truncation_and_growth_before_4_3() -> None:
    """Before 4.3 a fault of a shared mapping took a reservation off, though truncation had taken it away: underflow.

    Catches: a promise that is missing on a kernel that has the fix, or that the old rule keeps.
    """
    rows = [
        (op.OpenFile("f"), "8/8/0/0"),
        (p.shared("a", 2, file="f"), "8/8/2/0"),
        (p.ftruncate("f", 0), "8/8/0/0"),
        (p.ftruncate("f", 2), "8/8/0/0"),
    ]  # fmt: skip
    play("2008", 8, *rows, (p.write("a", 0), "8/7/-1/0"), end=-1)
    play("6.18", 8, *rows, (p.write("a", 0), "8/7/0/0"))


def test_h38_an_owner_consumes_twice_before_4_8() -> None:
    """Before 4.8 an owner's fault took a reservation off for an offset that had consumed its own: underflow.

    Catches: a second consumption on a kernel that has the fix, or none on one before it.
    """
    rows = [
        (op.OpenFile("f"), "8/8/0/0"),
        (p.mmap("a", 2, file="f"), "8/8/2/0"),
        (p.write("a", 0), "8/7/1/0"),
        (p.ftruncate("f", 0), "8/8/1/0"),
        (p.ftruncate("f", 2), "8/8/1/0"),
    ]  # fmt: skip
    play("2008", 8, *rows, (p.write("a", 0), "8/7/0/0"), (p.write("a", 1), "8/6/-1/0"), end=-1)
    play("5.10", 8, *rows, (p.write("a", 0), "8/7/1/0"), (p.write("a", 1), "8/6/0/0"))


def test_a_closed_file_lives_on_in_its_mapping() -> None:
    """A file lives as long as a descriptor or a mapping refers to it.

    Catches: a file that goes with its descriptor while it is mapped, or that stays when both are gone.
    """
    play(
        "6.18", 4,
        (op.Memfd("f"), "4/4/0/0"),
        (p.shared("a", 2, file="f"), "4/4/2/0"),
        (p.write("a", 0), "4/3/1/0"),
        (op.CloseFile("f"), "4/3/1/0"),
        (p.write("a", 1), "4/2/0/0"),
        (p.munmap("a", 0, 2), "4/4/0/0"),
    )  # fmt: skip


def test_a_replaced_file_goes_after_the_new_promise() -> None:
    """MAP_FIXED over the only mapping of a file cannot have that file's pages.

    Catches: a MAP_FIXED that has the pages of what it replaces: the file goes when the call returns. Seen on 6.18.44.
    """
    play(
        "6.18", 2,
        (p.shared("a", 2, populate=True), "2/0/0/0"),
        (p.mmap("b", 2, over=op.Place("a")), "ENOMEM 2/2/0/0"),
        (p.mmap("b", 2), "2/2/2/0"),
    )  # fmt: skip


def test_e20_a_segment_reserves_when_it_is_made() -> None:
    """shmget promises the whole segment; the promise goes with the last attachment after the removal.

    Catches: shmat that reserves, shmdt that gives back, or a segment that goes before the last of id and attachments.
    """
    play(
        "6.18", 8,
        (p.shmget("s", 9), "ENOMEM 8/8/0/0"),
        (p.shmget("s", 4), "8/8/4/0"),
        (p.shmat("s", "a"), "8/8/4/0"),
        (p.write("a", 0), "8/7/3/0"),
        (p.shmdt("a"), "8/7/3/0"),
        (q.shmat("s", "b"), "8/7/3/0"),
        (op.Shmrm("s"), "8/7/3/0"),
        (q.write("b", 1), "8/6/2/0"),
        (q.shmdt("b"), "8/8/0/0"),
        (q.shmdt("b"), "EINVAL 8/8/0/0"),
    )  # fmt: skip


def test_shmdt_leaves_another_segments_pages() -> None:
    """shmdt takes what is left of one segment, not what was moved into its place from another.

    Catches: a segment that is known by its address alone. Seen on 6.18.44.
    """
    play(
        "6.18", 8,
        (p.shmget("s", 3), "8/8/3"),
        (p.shmat("s", "a"), "8/8/3"),
        (p.shmget("t", 3), "8/8/6"),
        (p.shmat("t", "b"), "8/8/6"),
        (op.Mremap("p", "b", 2, 1, new_pages=1, over=op.Place("a", 2)), "8/8/6"),
        (p.write("a", 2), "8/7/5"),
        (p.shmdt("a"), "8/7/5"),
        (p.write("a", 0), "SIGSEGV 8/7/5"),
        (p.write("a", 2), "8/7/5"),
        end=0,
    )  # fmt: skip


def test_a_segment_counts_as_locked_memory_until_it_is_gone() -> None:
    """Without CAP_IPC_LOCK and the group RLIMIT_MEMLOCK bounds the segments that are there, also removed ones.

    Catches: a limit for each segment by itself; a segment that stops counting when its id goes. Seen on 5.10.262.
    """
    play(
        "5.10", 8,
        (op.Setgid("p", 65534), "8/8/0/0"),
        (op.Memlock("p", 3), "8/8/0/0"),
        (p.shmget("before", 3), "8/8/3/0"),
        (op.Capset("p"), "8/8/3/0"),
        (op.Capset("r"), "8/8/3/0"),
        (Actor("r").shmget("by group", 1), "8/8/4/0"),
        (op.Shmrm("by group"), "8/8/3/0"),
        (p.shmget("some", 2), "8/8/5/0"),
        (p.shmget("more", 2), "EPERM 8/8/5/0"),
        (p.shmat("some", "a"), "8/8/5/0"),
        (op.Shmrm("some"), "8/8/5/0"),
        (p.shmget("more", 2), "EPERM 8/8/5/0"),
        (p.shmdt("a"), "8/8/3/0"),
        (p.shmget("more", 3), "8/8/6/0"),
        (op.Memlock("p", 4), "EPERM 8/8/6/0"),
        (op.Setgid("p", 0), "EPERM 8/8/6/0"),
        (p.fork("q"), "8/8/6/0"),
        (q.shmget("child", 1), "EPERM 8/8/6/0"),
    )  # fmt: skip


def test_locked_memory_is_bounded_without_capabilities() -> None:
    """Without CAP_IPC_LOCK locked ordinary memory and what is to be locked stay below RLIMIT_MEMLOCK.

    Catches: a limit that counts huge pages which are locked already, or forgets ordinary ones. Seen on 6.12.118.
    """
    play(
        "6.12", 8,
        (p.mmap("a", 6), "8/8/6/0"),
        (p.mlock("a", 0, 6), "8/2/0/0"),
        (op.Capset("p"), "8/2/0/0"),
        (p.mlock("a", 0, 4), "8/2/0/0"),
        (p.mlock("a", 0, 5), "ENOMEM 8/2/0/0"),
        (p.mmap("b", 5, locked=True), "EAGAIN 8/2/0/0"),
        (op.Mmap("p", "small", "private", length_bytes=4096, normal=True, locked=True), "8/2/0/0"),
        (p.mmap("c", 4, locked=True, kind="shared"), "EAGAIN 8/2/0/0"),
        (p.mlock("a", 0, 4), "ENOMEM 8/2/0/0"),
        (op.Mremap("p", "small", offset_bytes=0, length_bytes=4096, new_length_bytes=8 << 20), "8/2/0/0"),
        (op.Mremap("p", "small", offset_bytes=0, length_bytes=4096, new_length_bytes=9 << 20), "EAGAIN 8/2/0/0"),
        (op.Mlock("p", "small", offset_bytes=0, length_bytes=8 << 20), "8/2/0/0"),
        (p.fork("q"), "8/2/0/0"),
        (q.mlock("a", 0, 2), "8/0/0/0"),
        (op.Memlock("q", 0), "8/0/0/0"),
        (q.mlock("a", 0, 1), "EPERM 8/0/0/0"),
        (q.mmap("d", 1, locked=True), "EPERM 8/0/0/0"),
    )  # fmt: skip


@pytest.mark.parametrize(("on", "attached"), [("2008", "8/8/2/0"), ("5.10", "8/8/0/0"), ("6.18", "8/8/0/0")])
def test_h84_attaching_a_noreserve_segment(on: str, attached: str) -> None:
    """To 6.7 shmat reserved the whole of a SHM_NORESERVE segment; 5.10.262 has the fix.

    Catches: a reservation on a release that has the fix, or none on one that has not.
    """
    play(
        on, 8,
        (p.shmget("s", 2, noreserve=True), "8/8/0/0"),
        (p.shmat("s", "a"), attached),
        (p.write("a", 0), "8/7/1/0" if on == "2008" else "8/7/0/0"),
        (op.Shmrm("s"), "8/7/1/0" if on == "2008" else "8/7/0/0"),
        (p.exit(), "8/8/0/0"),
    )  # fmt: skip
