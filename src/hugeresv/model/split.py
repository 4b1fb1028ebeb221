"""Splitting a VMA: split_vma and hugetlb_vm_op_split. mm/vma.c, 6.18."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.reserve import vm_op_open

if TYPE_CHECKING:
    from hugeresv.model.vma import Vma


def split(vma: Vma, address: int) -> Vma | None:
    """Cut `vma` at `address`, inside it; answers the upper piece, `vma` stays the lower one. None is EINVAL.

    A huge page cannot be cut. Both pieces keep all that the VMA carried, and the same reservation map; no counter
    changes. The file's tree has both as newcomers.
    """
    inode = vma.inode
    if inode is not None and address & ((1 << vma.page_shift) - 1):
        return None
    upper = vma.copy(vma.mm)
    upper.vm_pgoff = vma.pagecache_offset(address)
    upper.vm_start = address
    vm_op_open(upper)
    if inode is None:
        vma.vm_end = address
    else:
        inode.split(vma, upper)
    vma.mm.insert(upper)
    return upper


def isolate(vma: Vma, start: int, end: int) -> Vma | None:
    """The piece of `vma` in [start, end), split off below and above where needed. None is EINVAL.

    A cut below stays when the one above is refused.
    """
    if vma.vm_start < start:
        upper = split(vma, start)
        if upper is None:
            return None
        vma = upper
    if end < vma.vm_end and split(vma, end) is None:
        return None
    return vma
