"""Taking mappings away: munmap, and the end of a process. mm/vma.c and mm/mmap.c, 6.18."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.address_space import TASK_SIZE
from hugeresv.model.base_page import align_up, is_aligned
from hugeresv.model.locks import Section, holds
from hugeresv.model.reserve import vm_op_close
from hugeresv.model.split import split
from hugeresv.model.truncate import evict_if_unused
from hugeresv.model.zap import zap_and_free
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.address_space import AddressSpace
    from hugeresv.model.inode import Inode
    from hugeresv.model.machine import Machine
    from hugeresv.model.process import Process
    from hugeresv.model.vma import Vma


def _mmap_lock(_machine: Machine, mm: AddressSpace, *_: int) -> Section:
    return mm.mmap_lock


@holds(_mmap_lock)
def munmap(machine: Machine, mm: AddressSpace, address: int, length: int) -> Outcome:
    """munmap(2) of `length` bytes. EINVAL: start off the base page, empty, or a cut inside a huge page."""
    return do_munmap(machine, mm, address, length)


def do_munmap(machine: Machine, mm: AddressSpace, address: int, length: int) -> Outcome:
    """The same for a caller that holds the lock."""
    if not is_aligned(address) or length == 0 or not 0 <= address <= TASK_SIZE - length:
        return Outcome.EINVAL
    return unmap_range(machine, mm, address, address + align_up(length))


def unmap_range(machine: Machine, mm: AddressSpace, start: int, end: int) -> Outcome:
    """do_vmi_munmap of base-page aligned [start, end). EINVAL: a huge page would be cut; nothing goes then."""
    for boundary in (start, end):
        vma = mm.find(boundary)
        if vma is not None and vma.vm_start < boundary and split(vma, boundary) is None:
            return Outcome.EINVAL
    remove_vmas(machine, mm.overlapping(start, end))
    return Outcome.OK


def remove_vmas(machine: Machine, vmas: list[Vma]) -> None:
    """Unmap whole VMAs: all their pages, as one batch; then each VMA with its promises; then unused files."""
    zap_and_free(machine, [(vma, vma.first_index, vma.end_index) for vma in vmas])
    inodes: dict[Inode, None] = {}
    for vma in vmas:
        vma.mm.remove(vma)
        if machine.behaviour.mremap_length_is_int:
            vma.mm.free_tables(vma.vm_start, vma.vm_end)
        vm_op_close(machine, vma)
        if vma.inode is not None:
            vma.inode.detach(vma)
            inodes[vma.inode] = None
    for inode in inodes:
        evict_if_unused(machine, inode)


def exit_process(machine: Machine, task: Process) -> None:
    """exit_mmap: everything the process maps goes, in address order. The caller forgets the process."""
    with task.mm.mmap_lock:
        remove_vmas(machine, list(task.mm.vmas))
    task.leave_cgroup()
