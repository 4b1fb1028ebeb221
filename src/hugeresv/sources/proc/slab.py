"""How many inodes of hugetlbfs there are: the kernel counts them, whoever has them and wherever they are."""

import os

from hugeresv.sources.proc.files import number, read_text

_CACHE = "kernel/slab/hugetlbfs_inode_cache"


def count_inodes(sys_root: str) -> int | None:
    """All inodes of hugetlbfs. None where it cannot be known, for it takes root and the kernel's SLUB allocator.

    The kernel keeps some free inodes for each CPU and counts them as used (mm/slub.c, show_slab_objects). It is asked
    to give them back first, which changes nothing else. One that was just freed still counts for some milliseconds.
    """
    try:
        descriptor = os.open(f"{sys_root}/{_CACHE}/shrink", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, b"1")
        finally:
            os.close(descriptor)
        return number(read_text(f"{sys_root}/{_CACHE}/objects").partition(" ")[0].strip(), "objects")
    except OSError:
        return None
