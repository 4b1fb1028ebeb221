"""Faulting a range in ahead of use: MAP_POPULATE, mlock(2) and MADV_POPULATE_*. mm/gup.c, 6.18."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.base_page import align_down
from hugeresv.model.fault import hugetlb_fault
from hugeresv.outcome import OK, Outcome

if TYPE_CHECKING:
    from hugeresv.model.machine import Machine
    from hugeresv.model.process import Process
    from hugeresv.model.vma import Vma


def populate(machine: Machine, task: Process, start: int, end: int) -> None:
    """__mm_populate, errors ignored: in each VMA of [start, end) as far as pages can be had."""
    for vma in task.mm.overlapping(start, end):
        populate_vma(machine, task, vma, max(start, vma.vm_start), min(end, vma.vm_end))


def populate_vma(machine: Machine, task: Process, vma: Vma, start: int, end: int) -> Outcome:
    """populate_vma_page_range: writes to a private writable mapping, else reads; stops at the first page that fails."""
    if vma.prot == "none":
        return Outcome.EFAULT
    return fault_range(machine, task, vma, start, end, write=vma.prot == "rw" and not vma.shared)


def fault_range(machine: Machine, task: Process, vma: Vma, start: int, end: int, *, write: bool) -> Outcome:
    """Fault in every huge page that has a byte in [start, end) of `vma`: ok, or the signal that stopped it.

    Ordinary pages can always be had.

    A fault that fails after others succeeded is tried once more: __get_user_pages answers how far it came, and its
    callers go on from there. That shows where a failed fault leaves something behind.
    """
    if vma.inode is None:
        return OK
    page_bytes = 1 << vma.page_shift
    address = align_down(start, page_bytes)
    progress = False
    while address < end:
        outcome = hugetlb_fault(machine, task, vma, address, write=write)
        if outcome is OK:
            address += page_bytes
        elif not progress:
            return outcome
        progress = outcome is OK
    return OK
