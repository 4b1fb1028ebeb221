"""Emptying page tables: __unmap_hugepage_range. mm/hugetlb.c, 6.18."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hugeresv.model.behaviour import ZapRestore
from hugeresv.model.free import free_huge_folio
from hugeresv.model.locks import Section, allocate, asserts, holds

if TYPE_CHECKING:
    from hugeresv.model.behaviour import Behaviour
    from hugeresv.model.folio import Folio
    from hugeresv.model.hstate import HState
    from hugeresv.model.machine import Machine
    from hugeresv.model.vma import Vma


def zap_and_free(machine: Machine, pieces: Iterable[tuple[Vma, int, int]]) -> None:
    """Unmap file indices [first, end) of VMAs as one batch: every page is unmapped before the first is freed.

    The order is visible: where a page becomes reserved again only if there is no surplus page, a freed page may be the
    last surplus one.
    """
    freed: list[Folio] = []
    for vma, first, end in pieces:
        _zap_mapped(machine, vma, first, end, freed)
    for folio in freed:
        free_huge_folio(machine, folio)


def _i_mmap_rwsem(_machine: Machine, vma: Vma, *_: object) -> Section:
    """hugetlb_zap_begin."""
    return Section() if vma.inode is None else vma.inode.i_mmap_rwsem


@holds(_i_mmap_rwsem)
def _zap_mapped(machine: Machine, vma: Vma, first: int, end: int, freed: list[Folio]) -> None:
    """unmap_single_vma: one VMA's pages, as a part of a batch."""
    _zap(machine, vma, first, end, freed)


@holds(_i_mmap_rwsem)
def zap_range(machine: Machine, vma: Vma, first: int, end: int) -> None:
    """zap_page_range_single: unmap and free file indices [first, end) of one VMA."""
    zap_locked(machine, vma, first, end)


def zap_locked(machine: Machine, vma: Vma, first: int, end: int) -> None:
    """unmap_hugepage_range: the same for a caller that holds i_mmap_rwsem."""
    freed: list[Folio] = []
    _zap(machine, vma, first, end, freed)
    for folio in freed:
        free_huge_folio(machine, folio)


@asserts(_i_mmap_rwsem)
def _zap(machine: Machine, vma: Vma, first: int, end: int, freed: list[Folio]) -> None:
    """__unmap_hugepage_range: one VMA's pages in address order. `freed` gets those that no VMA maps any more."""
    if vma.inode is None or (vma.shared and not vma.inode.hstate.is_numa):
        return
    page_table, base = vma.page_table, vma.page_base
    for index, _ in list(vma.present(first, end)):
        folio = page_table.clear(base + index)
        if folio is None:
            continue
        folio.mapcount -= 1
        is_last = folio.mapcount == 0
        if folio.anon and _restores_reserve(machine, vma, folio, is_last=is_last):
            allocated = allocate("region")
            folio.restore_reserve = allocated or machine.behaviour.restore_without_region
            if vma.resv_map is not None and allocated:
                vma.resv_map.delete(index)
        if folio.anon and is_last:
            freed.append(folio)


def _restores_reserve(machine: Machine, vma: Vma, folio: Folio, *, is_last: bool) -> bool:
    """Whether the owner's offset is promised again. `is_last`: no other VMA maps the page."""
    rule = machine.behaviour.zap_restore
    if rule is ZapRestore.NEVER or vma.resv_map is None:
        return False
    if machine.behaviour.surplus_blocks_restore and _has_surplus(machine.behaviour, folio.hstate):
        return False
    return rule is ZapRestore.ALWAYS or is_last


def _has_surplus(behaviour: Behaviour, hstate: HState) -> bool:
    """Whether the pool has surplus pages at this moment."""
    if behaviour.surplus_read_unlocked:
        return hstate.surplus_huge_pages > 0
    with hstate.lock:
        return hstate.surplus_huge_pages > 0
