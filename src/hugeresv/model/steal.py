"""The owner's guarantee: a shared page is taken away from everybody but its owner. mm/hugetlb.c, 2.6.27 on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.free import free_huge_folio
from hugeresv.model.locks import Section, asserts

if TYPE_CHECKING:
    from hugeresv.model.folio import Folio
    from hugeresv.model.machine import Machine
    from hugeresv.model.vma import Vma


def unmap_ref_private(machine: Machine, owner: Vma, folio: Folio, address: int, index: int) -> None:
    """Unmap `folio` from every other private VMA of the file that is no owner, and mark the VMA.

    The mark (HPAGE_RESV_UNMAPPED) is the whole VMA's, not the page's: any later fault there that finds no page fails. A
    kernel that looks at the owner's own address in the other process misses the page of a mapping that has moved, and
    in another mapping of the owner's process finds the owner's.
    """
    assert owner.inode is not None
    i_mmap, i_mmap_rwsem = owner.inode.i_mmap, owner.inode.i_mmap_rwsem
    if machine.behaviour.steal_walks_unlocked:
        for vma in i_mmap.overlapping(index, index + 1):
            with i_mmap_rwsem:
                _take_from(machine, vma, owner, folio, address, index)
        return
    with i_mmap_rwsem:
        for vma in i_mmap.overlapping(index, index + 1):
            _take_from(machine, vma, owner, folio, address, index)


def _i_mmap_rwsem(_machine: Machine, vma: Vma, *_: object) -> Section:
    return Section() if vma.inode is None else vma.inode.i_mmap_rwsem


@asserts(_i_mmap_rwsem)
def _take_from(machine: Machine, vma: Vma, owner: Vma, folio: Folio, address: int, index: int) -> None:
    """__unmap_hugepage_range of one page, where a mapping of the file is not the owner's and maps it."""
    if vma is owner or vma.owner:
        return
    there = address if machine.behaviour.steal_at_owner_address else vma.address_of(index)
    if vma.page_table.clear(there >> vma.page_shift, folio) is not None:
        vma.unmapped = True
        folio.mapcount -= 1
        if folio.mapcount == 0:
            free_huge_folio(machine, folio)
