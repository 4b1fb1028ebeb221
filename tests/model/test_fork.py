"""fork, copy on write and the page steal: the experiments of docs/kernel/fork.md."""

import pytest

from hugeresv.lab import Actor, play
from hugeresv.scenario import operation as op

p, c, d, q = (Actor(name) for name in "pcdq")


def test_e10_a_child_has_no_reserve() -> None:
    """A child of fork has no promise: what it cannot get from free pages fails, and its exit credits nothing.

    Catches: a fork that hands the owner's reserve on: the child could take promised pages, or its exit would credit
    them.
    """
    play(
        "6.18", 6,
        (p.mmap("a", 4), "6/6/4/0"),
        (p.write("a", 0), "6/5/3/0"),
        (p.write("a", 1), "6/4/2/0"),
        (p.fork("c"), "6/4/2/0"),
        (c.write("a", 0), "6/3/2/0"),
        (c.write("a", 2), "6/2/2/0"),
        (c.write("a", 3), "SIGBUS 6/2/2/0"),
        (c.read("a", 3), "SIGBUS 6/2/2/0"),
        (c.write("a", 1), "SIGBUS 6/2/2/0"),
        (c.exit(), "6/4/2/0"),
        (p.write("a", 2), "6/3/1/0"),
        (p.write("a", 3), "6/2/0/0"),
    )  # fmt: skip


def test_e11_the_owner_takes_the_childs_page() -> None:
    """An owner that finds no page takes the shared one; the child's access is SIGBUS from then on.

    Catches: a steal that changes a counter, misses the child, or marks its page only and not its whole VMA.
    """
    play(
        "6.18", 4,
        (p.mmap("a", 4), "4/4/4/0"),
        (p.write("a", 0), "4/3/3/0"),
        (p.write("a", 1), "4/2/2/0"),
        (p.fork("c"), "4/2/2/0"),
        (p.write("a", 0), "4/2/2/0"),
        (c.read("a", 0), "SIGBUS 4/2/2/0"),
        (c.read("a", 2), "SIGBUS 4/2/2/0"),
        (c.read("a", 1), "4/2/2/0"),
        (p.write("a", 2), "4/1/1/0"),
        (p.exit(), "4/3/-1/0"),
        (c.exit(), "4/4/0/0"),
    )  # fmt: skip


@pytest.mark.parametrize("on", ["2008", "5.10", "6.1", "6.12", "6.18", "7.3"])
def test_e11b_the_owner_copies_while_there_is_a_page(on: str) -> None:
    """While a free page is not promised, the owner copies and the child keeps its page.

    Catches: an owner's copy that consumes a reservation, or a steal though the pool has a page: the child keeps its
    own.
    """
    play(
        on, 6,
        (p.mmap("a", 3), "6/6/3/0"),
        (p.write("a", 0), "6/5/2/0"),
        (p.fork("c"), "6/5/2/0"),
        (p.write("a", 0), "6/4/2/0"),
        (c.read("a", 0), "6/4/2/0"),
        (c.exit(), "6/5/2/0"),
        (p.exit(), "6/6/0/0"),
    )  # fmt: skip


def test_e11c_a_childs_own_mapping_has_its_own_reserve() -> None:
    """What a child maps itself is promised to it. Catches: a child that counts as no owner of what it maps itself."""
    play(
        "6.18", 4,
        (p.mmap("a", 2), "4/4/2/0"),
        (p.fork("c"), "4/4/2/0"),
        (c.mmap("b", 2), "4/4/4/0"),
        (c.write("a", 0), "SIGBUS 4/4/4/0"),
        (c.write("b", 0), "4/3/3/0"),
        (c.exit(), "4/4/2/0"),
    )  # fmt: skip


def test_e25b_the_steal_does_not_touch_anothers_reserve() -> None:
    """An owner's copy takes the child's page rather than one promised to another process.

    Catches: an owner's copy that takes a page promised to another process instead of the child's.
    """
    play(
        "6.18", 2,
        (p.mmap("a", 1), "2/2/1/0"),
        (p.write("a", 0), "2/1/0/0"),
        (p.fork("c"), "2/1/0/0"),
        (q.mmap("b", 1), "2/1/1/0"),
        (p.write("a", 0), "2/1/1/0"),
        (c.read("a", 0), "SIGBUS 2/1/1/0"),
        (q.write("b", 0), "2/0/0/0"),
    )  # fmt: skip


