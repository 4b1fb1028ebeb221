"""Changing access rights: mprotect(2). mm/mprotect.c, 6.18."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.base_page import align_up, is_aligned
from hugeresv.model.split import isolate
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.process import Process
    from hugeresv.words import Prot


def mprotect(task: Process, address: int, length: int, prot: Prot) -> Outcome:
    """mprotect(2) of `length` bytes: splits VMAs whose rights change, and changes no counter.

    EINVAL: start off the base page, or a huge page would be cut. ENOMEM: a hole in the range, after what lies before it
    was changed. EACCES: writing a segment that was attached read-only.
    """
    if not is_aligned(address):
        return Outcome.EINVAL
    if length == 0:
        return Outcome.OK
    with task.mm.mmap_lock:
        return _set_rights(task, address, address + align_up(length), prot)


def _set_rights(task: Process, address: int, end: int, prot: Prot) -> Outcome:
    """The same, VMA by VMA."""
    reached = address
    for vma in task.mm.overlapping(address, end):
        if vma.vm_start > reached:
            return Outcome.ENOMEM
        reached = vma.vm_end
        if vma.prot == prot:
            continue
        if prot == "rw" and not vma.may_write:
            return Outcome.EACCES
        piece = isolate(vma, address, end)
        if piece is None:
            return Outcome.EINVAL
        piece.prot = prot
    return Outcome.OK if reached >= end else Outcome.ENOMEM
