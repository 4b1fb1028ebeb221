"""Advice on a range of a mapping: madvise(2). mm/madvise.c, 6.18."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.base_page import align_down, align_up, is_aligned
from hugeresv.model.fallocate import fallocate_punch, supports_fallocate
from hugeresv.model.populate import fault_range
from hugeresv.model.split import isolate
from hugeresv.model.unsigned import ULONG_MAX
from hugeresv.model.walk import Walk
from hugeresv.model.zap import zap_range
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.behaviour import Behaviour
    from hugeresv.model.machine import Machine
    from hugeresv.model.process import Process
    from hugeresv.model.vma import Vma
    from hugeresv.words import Advice


def madvise(machine: Machine, task: Process, address: int, length: int, advice: Advice) -> Outcome:
    """madvise(2) of `length` bytes, VMA by VMA; ENOMEM for a hole, after the rest was done."""
    if not is_aligned(address) or address + align_up(length) > ULONG_MAX:
        return Outcome.EINVAL
    if not _is_known(machine.behaviour, advice):
        return Outcome.EINVAL
    end = address + align_up(length)
    if end == address:
        return Outcome.OK
    alone = advice in ("dontfork", "dofork")
    with task.mm.mmap_lock if alone else task.mm.mmap_lock.read:
        return _advise(machine, task, address, end, advice)


def _advise(machine: Machine, task: Process, address: int, end: int, advice: Advice) -> Outcome:
    """The advice for a range that is not empty. MADV_REMOVE lets go of the lock, and no answer shows it."""
    if advice in ("populate_read", "populate_write"):
        return _populate(machine, task, address, end, write=advice == "populate_write")
    if advice in ("dontneed", "dontneed_locked"):
        return _dontneed(machine, task, address, end, also_locked=advice == "dontneed_locked")
    walk = Walk(address)
    for vma in task.mm.overlapping(address, end):
        start, stop = walk.enter(vma, end)
        outcome = _advise_vma(machine, vma, start, stop, advice)
        if outcome is not Outcome.OK:
            return outcome
    return walk.outcome(end)


def _is_known(behaviour: Behaviour, advice: Advice) -> bool:
    """madvise_behavior_valid: what came later is EINVAL, even for nothing."""
    if advice in ("populate_read", "populate_write"):
        return behaviour.populate_advice
    return behaviour.dontneed or advice != "dontneed_locked"


def _advise_vma(machine: Machine, vma: Vma, start: int, end: int, advice: Advice) -> Outcome:
    """The advice for [start, end) of one VMA."""
    if advice == "dofork" and vma.inode is not None and not machine.behaviour.dofork:
        return Outcome.EINVAL
    if advice in ("dontfork", "dofork"):
        return _set_dontfork(vma, start, end, dontfork=advice == "dontfork")
    if vma.inode is None:
        return Outcome.EINVAL if _is_refused_for_ordinary_pages(vma, advice) else Outcome.OK
    if advice in ("normal", "willneed"):
        return Outcome.OK
    if advice == "remove" and supports_fallocate(machine.behaviour):
        if not vma.shared or not vma.may_write:
            return Outcome.EACCES
        offset = start - vma.vm_start + (vma.vm_pgoff << vma.page_shift)
        return fallocate_punch(machine, vma.inode, offset, end - start)
    return Outcome.EINVAL


def _is_refused_for_ordinary_pages(vma: Vma, advice: Advice) -> bool:
    """A locked VMA keeps its pages (can_madv_lru_vma, madvise_remove), and there must be a file to remove them from.

    MADV_FREE is for private memory alone (madvise_free_single_vma); what is shared and anonymous is a file of tmpfs.
    """
    if advice == "remove":
        return vma.locked or not vma.shared
    if advice == "free":
        return vma.locked or vma.shared
    return vma.locked and advice in ("cold", "pageout")


def _dontneed(machine: Machine, task: Process, start: int, end: int, *, also_locked: bool) -> Outcome:
    """madvise_dontneed_free: a huge page range must start aligned, its end is rounded down.

    One batch a VMA: the pages of huge page mappings are freed before the next VMA's turn
    (zap_page_range_single_batched).
    """
    walk = Walk(start)
    for vma in task.mm.overlapping(start, end):
        low, high = walk.enter(vma, end)
        if vma.inode is None:
            if vma.locked and not also_locked:
                return Outcome.EINVAL
        elif not machine.behaviour.dontneed or not is_aligned(low, 1 << vma.page_shift):
            return Outcome.EINVAL
        else:
            size = 1 << vma.page_shift
            high = align_up(high, size) if machine.behaviour.dontneed_rounds_up else align_down(high, size)
            zap_range(machine, vma, vma.pagecache_offset(low), vma.pagecache_offset(high))
    return walk.outcome(end)


def _set_dontfork(vma: Vma, start: int, end: int, *, dontfork: bool) -> Outcome:
    """VM_DONTCOPY on a piece of its own; a cut inside a huge page is EINVAL."""
    if vma.dontfork == dontfork:
        return Outcome.OK
    piece = isolate(vma, start, end)
    if piece is None:
        return Outcome.EINVAL
    piece.dontfork = dontfork
    return Outcome.OK


def _populate(machine: Machine, task: Process, start: int, end: int, *, write: bool) -> Outcome:
    """madvise_populate. EFAULT: a page cannot be had; what was faulted stays. EINVAL: the rights forbid it."""
    walk = Walk(start)
    for vma in task.mm.overlapping(start, end):
        low, high = walk.enter(vma, end)
        if walk.hole and not machine.behaviour.populate_skips_holes:
            return Outcome.ENOMEM
        if vma.prot == "none" or (write and vma.prot == "r"):
            return Outcome.EINVAL
        outcome = fault_range(machine, task, vma, low, high, write=write)
        if outcome is not Outcome.OK:
            return outcome if outcome is Outcome.HANG else Outcome.EFAULT
    return walk.outcome(end)