def test_a_steal_reaches_grandchildren_and_spares_their_other_pages() -> None:
    """A steal takes the page from every descendant, and no other page of theirs.

    Catches: a steal that stops at the first process it finds: the owner's page would still be shared, and it would
    hang.
    """
    play(
        "6.18", 2,
        (p.mmap("a", 2), "2/2/2/0"),
        (p.write("a", 0), "2/1/1/0"),
        (p.fork("c"), "2/1/1/0"),
        (c.fork("d"), "2/1/1/0"),
        (p.write("a", 0), "2/1/1/0"),
        (c.read("a", 0), "SIGBUS 2/1/1/0"),
        (d.read("a", 0), "SIGBUS 2/1/1/0"),
    )  # fmt: skip


def test_a_steal_takes_the_shared_page_only() -> None:
    """A child keeps the page that it has made for itself.

    Catches: a steal that takes the page which a child has made for itself. Seen on 6.18.44.
    """
    play(
        "6.18", 3,
        (p.mmap("a", 1), "3/3/1/0"),
        (p.write("a", 0), "3/2/0/0"),
        (p.fork("c"), "3/2/0/0"),
        (p.fork("d"), "3/2/0/0"),
        (c.write("a", 0), "3/1/0/0"),
        (q.mmap("b", 1), "3/1/1/0"),
        (p.write("a", 0), "3/1/1/0"),
        (c.read("a", 0), "3/1/1/0"),
        (d.read("a", 0), "SIGBUS 3/1/1/0"),
    )  # fmt: skip


def test_a_steal_spares_owners() -> None:
    """A steal leaves the pages of other owners' mappings of the file alone.

    Catches: a steal from the owner's other mapping of the file: at the owner's address it would find the owner's page.
    """
    play(
        "6.18", 2,
        (op.Memfd("f"), "2/2/0/0"),
        (p.mmap("a", 1, file="f"), "2/2/1/0"),
        (p.mmap("b", 1, file="f"), "2/2/2/0"),
        (p.write("a", 0), "2/1/1/0"),
        (p.fork("c"), "2/1/1/0"),
        (p.write("a", 0), "2/1/1/0"),
        (c.read("a", 0), "SIGBUS 2/1/1/0"),
    )  # fmt: skip


def test_a_marked_mapping_still_has_what_it_maps() -> None:
    """After a steal the child still reads what its page table holds.

    Catches: a read of a cached page that is not entered in the page table: the fork and the mark show the difference.
    """
    play(
        "6.18", 4,
        (op.Memfd("f"), "4/4/0/0"),
        (p.fallocate("f", 0, 1), "4/3/0/0"),
        (p.mmap("a", 2, file="f"), "4/3/2/0"),
        (p.read("a", 0), "4/3/2/0"),
        (p.write("a", 1), "4/2/1/0"),
        (p.fork("c"), "4/2/1/0"),
        (p.mmap("b", 1), "4/2/2/0"),
        (p.write("a", 1), "4/2/2/0"),
        (c.read("a", 0), "4/2/2/0"),
        (c.read("a", 1), "SIGBUS 4/2/2/0"),
        (c.write("a", 0), "SIGBUS 4/2/2/0"),
    )  # fmt: skip


