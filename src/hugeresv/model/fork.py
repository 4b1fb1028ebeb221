"""fork(2): dup_mmap and copy_hugetlb_page_range. kernel/fork.c and mm/hugetlb.c, 6.18."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.address_space import AddressSpace
from hugeresv.model.process import Process

if TYPE_CHECKING:
    from hugeresv.model.machine import Machine
    from hugeresv.model.vma import Vma


def fork(machine: Machine, parent: Process) -> Process:
    """A child with the parent's mappings and cgroup: its private pages are shared until written, its reserve is none.

    What a private VMA carries is cleared before the child's is visible, so that no reference is taken and none is
    dropped. The parent keeps map, ownership and all that is not consumed.
    """
    mm = AddressSpace()
    with parent.mm.mmap_lock:
        for vma in parent.mm.vmas:
            if not vma.dontfork:
                _copy_vma(machine, vma, mm)
    child = Process(mm, parent.cgroup, parent.node, parent.memlock_bytes)
    child.gid, child.capable, child.policy = parent.gid, parent.capable, parent.policy
    return child


def _copy_vma(machine: Machine, vma: Vma, mm: AddressSpace) -> None:
    """One VMA, and what it maps if it has pages of its own: a fault finds those of a file (vma_needs_copy)."""
    copy = vma.copy(mm)
    copy.clear_private_data()
    copy.locked = False
    mm.insert(copy)
    if vma.inode is None:
        return
    vma.inode.attach(copy, after=vma)
    if not (vma.anon_vma or machine.behaviour.fork_copies_cached):
        return
    base = copy.page_base
    for index, _ in list(vma.present()):
        copy.page_table.copy_entry(base + index, vma.page_table)
    if machine.behaviour.mremap_length_is_int:
        mm.copy_tables(vma.mm, vma.vm_start, vma.vm_end, vma.page_shift)
