"""hugetlbfs mounts: mount(2), umount(2), and the files on them. fs/hugetlbfs/inode.c, 6.18."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.inode import Inode
from hugeresv.model.locks import allocate
from hugeresv.model.reserve import release_if_free
from hugeresv.model.subpool import Subpool
from hugeresv.model.truncate import evict_if_unused
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.hstate import HState
    from hugeresv.model.machine import Key, Machine


class HugetlbfsMount:
    """A mounted hugetlbfs of the pages of one pool; `subpool` is None without `size=` and `min_size=`.

    `inodes` are the files made on it, and some that are no longer in use.
    """

    __slots__ = ("hstate", "inodes", "subpool")

    def __init__(self, hstate: HState, subpool: Subpool | None) -> None:
        """A mount without files."""
        self.hstate = hstate
        self.subpool = subpool
        self.inodes: list[Inode] = []

    def add(self, inode: Inode) -> None:
        """A file was made here. Those that are no longer in use are dropped where their number is a power of two."""
        count = len(self.inodes)
        if count & (count - 1) == 0:
            self.inodes = [other for other in self.inodes if other.in_use]
        self.inodes.append(inode)


def mount(
    machine: Machine, key: Key, max_hpages: int | None, min_hpages: int | None, hstate: HState | None = None
) -> Outcome:
    """mount(2), limits in pages (None: not given), by default of the machine's first pool.

    Who mounts has no memory policy.

    EINVAL: minimum above maximum, or unknown. ENOMEM: the minimum cannot be promised.
    """
    if min_hpages is not None and not machine.behaviour.min_size:
        return Outcome.EINVAL
    if max_hpages is not None and min_hpages is not None and min_hpages > max_hpages:
        return Outcome.EINVAL
    hstate = hstate or machine.hstate
    subpool = None
    if max_hpages is not None or min_hpages is not None:
        if not hstate.acct_memory(min_hpages or 0):
            return Outcome.ENOMEM
        subpool = Subpool(max_hpages, min_hpages, refills_early=machine.behaviour.minimum_refilled_early)
    if not allocate("root inode"):
        if subpool is not None and not machine.behaviour.failed_mount_keeps_minimum:
            hstate.acct_memory(-subpool.release())
        return Outcome.ENOMEM
    machine.mounts[key] = HugetlbfsMount(hstate, subpool)
    return Outcome.OK


def umount(machine: Machine, key: Key) -> Outcome:
    """umount(2). EBUSY while a file on it is open or mapped. A subpool that thinks pages are out keeps its minimum."""
    there = machine.mounts[key]
    if any(inode.in_use for inode in there.inodes):
        return Outcome.EBUSY
    del machine.mounts[key]
    if there.subpool is not None:
        there.subpool.mounted = False
        release_if_free(there.hstate, there.subpool)
    return Outcome.OK


def open_file(machine: Machine, key: Key, there: HugetlbfsMount | None = None, hstate: HState | None = None) -> None:
    """A new, empty, unlinked file with one descriptor, of a mount, or of a pool (the first one) without a subpool."""
    inode = Inode(there.hstate, there.subpool) if there is not None else Inode(hstate or machine.hstate)
    inode.handles = 1
    if there is not None:
        there.add(inode)
    machine.files[key] = inode


def close_file(machine: Machine, key: Key) -> None:
    """close(2) of the file's one descriptor."""
    inode = machine.files.pop(key)
    inode.handles -= 1
    evict_if_unused(machine, inode)