def test_the_mark_of_a_steal_is_split_but_not_forked() -> None:
    """Both pieces of a split keep the mark of a steal; a child of fork does not have it.

    Catches: a mark that a split loses, or that a fork hands on.
    """
    play(
        "6.18", 2,
        (p.mmap("a", 2), "2/2/2/0"),
        (p.write("a", 0), "2/1/1/0"),
        (p.fork("c"), "2/1/1/0"),
        (p.write("a", 0), "2/1/1/0"),
        (c.mprotect("a", 1, 1, "r"), "2/1/1/0"),
        (c.fork("d"), "2/1/1/0"),
        (p.munmap("a", 1, 1), "2/1/0/0"),
        (c.read("a", 0), "SIGBUS 2/1/0/0"),
        (c.read("a", 1), "SIGBUS 2/1/0/0"),
        (d.read("a", 1), "2/0/0/0"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("on", "written"),
    [("6.1", "HANG 2/1/1/0"), ("6.12", "2/1/1/0"), ("6.18", "HANG 2/1/1/0"), ("7.3", "2/1/1/0"), ("ideal", "2/1/1/0")],
)
def test_e27_an_owner_that_moved_misses_the_child(on: str, written: str) -> None:
    """An owner whose mapping was moved looks for the child's page at the wrong address.

    On 6.1 and 6.18 its fault hangs (H117).

    Catches: a hang on a kernel with the fix, or none on one without it.
    """
    play(
        on, 2,
        (p.mmap("a", 1), "2/2/1/0"),
        (p.write("a", 0), "2/1/0/0"),
        (p.fork("c"), "2/1/0/0"),
        (q.mmap("b", 1), "2/1/1/0"),
        (p.move("a", 0, 1, "m"), "2/1/1/0"),
        (p.write("m", 0), written),
    )  # fmt: skip


@pytest.mark.parametrize("on", ["6.1", "6.18"])
def test_an_owner_is_never_stolen_from(on: str) -> None:
    """A steal passes other owners' mappings of the same page of the file by; it takes the child's page.

    Catches: an owner whose own page is taken because another of its mappings is looked at by its address. Seen on 6.1.
    """
    play(
        on, 2,
        (op.Memfd("f"), "2/2/0"),
        (p.ftruncate("f", 1), "2/2/0"),
        (p.mmap("a", 1, file="f"), "2/2/1"),
        (p.mmap("b", 1, file="f"), "2/2/2"),
        (p.write("a", 0), "2/1/1"),
        (p.fork("c"), "2/1/1"),
        (p.write("a", 0), "2/1/1"),
        (c.write("a", 0), "SIGBUS 2/1/1"),
        (p.write("b", 0), "2/0/0"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("on", "orphaned"),
    [("5.10", "4/2/0/0"), ("6.1", "4/2/0/0"), ("6.12", "4/2/0/0"), ("6.18", "4/2/-2/0"), ("7.3", "4/2/0/0")],
)
def test_e26_a_parent_that_exits_first(on: str, orphaned: str) -> None:
    """On 6.18 a parent that exits credits pages that live on in its child, until the child unmaps them.

    Catches: a restore mark that is dropped at the exit: the counters would never balance again.
    """
    play(
        on, 4,
        (p.mmap("a", 3), "4/4/3/0"),
        (p.write("a", 0), "4/3/2/0"),
        (p.write("a", 1), "4/2/1/0"),
        (p.fork("c"), "4/2/1/0"),
        (p.exit(), orphaned),
        (c.munmap("a", 0, 3), "4/4/0/0"),
    )  # fmt: skip


@pytest.mark.parametrize("on", ["6.1", "6.12", "6.18", "7.3"])
def test_e13b_a_parent_that_drops_shared_pages(on: str) -> None:
    """6.18 promises again what the child still has: the next write underflows until the child exits (H104).

    Catches: a second promise on a kernel without the defect, or none on 6.18.
    """
    promised_twice = on == "6.18"
    play(
        on, 4,
        (p.mmap("a", 2), "4/4/2/0"),
        (p.write("a", 0), "4/3/1/0"),
        (p.write("a", 1), "4/2/0/0"),
        (p.fork("c"), "4/2/0/0"),
        (p.dontneed("a", 0, 2), "4/2/0/0"),
        (p.write("a", 0), "4/1/-1/0" if promised_twice else "4/1/0/0"),
        (c.exit(), "4/3/1/0" if promised_twice else "4/3/0/0"),
    )  # fmt: skip


def test_w01_a_wrap_lets_others_promise_what_is_not_there() -> None:
    """After a wrap 6.18 refuses large requests and grants small ones that no page backs: an owner gets SIGBUS.

    Catches: a comparison of the wrapped counter as a signed number.
    """
    play(
        "6.18", 4,
        (p.mmap("a", 2), "4/4/2/0"),
        (p.write("a", 0), "4/3/1/0"),
        (p.write("a", 1), "4/2/0/0"),
        (p.fork("c"), "4/2/0/0"),
        (p.exit(), "4/2/-2/0"),
        (q.mmap("x", 3), "ENOMEM 4/2/-2/0"),
        (q.mmap("y", 2), "4/2/0/0"),
        (q.mmap("z", 2), "4/2/2/0"),
        (q.write("y", 0), "4/1/1/0"),
        (q.write("y", 1), "4/0/0/0"),
        (q.write("z", 0), "SIGBUS 4/0/0/0"),
        (c.exit(), "4/2/2/0"),
        (q.write("z", 0), "4/1/1/0"),
    )  # fmt: skip


def test_a_page_that_nobody_is_left_with_goes_back() -> None:
    """An owner that looks at its own address in others takes its page from itself and from the child.

    Then nobody maps the page, and it is free for the owner's next try. Seen on 6.18.44.

    Catches: a page that stays lost, which makes that SIGBUS.
    """
    play(
        "6.18", 6,
        (op.OpenFile("f"), "6/6/0/0"),
        (p.mmap("a", 4, file="f"), "6/6/4/0"),
        (p.fork("c"), "6/6/4/0"),
        (c.mmap("b", 2, file="f"), "6/6/6/0"),
        (c.read("b", 0), "6/5/5/0"),
        (c.fork("d"), "6/5/5/0"),
        (c.write("b", 0), "6/5/5/0"),
        (d.read("b", 0), "SIGBUS 6/5/5/0"),
    )  # fmt: skip
