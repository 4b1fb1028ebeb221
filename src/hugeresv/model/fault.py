"""A page fault on a huge page mapping: hugetlb_fault, hugetlb_no_page, hugetlb_wp. mm/hugetlb.c, 6.18."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.allocate import alloc_hugetlb_folio, give_back
from hugeresv.model.free import free_huge_folio
from hugeresv.model.locks import Lock, Section, allocate, holds
from hugeresv.model.steal import unmap_ref_private
from hugeresv.outcome import OK, Outcome

if TYPE_CHECKING:
    from hugeresv.model.folio import Folio
    from hugeresv.model.inode import Inode
    from hugeresv.model.machine import Machine
    from hugeresv.model.process import Process
    from hugeresv.model.vma import Vma


def _mmap_lock(_machine: Machine, task: Process, *_: object, **__: object) -> Section:
    return task.mm.mmap_lock.read


@holds(_mmap_lock)
def touch(machine: Machine, task: Process, address: int, *, write: bool) -> Outcome:
    """A read or write of one byte at `address` by `task`: ok, SIGSEGV, SIGBUS, or HANG for a fault that never ends."""
    vma = task.mm.find(address)
    if vma is None or vma.prot == "none" or (write and vma.prot == "r"):
        return Outcome.SIGSEGV
    while (outcome := _fault(machine, task, vma, address, write=write)) is None:
        pass
    return outcome


def hugetlb_fault(machine: Machine, task: Process, vma: Vma, address: int, *, write: bool) -> Outcome:
    """The fault itself, access rights being right."""
    while (outcome := _fault(machine, task, vma, address, write=write)) is None:
        pass
    return outcome


def _mutex(machine: Machine, _task: Process, vma: Vma, address: int, **_: object) -> Section:
    return Section() if vma.inode is None else _mutex_of(machine, vma, vma.inode, vma.pagecache_offset(address))


def _mutex_of(machine: Machine, vma: Vma, inode: Inode, index: int) -> Lock:
    """hugetlb_fault_mutex_hash."""
    if not vma.shared and machine.behaviour.private_fault_mutex:
        return vma.mm.fault_mutex.of(index)
    return inode.fault_mutex.of(index)


@holds(_mutex)
def _fault(machine: Machine, task: Process, vma: Vma, address: int, *, write: bool) -> Outcome | None:
    """hugetlb_fault: what the page table has, or the page cache, or a new page. None: the access must be made again.

    The page table has changed then, while the fault was without the mutex or waited for a page.
    """
    inode = vma.inode
    if machine.behaviour.mremap_length_is_int:
        vma.mm.make_tables(address, vma.page_shift)
    if inode is None:
        return OK
    index = vma.pagecache_offset(address)
    if vma.shared:
        if machine.behaviour.end_checked_first and index >= inode.i_size:
            return Outcome.SIGBUS
        outcome = OK if index in inode.page_cache else _no_page_shared(machine, task, vma, inode, index)
        if outcome is OK and inode.hstate.is_numa:
            _map_cached(vma, address >> vma.page_shift, inode.page_cache[index])
        return outcome
    number = address >> vma.page_shift
    folio = vma.page_table.get(number)
    if folio is None:
        if vma.unmapped or (machine.behaviour.end_checked_first and index >= inode.i_size):
            return Outcome.SIGBUS
        folio = inode.page_cache.get(index)
        if folio is None:
            return _no_page_private(machine, task, vma, inode, index, number)
        _map_cached(vma, number, folio)
    if write:
        return _write_protected(machine, task, vma, inode, folio, address, index)
    return OK


def _map_cached(vma: Vma, number: int, folio: Folio) -> None:
    """A page table maps a page of the cache."""
    if vma.page_table.get(number) is None:
        vma.page_table.set(number, folio)
        folio.mapcount += 1


def _no_page_shared(machine: Machine, task: Process, vma: Vma, inode: Inode, index: int) -> Outcome:
    """Shared, and the page cache has no page: a new one, within the file's size."""
    if index >= inode.i_size:
        return Outcome.SIGBUS
    folio = alloc_hugetlb_folio(machine, task, vma, index)
    if folio is None:
        return Outcome.SIGBUS
    if not allocate("page cache entry"):
        give_back(machine, vma, index, folio)
        return Outcome.SIGBUS
    inode.add_to_page_cache(index, folio)
    return OK


def _no_page_private(machine: Machine, task: Process, vma: Vma, inode: Inode, index: int, number: int) -> Outcome:
    """Private, and neither page table nor page cache has a page: an anonymous one, whether read or written."""
    if index >= inode.i_size:
        return Outcome.SIGBUS
    vma.anon_vma = True  # vmf_anon_prepare
    folio = alloc_hugetlb_folio(machine, task, vma, index)
    if folio is None:
        return Outcome.SIGBUS
    vma.page_table.set(number, folio)
    folio.restore_reserve = False
    return OK


def _write_protected(
    machine: Machine, task: Process, vma: Vma, inode: Inode, old: Folio, address: int, index: int
) -> Outcome | None:
    """hugetlb_wp, a write to a private mapping's page: its own alone is reused, any other is copied.

    An owner that finds no page for the copy takes the shared one away from its children (`steal`), which changes no
    counter; then it tries again, for ever if a VMA still shares the page, and from the start if it has lost the page
    itself.
    """
    page_table, number = vma.page_table, address >> vma.page_shift
    if old.anon and old.mapcount == 1:
        return OK
    cow_from_owner = vma.owner and old.anon
    new = alloc_hugetlb_folio(machine, task, vma, index, copy=True, cow_from_owner=cow_from_owner)
    if new is None:
        if not cow_from_owner or not machine.behaviour.owner_copy_guaranteed:
            return Outcome.SIGBUS
        with _mutex_of(machine, vma, inode, index).dropped:
            unmap_ref_private(machine, vma, old, address, index)
        if page_table.get(number) is not old:
            return None
        return OK if old.mapcount == 1 else Outcome.HANG
    vma.anon_vma = True
    if not page_table.replace(number, old, new):
        give_back(machine, vma, index, new)
        return None
    new.restore_reserve = False
    if old.anon and old.mapcount == 0:  # whoever shared it has gone meanwhile
        free_huge_folio(machine, old)
    return OK
