"""mremap and madvise: the experiments of docs/kernel/remap.md, with H71 and H115."""

import pytest

from hugeresv.lab import Actor, play
from hugeresv.scenario import operation as op

p, c = Actor("p"), Actor("c")
PAGE = 2 * 1024 * 1024


def test_e12_shrinking_unmaps_and_moving_changes_nothing() -> None:
    """mremap that shrinks credits the tail, one that grows is EINVAL, one that moves all changes no counter.

    Catches: a shrink without credit, a growth that is let through, a whole move that gives the reservation up.
    """
    play(
        "6.18", 8,
        (p.mmap("a", 4), "8/8/4/0"),
        (p.write("a", 0), "8/7/3/0"),
        (p.resize("a", 4, 3), "8/7/2/0"),
        (p.resize("a", 3, 4), "EINVAL 8/7/2/0"),
        (p.move("a", 0, 3, "m"), "8/7/2/0"),
        (p.read("a", 0), "SIGSEGV 8/7/2/0"),
        (p.write("m", 0), "8/7/2/0"),
        (p.write("m", 1), "8/6/1/0"),
        (p.munmap("m", 0, 3), "8/8/0/0"),
    )  # fmt: skip


def test_e12_before_5_16_nothing_moves() -> None:
    """Before 5.16 mremap of huge pages shrinks, and refuses to move.

    Catches: a kernel that moves huge page mappings though it had no code for it.
    """
    play(
        "5.10", 8,
        (p.mmap("a", 4), "8/8/4/0"),
        (p.resize("a", 4, 2), "8/8/2/0"),
        (p.move("a", 0, 2, "m"), "EINVAL 8/8/2/0"),
        (p.write("a", 0), "8/7/1/0"),
    )  # fmt: skip


def test_before_5_16_ordinary_pages_move() -> None:
    """Before 5.16 ordinary pages still move.

    Catches: what is refused to huge pages refused to ordinary ones too. Seen on 5.10.262 in a guest.
    """
    play(
        "5.10", 1,
        (op.Mmap("p", "n", "private", pages=1, normal=True), "1/1/0/0"),
        (op.Mremap("p", "n", page=0, pages=2, new_pages=1, move_to="m", maymove=True), "1/1/0/0"),
        (op.Mremap("p", "m", page=0, pages=2, new_pages=3, move_to="o", maymove=True), "EFAULT 1/1/0/0"),
    )  # fmt: skip


@pytest.mark.parametrize("on", ["6.1", "6.12"])
def test_what_is_not_mapped_is_moved_onto_itself(on: str) -> None:
    """A range that is not mapped is EFAULT, also when it is moved onto itself.

    Catches: the target checked before the range, which these look for first: seen on 6.1.192 and 6.12.117 in guests.
    """
    onto_itself = op.Mremap("p", "a", page=1, pages=1, new_pages=1, over=op.Place("a", page=1))
    play(on, 8, (p.mmap("a", 1), "8/8/1/0"), (onto_itself, "EFAULT 8/8/1/0"))


@pytest.mark.parametrize("on", ["6.1", "6.12", "6.18", "7.3"])
def test_e12b_moving_a_part_orphans_the_rest(on: str) -> None:
    """The rest loses map and ownership: its touches take unpromised pages, its promises are never withdrawn (H71).

    Catches: parts that go on as pieces of one mapping on a kernel with the defect.
    """
    play(
        on, 10,
        (p.mmap("a", 6), "10/10/6/0"),
        (p.write("a", 0), "10/9/5/0"),
        (p.write("a", 2), "10/8/4/0"),
        (p.move("a", 2, 2, "m"), "10/8/4/0"),
        (p.write("m", 1), "10/7/3/0"),
        (p.write("a", 1), "10/6/3/0"),
        (p.write("a", 5), "10/5/3/0"),
        (p.munmap("a", 0, 6), "10/8/3/0"),
        (p.munmap("m", 0, 2), "10/10/3/0"),
        (op.SetNrHugepages(0), "3/3/3/3"),
        end=3,
    )  # fmt: skip


def test_e12b_as_it_should_be() -> None:
    """Without the defect the parts go on as pieces of one mapping, at three places. Catches: a defect in ideal."""
    play(
        "ideal", 10,
        (p.mmap("a", 6), "10/10/6/0"),
        (p.write("a", 0), "10/9/5/0"),
        (p.write("a", 2), "10/8/4/0"),
        (p.move("a", 2, 2, "m"), "10/8/4/0"),
        (p.write("m", 1), "10/7/3/0"),
        (p.write("a", 1), "10/6/2/0"),
        (p.munmap("a", 0, 6), "10/8/0/0"),
        (p.munmap("m", 0, 2), "10/10/0/0"),
    )  # fmt: skip


