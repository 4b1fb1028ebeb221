"""Private mappings of one process: the experiments of docs/kernel/private.md, and the split of June 2008."""

import pytest

from hugeresv.lab import Actor, play
from hugeresv.scenario import operation as op

p = Actor("p")
PAGE = 2 * 1024 * 1024
SINCE_THE_PATCH = ["2008", "5.10", "6.1", "6.12", "6.18", "7.3", "ideal"]


@pytest.mark.parametrize("on", SINCE_THE_PATCH)
def test_e01_a_reservation_is_used_up_once(on: str) -> None:
    """The first touch of a page consumes its promise, read or write, and munmap credits the rest.

    Catches: a read that consumes nothing, a write that consumes again, or a munmap that credits what was consumed.
    """
    play(
        on, 8,
        (p.mmap("a", 4), "8/8/4/0"),
        (p.write("a", 0), "8/7/3/0"),
        (p.read("a", 1), "8/6/2/0"),
        (p.write("a", 1), "8/6/2/0"),
        (p.munmap("a", 0, 4), "8/8/0/0"),
    )  # fmt: skip


@pytest.mark.parametrize("on", SINCE_THE_PATCH)
def test_e02_each_piece_credits_its_own_rest(on: str) -> None:
    """Each piece of a split mapping credits what it has not consumed.

    Catches: a close that counts from the wrong offset, or a split whose copy takes no reference.
    """
    play(
        on, 8,
        (p.mmap("a", 6), "8/8/6/0"),
        (p.write("a", 0), "8/7/5/0"),
        (p.write("a", 3), "8/6/4/0"),
        (p.munmap("a", 3, 1), "8/7/4/0"),
        (p.munmap("a", 0, 3), "8/8/2/0"),
        (p.munmap("a", 4, 2), "8/8/0/0"),
    )  # fmt: skip


@pytest.mark.parametrize("on", SINCE_THE_PATCH)
def test_e02b_pieces_go_on_using_the_reservation(on: str) -> None:
    """A piece of a split mapping consumes promises as the whole did.

    Catches: a piece that lost its map at the split: its touch would need a page that nobody was promised.
    """
    play(
        on, 8,
        (p.mmap("a", 6), "8/8/6/0"),
        (p.write("a", 0), "8/7/5/0"),
        (p.munmap("a", 3, 1), "8/7/4/0"),
        (p.write("a", 5), "8/6/3/0"),
        (p.munmap("a", 0, 3), "8/7/1/0"),
        (p.munmap("a", 4, 2), "8/8/0/0"),
    )  # fmt: skip


@pytest.mark.parametrize("on", SINCE_THE_PATCH)
def test_the_split_of_june_2008(on: str) -> None:
    """With the patch the split of ten pages counts 10, 7, 6, 4, 0.

    Catches: any other number than those that the patch was written for.
    """
    play(
        on, 10,
        (p.mmap("a", 10), "10/10/10/0"),
        (p.write("a", 0), "10/9/9/0"),
        (p.write("a", 1), "10/8/8/0"),
        (p.write("a", 2), "10/7/7/0"),
        (p.munmap("a", 5, 1), "10/7/6/0"),
        (p.munmap("a", 0, 5), "10/10/4/0"),
        (p.munmap("a", 6, 4), "10/10/0/0"),
    )  # fmt: skip


def test_the_split_before_the_patch() -> None:
    """Before the patch it counts 10, 7, 0, -7, -14.

    Catches: a count that is not copied by the split and credited whole by each of three pieces.
    """
    play(
        "count-in-vma", 10,
        (p.mmap("a", 10), "10/10/10/0"),
        (p.write("a", 0), "10/9/9/0"),
        (p.write("a", 1), "10/8/8/0"),
        (p.write("a", 2), "10/7/7/0"),
        (p.munmap("a", 5, 1), "10/7/0/0"),
        (p.munmap("a", 0, 5), "10/10/-7/0"),
        (p.munmap("a", 6, 4), "10/10/-14/0"),
        end=-14,
    )  # fmt: skip


def test_mprotect_splits_too_before_the_patch() -> None:
    """Before the patch mprotect makes three pieces with the whole count each, and the exit credits three times.

    Catches: a split by mprotect that copies nothing.
    """
    play(
        "count-in-vma", 8,
        (p.mmap("a", 4), "8/8/4/0"),
        (p.mprotect("a", 1, 1, "r"), "8/8/4/0"),
        (p.exit(), "8/8/-8/0"),
        end=-8,
    )  # fmt: skip


def test_e03_mprotect_changes_no_counter() -> None:
    """mprotect changes no counter, and its pieces credit what is theirs.

    Catches: an mprotect that takes a reference too many or too few: the pieces credit 1, 2 and 1 at the end.
    """
    play(
        "6.18", 8,
        (p.mmap("a", 4), "8/8/4/0"),
        (p.mprotect("a", 1, 2, "r"), "8/8/4/0"),
        (p.write("a", 1), "SIGSEGV 8/8/4/0"),
        (p.read("a", 1), "8/7/3/0"),
        (op.Mprotect("p", "a", offset_bytes=4096, length_bytes=PAGE, prot="none"), "EINVAL 8/7/3/0"),
        (op.Mprotect("p", "a", offset_bytes=0, length_bytes=4096, prot="none"), "EINVAL 8/7/3/0"),
        (p.munmap("a", 0, 1), "8/7/2/0"),
        (p.munmap("a", 1, 2), "8/8/1/0"),
        (p.munmap("a", 3, 1), "8/8/0/0"),
    )  # fmt: skip


