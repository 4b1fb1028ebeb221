"""Taking pages and promises away from a file: truncation, hole punching, and its end. fs/hugetlbfs/inode.c, 6.18."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hugeresv.model.base_page import is_aligned
from hugeresv.model.free import free_huge_folio
from hugeresv.model.region_map import HIGHEST
from hugeresv.model.reserve import unreserve_hole, unreserve_pages
from hugeresv.model.zap import zap_locked
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.folio import Folio
    from hugeresv.model.inode import Inode
    from hugeresv.model.machine import Machine


def ftruncate(machine: Machine, inode: Inode, length: int) -> Outcome:
    """hugetlb_vmtruncate to `length` bytes: what lies beyond is unmapped everywhere, freed, and promised no more.

    Growing again gives no promise back. EINVAL: negative, or not a multiple of the huge page.
    """
    if length < 0 or not is_aligned(length, inode.hstate.page_bytes):
        return Outcome.EINVAL
    pages = length >> inode.hstate.page_shift
    with held_open(machine, [inode]), inode.i_rwsem:
        inode.i_size = pages
        unmap_file_range(machine, inode, pages, HIGHEST)
        _remove_pages(machine, inode, pages)
    return Outcome.OK


@contextmanager
def held_open(machine: Machine, inodes: list[Inode]) -> Iterator[None]:
    """fget and fput: the files stay as long as a call is about them; one without other users goes when it returns."""
    for inode in inodes:
        inode.handles += 1
    try:
        yield
    finally:
        for inode in inodes:
            inode.handles -= 1
            evict_if_unused(machine, inode)


def punch_hole(machine: Machine, inode: Inode, first: int, end: int) -> None:
    """hugetlbfs_punch_hole of file indices [first, end): pages of the cache go, with their promise.

    An offset that is promised but has no page keeps its promise.
    """
    if first >= end:
        return
    with inode.i_rwsem:
        unmap_file_range(machine, inode, first, end)
        for index in inode.cached_in(first, end):
            with inode.fault_mutex.of(index):
                folio = inode.remove_from_page_cache(index)
                _unmap_page(inode, index, folio)
                unreserve_hole(machine, inode, index, folio)
            free_huge_folio(machine, folio)


def unmap_file_range(machine: Machine, inode: Inode, first: int, end: int) -> None:
    """hugetlb_vmdelete_list: every mapping loses [first, end), private copies too; one batch a VMA, in file order."""
    too_much = machine.behaviour.punch_unmaps_too_much and end != HIGHEST
    with inode.i_mmap_rwsem:
        for vma in inode.i_mmap.overlapping(first, HIGHEST if too_much else end):
            low, high = max(first, vma.vm_pgoff), min(end, vma.end_index)
            if too_much and low < vma.end_index and low <= end:
                high, end = min(low + end - first, vma.end_index), HIGHEST
            if low < high:
                zap_locked(machine, vma, low, high)


def evict_if_unused(machine: Machine, inode: Inode) -> None:
    """hugetlbfs_evict_inode: a file without descriptors, segment id and mappings goes, with pages and promises."""
    if not inode.in_use:
        _remove_pages(machine, inode, 0)


def _remove_pages(machine: Machine, inode: Inode, first: int) -> None:
    """remove_inode_hugepages from `first` to the end of the file, while no fault is under way in it."""
    if machine.behaviour.truncation_passes_faults:
        _remove_each_page(machine, inode, first)
        return
    with inode.fault_mutex:
        cached = inode.cached_in(first, inode.cache_end)
        for index in cached:
            _remove_page(machine, inode, index)
        inode.cache_end = min(inode.cache_end, first)
        unreserve_pages(machine, inode, first, HIGHEST, freed=len(cached))


def _remove_each_page(machine: Machine, inode: Inode, first: int) -> None:
    """The same where only the fault of a page that is there is waited for, while that page goes."""
    cached = inode.cached_in(first, inode.cache_end)
    for index in cached:
        with inode.fault_mutex.of(index):
            _remove_page(machine, inode, index)
    unreserve_pages(machine, inode, first, HIGHEST, freed=len(cached))


def _remove_page(machine: Machine, inode: Inode, index: int) -> None:
    """remove_inode_single_folio of a truncation."""
    folio = inode.remove_from_page_cache(index)
    _unmap_page(inode, index, folio)
    free_huge_folio(machine, folio)


def _unmap_page(inode: Inode, index: int, folio: Folio) -> None:
    """hugetlb_unmap_file_folio: a page that a private mapping has faulted in since its range was unmapped."""
    with inode.i_mmap_rwsem:
        if not inode.i_mmap:
            return
        for vma in inode.i_mmap.overlapping(index, index + 1):
            number = vma.page_base + index
            vma.page_table.clear(number, folio)
