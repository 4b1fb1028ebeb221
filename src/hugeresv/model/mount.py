"""hugetlbfs mounts: mount(2), umount(2), and the files on them. fs/hugetlbfs/inode.c, 6.18."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.inode import Inode
from hugeresv.model.reserve import release_if_free
from hugeresv.model.subpool import Subpool
from hugeresv.model.truncate import evict_if_unused
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.machine import Key, Machine


class HugetlbfsMount:
    """A mounted hugetlbfs; `subpool` is None without `size=` and `min_size=`.

    `inodes` are the files made on it, and some that are no longer in use.
    """

    __slots__ = ("inodes", "subpool")

    def __init__(self, subpool: Subpool | None) -> None:
        """A mount without files."""
        self.subpool = subpool
        self.inodes: list[Inode] = []

    def add(self, inode: Inode) -> None:
        """A file was made here. Those that are no longer in use are dropped where their number is a power of two."""
        count = len(self.inodes)
        if count & (count - 1) == 0:
            self.inodes = [other for other in self.inodes if other.in_use]
        self.inodes.append(inode)


def mount(machine: Machine, key: Key, max_hpages: int | None, min_hpages: int | None) -> Outcome:
    """mount(2), limits in pages (None: not given).

    EINVAL: minimum above maximum, or unknown. ENOMEM: the minimum cannot be promised.
    """
    if min_hpages is not None and not machine.behaviour.min_size:
        return Outcome.EINVAL
    if max_hpages is not None and min_hpages is not None and min_hpages > max_hpages:
        return Outcome.EINVAL
    subpool = None
    if max_hpages is not None or min_hpages is not None:
        if not machine.hstate.acct_memory(min_hpages or 0):
            return Outcome.ENOMEM
        subpool = Subpool(max_hpages, min_hpages)
    machine.mounts[key] = HugetlbfsMount(subpool)
    return Outcome.OK


def umount(machine: Machine, key: Key) -> Outcome:
    """umount(2). EBUSY while a file on it is open or mapped. A subpool that thinks pages are out keeps its minimum."""
    there = machine.mounts[key]
    if any(inode.in_use for inode in there.inodes):
        return Outcome.EBUSY
    del machine.mounts[key]
    if there.subpool is not None:
        there.subpool.mounted = False
        release_if_free(machine.hstate, there.subpool)
    return Outcome.OK


def open_file(machine: Machine, key: Key, there: HugetlbfsMount | None = None) -> None:
    """A new, empty, unlinked file with one descriptor; without a mount it has no subpool."""
    inode = Inode(there.subpool if there is not None else None)
    inode.handles = 1
    if there is not None:
        there.add(inode)
    machine.files[key] = inode


def close_file(machine: Machine, key: Key) -> None:
    """close(2) of the file's one descriptor."""
    inode = machine.files.pop(key)
    inode.handles -= 1
    evict_if_unused(machine, inode)