def test_e04_alignment_and_sizes() -> None:
    """A cut inside a huge page is EINVAL and changes nothing; a length is rounded as the kernel does.

    Catches: a cut inside a huge page that changes something before it is refused, or a length that is not rounded up.
    """
    bad = "EINVAL 8/8/4/0"
    play(
        "6.18", 8,
        (p.mmap("a", 4), "8/8/4/0"),
        (op.Munmap("p", "a", offset_bytes=4096, length_bytes=PAGE), bad),
        (op.Munmap("p", "a", offset_bytes=0, length_bytes=4096), bad),
        (op.Munmap("p", "a", offset_bytes=0, length_bytes=PAGE + 4096), bad),
        (op.Munmap("p", "a", offset_bytes=0, length_bytes=4 * PAGE - 4096), bad),
        (p.munmap("a", 0, 4), "8/8/0/0"),
        (op.Mmap("p", "b", "private", length_bytes=4096), "8/8/1/0"),
        (op.Munmap("p", "b", offset_bytes=0, length_bytes=4096), "EINVAL 8/8/1/0"),
        (p.munmap("b", 0, 1), "8/8/0/0"),
        (op.Mmap("p", "c", "private", length_bytes=PAGE + 1), "8/8/2/0"),
        (p.munmap("c", 0, 2), "8/8/0/0"),
        (p.mmap("d", 9), "ENOMEM 8/8/0/0"),
        (p.mmap("d", 0), "EINVAL 8/8/0/0"),
    )  # fmt: skip


@pytest.mark.parametrize("on", ["5.10", "6.1", "6.12", "6.18", "7.3"])
def test_f02_a_mapping_that_is_replaced_is_gone_even_if_the_new_one_fails(on: str) -> None:
    """MAP_FIXED unmaps first: when the new mapping fails, the old one is gone.

    Catches: a MAP_FIXED that promises before it unmaps: it would succeed, or leave the old mapping.
    """
    play(
        on, 8,
        (p.mmap("a", 4), "8/8/4/0"),
        (p.mmap("b", 9, over=op.Place("a")), "ENOMEM 8/8/0/0"),
        (p.write("a", 0), "SIGSEGV 8/8/0/0"),
    )  # fmt: skip


def test_f03_protection_does_not_lessen_a_reservation() -> None:
    """A mapping that may not be written, or not be touched at all, reserves in full.

    Catches: a reservation that depends on the protection.
    """
    play(
        "6.18", 8,
        (p.mmap("a", 2, prot="none"), "8/8/2/0"),
        (p.mmap("b", 2, prot="r"), "8/8/4/0"),
        (p.read("a", 0), "SIGSEGV 8/8/4/0"),
        (p.mprotect("a", 0, 2, "rw"), "8/8/4/0"),
        (p.write("a", 0), "8/7/3/0"),
    )  # fmt: skip


def test_e24_replacing_the_middle_credits_it_first() -> None:
    """MAP_FIXED over the middle credits that piece before the new promise.

    Catches: a replaced piece that is credited after the new promise (the pool of 4 would refuse it), or not at all.
    """
    play(
        "6.18", 4,
        (p.mmap("a", 4), "4/4/4/0"),
        (p.write("a", 1), "4/3/3/0"),
        (p.mmap("b", 2, over=op.Place("a", 1)), "4/4/4/0"),
        (p.write("a", 0), "4/3/3/0"),
        (p.write("b", 0), "4/2/2/0"),
    )  # fmt: skip


def test_e24_ordinary_pages_do_not_fit_into_a_huge_one() -> None:
    """An overlay of 4 KiB that cuts a huge page is refused and unmaps nothing.

    Catches: an overlay that unmaps before it is refused.
    """
    play(
        "6.18", 4,
        (p.mmap("a", 2), "4/4/2/0"),
        (op.Mmap("p", "b", "private", length_bytes=4096, over=op.Place("a", 1), normal=True), "EINVAL 4/4/2/0"),
        (op.Mmap("p", "b", "private", length_bytes=PAGE, over=op.Place("a", 1), normal=True), "4/4/1/0"),
    )  # fmt: skip


def test_e25_a_child_does_not_have_what_was_not_to_be_forked() -> None:
    """A child of fork does not have a range under MADV_DONTFORK.

    Catches: MADV_DONTFORK that is ignored, or that splits without a reference for the piece.
    """
    c = Actor("c")
    play(
        "6.18", 4,
        (p.mmap("a", 3), "4/4/3/0"),
        (p.madvise("a", 1, 1, "dontfork"), "4/4/3/0"),
        (p.fork("c"), "4/4/3/0"),
        (c.read("a", 1), "SIGSEGV 4/4/3/0"),
        (c.read("a", 0), "4/3/3/0"),
        (p.munmap("a", 0, 3), "4/3/0/0"),
    )  # fmt: skip


def test_e23_populating_stops_silently() -> None:
    """MAP_POPULATE stops at the first failure without an error; mlock and MADV_POPULATE_* report it.

    Catches: MAP_POPULATE that fails the mmap, mlock that undoes what it did, MADV_POPULATE_WRITE that answers SIGBUS.
    """
    play(
        "6.18", 2,
        (p.noreserve("a", 3, populate=True), "2/0/0/0"),
        (p.munmap("a", 0, 3), "2/2/0/0"),
        (p.noreserve("b", 3), "2/2/0/0"),
        (p.mlock("b", 0, 3), "ENOMEM 2/0/0/0"),
        (p.munmap("b", 0, 3), "2/2/0/0"),
        (p.noreserve("c", 3), "2/2/0/0"),
        (p.madvise("c", 0, 3, "populate_write"), "EFAULT 2/0/0/0"),
    )  # fmt: skip
