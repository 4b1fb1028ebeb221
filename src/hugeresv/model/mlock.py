"""Locking memory: mlock(2) and munlock(2), which for huge pages only fault in, and RLIMIT_MEMLOCK. mm/mlock.c, 6.18.

Without CAP_IPC_LOCK a process locks no more than RLIMIT_MEMLOCK. Huge pages are measured against it as they are to be
locked, and do not count afterwards: only ordinary memory is marked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.address_space import TASK_SIZE
from hugeresv.model.base_page import align_down, align_up
from hugeresv.model.populate import populate_vma
from hugeresv.model.split import isolate
from hugeresv.model.walk import Walk
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.address_space import AddressSpace
    from hugeresv.model.machine import Machine
    from hugeresv.model.process import Process


def mlock(machine: Machine, task: Process, address: int, length: int) -> Outcome:
    """mlock(2): faults the range in; splits and marks no huge page VMA.

    EPERM: the process may lock nothing. ENOMEM: more than it may, a hole in the range, or a page that cannot be had.

    mlock2(2) with MLOCK_ONFAULT is the same for huge pages: mlock_fixup passes over their VMAs, so that the faulting in
    that follows finds no VM_LOCKONFAULT there to stop it (populate_vma_page_range).
    """
    if not _may_lock(task):
        return Outcome.EPERM
    start, end = align_down(address), align_up(address + length)
    with task.mm.mmap_lock:
        counted_already = _locked_bytes(task.mm, start, end)
        outcome = Outcome.ENOMEM
        if is_within_limit(task, end - start - counted_already):
            outcome = _set_locked(task, start, end, locked=True)
    if outcome is not Outcome.OK:
        return outcome
    walk = Walk(start)
    with task.mm.mmap_lock.read:
        for vma in task.mm.overlapping(start, end):
            low, high = walk.enter(vma, end)
            outcome = populate_vma(machine, task, vma, low, high)
            if outcome is not Outcome.OK:
                return outcome if outcome is Outcome.HANG else Outcome.ENOMEM
    return Outcome.OK


def refused_lock(task: Process, length: int) -> Outcome | None:
    """can_do_mlock, mlock_future_ok: whether `length` further bytes cannot be mapped with MAP_LOCKED.

    EPERM: the process may lock nothing; EAGAIN: more than it may.
    """
    if not _may_lock(task):
        return Outcome.EPERM
    return None if is_within_limit(task, length) else Outcome.EAGAIN


def _may_lock(task: Process) -> bool:
    return task.capable or task.memlock_bytes != 0


def is_within_limit(task: Process, further_bytes: int) -> bool:
    """mlock_future_ok: whether so much may be locked beside what is."""
    return task.capable or _locked_bytes(task.mm, 0, TASK_SIZE) + further_bytes <= align_down(task.memlock_bytes)


def _locked_bytes(mm: AddressSpace, start: int, end: int) -> int:
    """What of [start, end) is marked (mm->locked_vm, count_mm_mlocked_page_nr)."""
    locked = (vma for vma in mm.overlapping(start, end) if vma.locked)
    return sum(min(vma.vm_end, end) - max(vma.vm_start, start) for vma in locked)


def munlock(task: Process, address: int, length: int) -> Outcome:
    """munlock(2): nothing to do for huge pages but to find the range mapped."""
    with task.mm.mmap_lock:
        return _set_locked(task, align_down(address), align_up(address + length), locked=False)


def _set_locked(task: Process, start: int, end: int, *, locked: bool) -> Outcome:
    """apply_vma_lock_flags: marks ordinary pages only. ENOMEM for a hole, after what lies before it."""
    if start == end:
        return Outcome.OK
    walk = Walk(start)
    for vma in task.mm.overlapping(start, end):
        walk.enter(vma, end)
        if walk.hole:
            break
        if vma.inode is None and vma.locked != locked:
            piece = isolate(vma, start, end)
            assert piece is not None
            piece.locked = locked
    return walk.outcome(end)
