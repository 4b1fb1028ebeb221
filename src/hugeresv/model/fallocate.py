"""Allocating file pages without mapping them: fallocate(2). fs/hugetlbfs/inode.c (hugetlbfs_fallocate), 6.18."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.address_space import AddressSpace
from hugeresv.model.allocate import alloc_hugetlb_folio, give_back
from hugeresv.model.base_page import align_down, align_up
from hugeresv.model.locks import allocate
from hugeresv.model.truncate import held_open, punch_hole
from hugeresv.model.vma import Vma
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.behaviour import Behaviour
    from hugeresv.model.inode import Inode
    from hugeresv.model.machine import Machine
    from hugeresv.model.process import Process

MAX_LFS_FILESIZE = (1 << 63) - 1
"""The largest file size in bytes."""


def fallocate(
    machine: Machine, task: Process, inode: Inode, offset: int, length: int, *, keep_size: bool = False
) -> Outcome:
    """fallocate(2) of mode 0 or KEEP_SIZE over bytes [offset, offset + length), rounded outward to huge pages.

    ENOSPC leaves what was allocated so far, and the size as it was.
    """
    if outcome := _refused(machine.behaviour, offset, length):
        return outcome
    page_bytes, shift = inode.hstate.page_bytes, inode.hstate.page_shift
    first, end = offset >> shift, align_up(offset + length, page_bytes) >> shift
    pseudo_vma = Vma(AddressSpace(), 0, 0, inode=inode, shared=True)
    with held_open(machine, [inode]), inode.i_rwsem:
        for index in range(first, end):
            with inode.fault_mutex.of(index):
                if index in inode.page_cache:
                    continue
                folio = alloc_hugetlb_folio(machine, task, pseudo_vma, index)
                if folio is None:
                    return Outcome.ENOSPC
                if not allocate("page cache entry"):
                    give_back(machine, pseudo_vma, index, folio)
                    return Outcome.ENOMEM
                inode.add_to_page_cache(index, folio)
        if not keep_size:
            inode.i_size = max(inode.i_size, (offset + length) >> shift)
    return Outcome.OK


def fallocate_punch(machine: Machine, inode: Inode, offset: int, length: int) -> Outcome:
    """fallocate(2) with PUNCH_HOLE | KEEP_SIZE: the whole huge pages inside bytes [offset, offset + length)."""
    if outcome := _refused(machine.behaviour, offset, length):
        return outcome
    page_bytes, shift = inode.hstate.page_bytes, inode.hstate.page_shift
    with held_open(machine, [inode]):
        punch_hole(
            machine, inode, align_up(offset, page_bytes) >> shift, align_down(offset + length, page_bytes) >> shift
        )
    return Outcome.OK


def supports_fallocate(behaviour: Behaviour) -> bool:
    """Whether hugetlbfs has fallocate(2), and with it MADV_REMOVE."""
    return behaviour.fallocate


def _refused(behaviour: Behaviour, offset: int, length: int) -> Outcome | None:
    """vfs_fallocate's own checks."""
    if offset < 0 or length <= 0:
        return Outcome.EINVAL
    if offset + length > MAX_LFS_FILESIZE:
        return Outcome.EFBIG
    return None if supports_fallocate(behaviour) else Outcome.EOPNOTSUPP
