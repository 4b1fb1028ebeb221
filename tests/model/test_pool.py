"""Resizing the pool, and surplus pages: experiments of docs/kernel/pool.md, and what a wrapped counter does to them."""

from hugeresv.lab import Actor, play
from hugeresv.scenario import operation as op

p, c, q = Actor("p"), Actor("c"), Actor("q")


def test_e14_surplus_up_to_the_overcommit_limit() -> None:
    """Promises beyond the pool make surplus pages up to the limit, which go with their promises.

    Catches: a limit that is off by one, surplus that is not given back with its promise, or given back while in use.
    """
    play(
        "6.18", 2,
        (p.mmap("a", 4), "4/4/4/2"),
        (p.mmap("b", 2), "ENOMEM 4/4/4/2"),
        (p.mmap("q", 1), "5/5/5/3"),
        (p.write("a", 0), "5/4/4/3"),
        (p.write("a", 1), "5/3/3/3"),
        (p.write("a", 2), "5/2/2/3"),
        (p.noreserve("n", 1), "5/2/2/3"),
        (p.write("n", 0), "SIGBUS 5/2/2/3"),
        (p.munmap("q", 0, 1), "4/1/1/2"),
        (p.munmap("a", 0, 4), "2/2/0/0"),
        oc=3,
    )  # fmt: skip


def test_e14b_growing_adopts_surplus_pages_first() -> None:
    """Growing the pool makes surplus pages persistent before it allocates.

    Catches: growth that allocates before it adopts, a limit that takes pages away, a shrink that frees what is in use.
    """
    play(
        "6.18", 1,
        (p.noreserve("a", 3), "1/1/0/0"),
        (p.write("a", 0), "1/0/0/0"),
        (p.write("a", 1), "2/0/0/1"),
        (p.write("a", 2), "3/0/0/2"),
        (op.SetNrHugepages(2), "3/0/0/1"),
        (op.SetNrHugepages(3), "3/0/0/0"),
        (op.SetNrHugepages(4), "4/1/0/0"),
        (op.SetNrOvercommit(0), "4/1/0/0"),
        (op.SetNrHugepages(1), "3/0/0/2"),
        (p.munmap("a", 0, 1), "2/0/0/1"),
        (p.munmap("a", 1, 1), "1/0/0/0"),
        (p.munmap("a", 2, 1), "1/1/0/0"),
        oc=2,
    )  # fmt: skip


def test_e14c_the_next_freed_page_leaves_the_pool() -> None:
    """While the pool has surplus pages, the next page that is freed leaves it, whichever it is.

    Catches: a surplus page that is told from a persistent one.
    """
    play(
        "6.18", 1,
        (p.noreserve("a", 2), "1/1/0/0"),
        (p.write("a", 0), "1/0/0/0"),
        (p.write("a", 1), "2/0/0/1"),
        (p.munmap("a", 0, 1), "1/0/0/0"),
        (p.munmap("a", 1, 1), "1/1/0/0"),
        oc=1,
    )  # fmt: skip


def test_e15_shrinking_below_what_is_promised() -> None:
    """A shrink keeps pages in use and pages promised; what it could not free becomes surplus.

    Catches: a floor without the promises, or what cannot be freed not counted as surplus.
    """
    play(
        "6.18", 6,
        (p.mmap("a", 4), "6/6/4/0"),
        (p.write("a", 0), "6/5/3/0"),
        (op.SetNrHugepages(0), "4/3/3/4"),
        (op.SetNrHugepages(2), "4/3/3/2"),
        (p.write("a", 1), "4/2/2/2"),
        (p.munmap("a", 0, 2), "2/2/2/0"),
        (p.munmap("a", 2, 2), "2/2/0/0"),
    )  # fmt: skip


def test_e15b_a_pool_of_promises_only() -> None:
    """A pool shrunk to its promises makes no new ones, and its surplus goes with them.

    Catches: a new promise from pages that are surplus, or surplus pages that stay when the last promise is gone.
    """
    play(
        "6.18", 4,
        (p.mmap("a", 2), "4/4/2/0"),
        (op.SetNrHugepages(0), "2/2/2/2"),
        (p.mmap("b", 1), "ENOMEM 2/2/2/2"),
        (p.munmap("a", 0, 2), "0/0/0/0"),
    )  # fmt: skip


def test_a_wrapped_counter_keeps_every_page() -> None:
    """With a wrapped counter a shrink frees no page: the kernel compares without a sign.

    Catches: the floor of a shrink compared as signed numbers.
    """
    play(
        "6.18", 8,
        (op.Mount("m", 12, 2), "8/8/2/0"),
        (op.OpenFile("f", "m"), "8/8/2/0"),
        (p.shared("a", 11, file="f"), "ENOMEM 8/8/0/0"),
        (op.CloseFile("f"), "8/8/0/0"),
        (op.Umount("m"), "8/8/-2/0"),
        (op.SetNrHugepages(5), "8/8/-2/3"),
        end=-2,
    )  # fmt: skip


def test_a_shrink_frees_free_pages_only() -> None:
    """A write of 0 frees no more than the free pages. Catches: a wrapped counter that hides pages in use."""
    play(
        "6.18", 4,
        (p.mmap("a", 2, populate=True), "4/2/0/0"),
        (p.fork("c"), "4/2/0/0"),
        (p.exit(), "4/2/-2/0"),
        (op.SetNrHugepages(0), "2/0/-2/2"),
        (c.exit(), "0/0/0/0"),
    )  # fmt: skip


def test_withdrawn_promises_give_back_free_pages_only() -> None:
    """Where more is promised than free, withdrawing promises gives back no page in use.

    Catches: a count of free pages below zero.
    """
    play(
        "6.18", 4,
        (p.mmap("a", 2, populate=True), "4/2/0/0"),
        (p.fork("c"), "4/2/0/0"),
        (p.exit(), "4/2/-2/0"),
        (q.mmap("y", 2), "4/2/0/0"),
        (q.mmap("z", 2), "4/2/2/0"),
        (op.SetNrHugepages(0), "4/2/2/4"),
        (q.exit(), "2/0/-2/2"),
        (c.exit(), "0/0/0/0"),
    )  # fmt: skip


def test_a_restored_page_that_is_surplus_leaves_the_pool_on_6_18() -> None:
    """On 6.18 a page that refills a mount's minimum still leaves the pool where it has surplus pages.

    Catches: a refill that keeps the page.
    """
    rows = [
        (op.Mount("m", 7, 4), "10/10/4/0"),
        (op.OpenFile("f", "m"), "10/10/4/0"),
        (p.fallocate("f", 2, 3), "10/7/1/0"),
        (q.noreserve("a", 2, populate=True), "10/5/1/0"),
        (op.SetNrHugepages(5), "6/1/1/1"),
    ]  # fmt: skip
    all_is_available = [
        (op.CloseFile("f"), "5/3/4/0"),
        (q.noreserve("n", 4), "5/3/4/0"),
        (q.write("n", 0), "5/2/4/0"),
        (q.write("n", 1), "5/1/4/0"),
        (q.write("n", 2), "5/0/4/0"),
        (q.write("n", 3), "SIGBUS 5/0/4/0"),
    ]  # fmt: skip
    play("6.18", 10, *rows, *all_is_available)
    play("ideal", 10, *rows, (op.CloseFile("f"), "6/4/4/1"), (op.Umount("m"), "5/3/0/0"))
