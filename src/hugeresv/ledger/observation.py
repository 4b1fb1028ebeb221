"""An observation: what is known of a machine's huge pages at one moment, in bounds where it is not known exactly.

All counts are in huge pages of the page size that stands beside them. Everything here is immutable.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What holds pages or promises."""

    PRIVATE = "private"
    SHARED_ANONYMOUS = "shared-anonymous"
    MEMFD = "memfd"
    FILE = "file"
    SYSV = "sysv"
    MOUNT_MINIMUM = "mount-minimum"


class Pages(NamedTuple):
    """A number of pages that lies in [min, max]; `best` is the likeliest in it."""

    min: int
    best: int
    max: int

    @property
    def exact(self) -> bool:
        """Whether there is nothing to guess."""
        return self.min == self.max


def exactly(pages: int) -> Pages:
    """A number that is known."""
    return Pages(pages, pages, pages)


class NodePool(NamedTuple):
    """One NUMA node's part of a pool. Linux counts no reserved pages by node."""

    node: int
    total: int
    free: int
    surp: int


@dataclass(frozen=True, slots=True)
class Pool:
    """The counters of one page size. `rsvd` is signed: a wrapped counter is negative."""

    page_size_kB: int
    total: int
    free: int
    rsvd: int
    surp: int
    overcommit: int
    nodes: tuple[NodePool, ...] = ()

    @property
    def available(self) -> int:
        """The largest reservation that can still be made, surplus pages that overcommit may add included.

        A wrapped `rsvd` makes no page, and stops surplus: a request is held against the free pages too
        (hugetlb_acct_memory).
        """
        if self.rsvd < 0:
            return self.free
        return max(0, self.free - self.rsvd + max(0, self.overcommit - self.surp))


class HeldMapping(NamedTuple):
    """Addresses [start, end) of a process in bytes, and the index in the file of the first page."""

    pid: int
    start: int
    end: int
    offset_pages: int


class HolderProcess(NamedTuple):
    """A process that maps or has open what is held."""

    pid: int
    command: str
    user: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Something that holds pages: `reserved` ones, promised and not yet taken, and `used` ones.

    `place` is where it came from: holders on the same mounted hugetlbfs have the same, None for the kernel's own mount.
    `firm`: the best estimate of `reserved` rests on evidence of its own, the pool's counters must not move it.
    """

    page_size_kB: int
    kind: Kind
    name: str
    reserved: Pages
    used: Pages
    mappings: tuple[HeldMapping, ...] = ()
    processes: tuple[HolderProcess, ...] = ()
    cgroup: str | None = None
    place: int | None = None
    firm: bool = True

    @property
    def certain(self) -> bool:
        """Whether both numbers are known exactly."""
        return self.reserved.exact and self.used.exact


@dataclass(frozen=True, slots=True)
class MountUse:
    """A mounted hugetlbfs. None: no such limit; `used_pages` is known only where there is a maximum."""

    path: str
    page_size_kB: int
    size_pages: int | None
    min_size_pages: int | None
    used_pages: int | None


@dataclass(frozen=True, slots=True)
class CgroupUse:
    """A cgroup's counters and limits for one page size. None: no limit, or a kernel that does not count it."""

    path: str
    page_size_kB: int
    max_pages: int | None
    rsvd_max_pages: int | None
    usage_pages: int
    rsvd_pages: int | None


class Unreadable(NamedTuple):
    """What could not be looked at, and why. `hides`: mappings, so that estimates and the rest cannot be relied upon."""

    what: str
    why: str
    hides: bool = True


@dataclass(frozen=True, slots=True)
class Observation:
    """All of it."""

    pools: tuple[Pool, ...]
    holders: tuple[Holder, ...]
    mounts: tuple[MountUse, ...] = ()
    cgroups: tuple[CgroupUse, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def partial(self) -> bool:
        """Whether there may be holders that are not among these."""
        return any(unreadable.hides for unreadable in self.unreadable)
