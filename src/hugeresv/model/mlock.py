"""Locking memory: mlock(2) and munlock(2), which for huge pages only fault in. mm/mlock.c, 6.18."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.base_page import align_down, align_up
from hugeresv.model.populate import populate_vma
from hugeresv.model.split import isolate
from hugeresv.model.walk import Walk
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.machine import Machine
    from hugeresv.model.process import Process


def mlock(machine: Machine, task: Process, address: int, length: int) -> Outcome:
    """mlock(2): faults the range in; splits and marks no huge page VMA. ENOMEM: a page cannot be had.

    mlock2(2) with MLOCK_ONFAULT is the same for huge pages: mlock_fixup passes over their VMAs, so that the faulting in
    that follows finds no VM_LOCKONFAULT there to stop it (populate_vma_page_range).
    """
    start, end = align_down(address), align_up(address + length)
    with task.mm.mmap_lock:
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
