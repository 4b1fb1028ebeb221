"""Emptying page tables: __unmap_hugepage_range. mm/hugetlb.c, 6.18."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hugeresv.model.behaviour import ZapRestore
from hugeresv.model.free import free_huge_folio
from hugeresv.model.locks import allocate

if TYPE_CHECKING:
    from hugeresv.model.folio import Folio
    from hugeresv.model.machine import Machine
    from hugeresv.model.vma import Vma


def zap_and_free(machine: Machine, pieces: Iterable[tuple[Vma, int, int]]) -> None:
    """Unmap file indices [first, end) of VMAs as one batch: every page is unmapped before the first is freed.

    The order is visible: where a page becomes reserved again only if there is no surplus page, a freed page may be the
    last surplus one.
    """
    freed: list[Folio] = []
    for vma, first, end in pieces:
        _zap(machine, vma, first, end, freed)
    for folio in freed:
        free_huge_folio(machine, folio)


def _zap(machine: Machine, vma: Vma, first: int, end: int, freed: list[Folio]) -> None:
    """Unmap one VMA's pages in address order; those that nobody maps any more are added to `freed`."""
    if vma.inode is None or (vma.shared and not vma.inode.hstate.is_numa):
        return
    page_table, base = vma.page_table, vma.page_base
    for index, folio in list(vma.present(first, end)):
        page_table.clear(base + index)
        if folio.anon and _restores_reserve(machine, vma, folio):
            allocated = allocate("region")
            folio.restore_reserve = allocated or machine.behaviour.restore_without_region
            if vma.resv_map is not None and allocated:
                vma.resv_map.delete(index)
        folio.mapcount -= 1
        if folio.anon and folio.mapcount == 0:
            freed.append(folio)


def _restores_reserve(machine: Machine, vma: Vma, folio: Folio) -> bool:
    """Whether the owner's offset is promised again."""
    rule = machine.behaviour.zap_restore
    if rule is ZapRestore.NEVER or vma.resv_map is None:
        return False
    if machine.behaviour.surplus_blocks_restore:
        with folio.hstate.lock:
            if folio.hstate.surplus_huge_pages:
                return False
    return rule is ZapRestore.ALWAYS or folio.mapcount == 1