def test_e12c_what_cannot_be_moved() -> None:
    """MREMAP_DONTUNMAP and an unaligned address are EINVAL; a part of a shared mapping moves as it is.

    Catches: MREMAP_DONTUNMAP or an unaligned address that is let through; a shared part that is treated as a private
    one.
    """
    play(
        "6.18", 8,
        (p.shared("a", 4), "8/8/4/0"),
        (p.write("a", 1), "8/7/3/0"),
        (p.move("a", 1, 2, "m"), "8/7/3/0"),
        (p.write("m", 1), "8/6/2/0"),
        (p.write("a", 3), "8/5/1/0"),
        (op.Mremap("p", "a", 0, 1, new_pages=1, dontunmap=True, maymove=True), "EINVAL 8/5/1/0"),
        (op.Mremap("p", "a", offset_bytes=4096, pages=1, new_pages=1, move_to="n"), "EINVAL 8/5/1/0"),
        (p.munmap("m", 0, 2), "8/5/1/0"),
        (p.munmap("a", 0, 4), "8/8/0/0"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("on", "dropped", "again"),
    [("6.1", "8/7/2/0", "8/6/2/0"), ("6.12", "8/7/3/0", "8/6/2/0"), ("6.18", "8/7/3/0", "8/6/2/0")],
)
def test_e13_what_is_not_needed_is_promised_again(on: str, dropped: str, again: str) -> None:
    """MADV_DONTNEED frees the page and, from 6.9, promises it again; 5.10 refuses the advice.

    Catches: a restore without its promise, or one in a kernel before 6.9; 5.10 refuses the advice.
    """
    play(
        on, 8,
        (p.mmap("a", 4), "8/8/4/0"),
        (p.write("a", 0), "8/7/3/0"),
        (p.write("a", 1), "8/6/2/0"),
        (p.dontneed("a", 1), dropped),
        (p.write("a", 1), again),
    )  # fmt: skip


def test_e13_advice_that_does_nothing_or_is_refused() -> None:
    """Advice on less than a page does nothing.

    Free, cold and pageout are EINVAL, remove of a private mapping is EACCES.

    Catches: a length that is rounded up (H76), advice that frees, or a private mapping that is punched.
    """
    untouched = "8/7/1/0"
    play(
        "6.18", 8,
        (p.mmap("a", 2), "8/8/2/0"),
        (p.write("a", 0), untouched),
        (op.Madvise("p", "a", 0, length_bytes=4096, advice="dontneed"), untouched),
        (op.Madvise("p", "a", offset_bytes=4096, length_bytes=PAGE, advice="dontneed"), f"EINVAL {untouched}"),
        (p.madvise("a", 0, 1, "free"), f"EINVAL {untouched}"),
        (p.madvise("a", 0, 1, "pageout"), f"EINVAL {untouched}"),
        (p.madvise("a", 0, 1, "cold"), f"EINVAL {untouched}"),
        (p.madvise("a", 0, 1, "remove"), f"EACCES {untouched}"),
        (p.shared("b", 2), "8/7/3/0"),
        (p.write("b", 0), "8/6/2/0"),
        (p.madvise("b", 0, 2, "remove"), "8/7/2/0"),
    )  # fmt: skip


def test_5_10_has_no_dontneed() -> None:
    """5.10 refuses MADV_DONTNEED of huge pages. Catches: advice that 5.18 introduced."""
    play("5.10", 2, (p.mmap("a", 1), "2/2/1/0"), (p.write("a", 0), "2/1/0/0"), (p.dontneed("a", 0), "EINVAL 2/1/0/0"))


@pytest.mark.parametrize(("on", "dropped"), [("6.18", "2/1/1/1"), ("ideal", "3/2/2/2")])
def test_e13c_with_surplus_pages_a_promise_is_lost(on: str, dropped: str) -> None:
    """Kernels do not promise the page again where it would leave the pool as surplus (H115).

    Catches: the promise kept with surplus pages.
    """
    play(
        on, 1,
        (p.mmap("a", 3), "3/3/3/2"),
        (p.write("a", 0), "3/2/2/2"),
        (p.write("a", 1), "3/1/1/2"),
        (p.dontneed("a", 1), dropped),
        (p.write("a", 1), "3/1/1/2"),
        (p.munmap("a", 0, 3), "1/1/0/0"),
        oc=4,
    )  # fmt: skip


def test_all_pages_of_a_call_are_unmapped_before_one_is_freed() -> None:
    """A call unmaps all its pages before the first is freed.

    Catches: a zap that looks for surplus pages after it has freed one: the second page would be promised again.
    """
    play(
        "6.18", 1,
        (p.mmap("a", 2), "2/2/2/1"),
        (p.write("a", 0), "2/1/1/1"),
        (p.write("a", 1), "2/0/0/1"),
        (p.dontneed("a", 0, 2), "1/1/0/0"),
        oc=1,
    )  # fmt: skip
