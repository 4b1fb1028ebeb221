"""Undoing what a kernel's bugs left in a pool that nothing uses: reservations counted without an owner, or too few.

Two further bugs of the same kernels move the counter by a chosen number, one up and one down (observed on 6.18.44, the
pair brings it back to 0 in both directions). On a kernel without them nothing changes, and the caller sees that.

- Up: mremap of part of a private mapping; the rest of the mapping forgets its reservations, which stay counted
  (mm/mremap.c with mm/hugetlb.c, clear_vma_resv_huge_pages; since 5.16).
- Down: a mapping on a mount with size=2k,min_size=k that fits the mount and not the pool; the minimum is given back
  when it fails and again at umount (mm/hugetlb.c, hugetlb_reserve_pages; 6.15 to 6.18).
"""

import os
import time
from contextlib import suppress

from hugeresv.calls.abi import (
    MAP_ANONYMOUS,
    MAP_HUGETLB,
    MAP_PRIVATE,
    MAP_SHARED,
    MREMAP_FIXED,
    MREMAP_MAYMOVE,
    PROT_READ,
    huge_flag,
)
from hugeresv.kernels import syscalls
from hugeresv.kernels.host.pool import HugePool
from hugeresv.kernels.host.world import MOUNT_SOURCE
from hugeresv.sources.proc.slab import count_inodes

_RESV = 2
_LOOKS, _PAUSE_SECONDS = 20, 0.01
_FIRST_LOOKS, _FIRST_PAUSE_SECONDS = 4, 0.02


def heal_if_leaking(pool: HugePool, scratch: str, files_before: int | None) -> None:
    """Bring the reserved count of an idle pool to 0 if this kernel lets us; the pool is then as small as it can be.

    `scratch` is a path to mount on that does not exist yet, in a mount namespace of our own; `files_before` how many
    files of huge pages there were when the pool was not used. With more of them reservations may be owned, and stay.
    """
    if not pool.is_leaking() or _somebody_has_files(files_before):
        return
    if pool.nr_overcommit():
        pool.set_nr_overcommit(0)
    leak = pool.counters()[_RESV]
    with suppress(OSError):  # a kernel that cannot do these calls is one that cannot be healed
        if leak < 0:
            _count_more(pool, -leak)
        else:
            _count_fewer(pool, leak, scratch)
    pool.set_nr(pool.counters()[0])
    pool.set_nr(0)


def files_at_rest() -> int | None:
    """How many files of huge pages there are: the fewest of some looks, since one that was just freed still counts.

    Counted too many, a file that another program makes later would not be noticed, and its promise be taken for a leak.
    """
    counts = []
    for _ in range(_FIRST_LOOKS):
        counts.append(count_inodes("/sys"))
        time.sleep(_FIRST_PAUSE_SECONDS)
    known = [each for each in counts if each is not None]
    return min(known, default=None)


def _somebody_has_files(before: int | None) -> bool:
    """Whether there are more than before; what has just been freed is given some time."""
    if before is None:
        return False
    for _ in range(_LOOKS):
        now = count_inodes("/sys")
        if now is None or now <= before:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True


def _count_more(pool: HugePool, pages: int) -> None:
    """Reserve one page more than `pages`, move the last one away, unmap both parts."""
    page_bytes = pool.page_size_kB * 1024
    pool.set_nr(max(pages + 1, pool.counters()[0]))
    flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | huge_flag(page_bytes)
    length = (pages + 1) * page_bytes
    start = syscalls.mmap(None, length, PROT_READ, flags, -1, 0)
    place = syscalls.mmap(None, 2 * page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    aligned = -(-place // page_bytes) * page_bytes
    try:
        syscalls.mremap(start + length - page_bytes, page_bytes, page_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, aligned)
    finally:
        syscalls.munmap(start, length)
        syscalls.munmap(place, 2 * page_bytes)


def _count_fewer(pool: HugePool, leak: int, scratch: str) -> None:
    """Take `leak` off, in as few rounds as memory for the pool allows: a round needs pages beyond those counted."""
    while leak > 0:
        pool.set_nr(2 * leak)
        step = min(pool.counters()[0] - leak, leak)
        if step <= 0:
            return
        _fail_on_a_mount(pool.page_size_kB * 1024, step, scratch)
        left = pool.counters()[_RESV]
        if left >= leak:
            return
        leak = left


def _fail_on_a_mount(page_bytes: int, pages: int, scratch: str) -> None:
    """Take every free page as the minimum of a mount, then map twice as many there, which must fail."""
    os.mkdir(scratch)
    try:
        length = 2 * pages * page_bytes
        options = f"pagesize={page_bytes},size={length},min_size={length // 2}"
        syscalls.mount(MOUNT_SOURCE, scratch.encode(), b"hugetlbfs", 0, options.encode())
        file = os.open(scratch, os.O_TMPFILE | os.O_RDWR, 0o600)
        with suppress(OSError):
            syscalls.munmap(syscalls.mmap(None, length, PROT_READ, MAP_SHARED, file, 0), length)
        os.close(file)
        syscalls.umount(scratch.encode(), 0)
    finally:
        os.rmdir(scratch)
