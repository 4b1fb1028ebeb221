"""The tree of a file's mappings against a plain list of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hugeresv.model.address_space import AddressSpace
from hugeresv.model.base_page import PAGE_SHIFT
from hugeresv.model.i_mmap import IMmap
from hugeresv.model.vma import Vma

MM = AddressSpace()

Step = tuple[str, int, int]
"""What is done; with which VMA, or where a new one begins; and how long it is."""

steps = st.lists(
    st.tuples(st.sampled_from(("new", "new", "fork", "remove")), st.integers(0, 12), st.sampled_from((1, 1, 2, 7, 40))),
    max_size=40,
)
anywhere = st.lists(st.tuples(st.integers(0, 60), st.sampled_from((0, 1, 2, 30))), max_size=8)


def mapping(first: int, pages: int) -> Vma:
    return Vma(MM, 0, pages << PAGE_SHIFT, inode=None, vm_pgoff=first)


def in_file_order(listed: list[Vma]) -> list[Vma]:
    """The definition: by first index, and in the order of the list where that is the same."""
    return sorted(listed, key=lambda vma: vma.vm_pgoff)


def played(steps: list[Step], tree: IMmap | None = None) -> tuple[IMmap, list[Vma]]:
    """A tree, new or empty, and a list after the same steps."""
    tree = tree or IMmap()
    listed: list[Vma] = []
    for what, number, pages in steps:
        if what == "new":
            vma = mapping(number, pages)
            tree.insert(vma)
            listed.append(vma)
        elif listed:
            position = number % len(listed)
            chosen = listed[position]
            if what == "fork":
                copy = chosen.copy(MM)
                tree.insert(copy, after=chosen)
                listed.insert(position + 1, copy)
            else:
                tree.remove(chosen)
                del listed[position]
    return tree, listed


@given(steps, anywhere)
def test_it_finds_what_a_list_finds_in_the_same_order(steps: list[Step], ranges: list[tuple[int, int]]) -> None:
    """The tree answers every range as a look at all mappings does.

    Catches: a reach that is not brought up to date, a subtree that is left out, a copy that is in the wrong place.
    """
    tree, listed = played(steps)
    assert list(tree) == in_file_order(listed)
    for first, pages in ranges:
        end = first + pages
        there = [vma for vma in in_file_order(listed) if vma.vm_pgoff < end and vma.end_index > first]
        assert tree.overlapping(first, end) == there


@given(steps)
def test_nothing_is_kept_of_what_is_gone(steps: list[Step]) -> None:
    """A tree that was asked, from which everything was removed, is empty; it was kept up to date until then.

    Catches: a ring, a span or a count that stays.
    """
    tree, listed = played([])
    tree.overlapping(0, 1)
    tree, listed = played(steps, tree)
    there = [vma for vma in in_file_order(listed) if vma.vm_pgoff < 9 and vma.end_index > 5]
    assert tree.overlapping(5, 9) == there
    for vma in listed:
        tree.remove(vma)
    assert not tree._rings
    assert tree._spans is not None
    assert not tree._spans.count
    assert not tree._spans.by_bits


def test_few_mappings_are_looked_at_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many mappings at any place, one long one among them, only about as many are looked at as are found.

    Catches: a search that begins at the start of the file, or lasts until its end.
    """
    tree, _ = played([("new", first, 3) for first in range(3000)])
    tree.insert(mapping(0, 5000))
    looked_at = 0

    def counted(vma: Vma) -> int:
        nonlocal looked_at
        looked_at += 1
        return vma.vm_pgoff + ((vma.vm_end - vma.vm_start) >> PAGE_SHIFT)

    tree.overlapping(0, 1)
    monkeypatch.setattr(Vma, "end_index", property(counted))
    assert len(tree.overlapping(2000, 2001)) == 4
    assert looked_at <= 6
