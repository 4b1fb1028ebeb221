"""An observation: what is known of a machine's huge pages at one moment, in bounds where it is not known exactly.

All counts are in huge pages of the page size that stands beside them. Everything here is immutable.
"""

from enum import StrEnum
from typing import NamedTuple

from hugeresv.value import value


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


@value()
class PoolUse:
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


@value()
class Holder:
    """Something that holds pages: `reserved` ones, promised and not yet taken, and `used` ones.

    `place` is where it came from: holders on the same mounted hugetlbfs have the same, None for the kernel's own mount.
    `firm`: the best estimate of `reserved` rests on evidence of its own, the pool's counters must not move it.
    `seen_reserved`, `seen_used`: the bounds before the counters narrowed them, None where they did not. A verdict rests
    on these, since the narrowing assumes that the kernel counts right.
    `may_have_holes`: a hole that was punched (fallocate, MADV_REMOVE), or a tail cut off and put on again, takes
    promises along, and nothing shows it: `reserved` may be too high.
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
    seen_reserved: Pages | None = None
    seen_used: Pages | None = None
    cgroups: tuple[str, ...] = ()
    """Those of all its processes; `cgroup` is that of the first."""
    may_have_holes: bool = False
    inside: int | str | None = None
    """Of a segment: a process whose IPC namespace it is in, or that namespace's path; None where it is ours."""

    @property
    def certain(self) -> bool:
        """Whether only one number is possible for both, if the kernel counts right."""
        return self.reserved.exact and self.used.exact

    @property
    def assumed(self) -> bool:
        """Whether a counter has narrowed what was seen of the holder: the kernel is assumed to count right."""
        return self.seen_reserved is not None or self.seen_used is not None

    @property
    def empty(self) -> bool:
        """Whether it certainly holds nothing."""
        return not self.reserved.max and not self.used.max


@value()
class MountUse:
    """A mounted hugetlbfs. None: no such limit; `used_pages` is known only where there is a maximum.

    `place`: of the holders on it. `inside`: a process whose mount namespace has it, or that namespace's path; None
    where ours has it, too. `keepers`: what makes it live on though it is mounted nowhere any more, such as `the working
    directory of PID 7 (sleep)`; empty where it is mounted.
    """

    path: str
    page_size_kB: int
    size_pages: int | None
    min_size_pages: int | None
    used_pages: int | None
    place: int | None = None
    inside: int | str | None = None
    keepers: tuple[str, ...] = ()


@value()
class CgroupUse:
    """A cgroup's counters and limits for one page size. None: no limit, or a kernel that does not count it.

    `rsvd_limit_file`, `limit_file`: in which the limits of what is reserved, and of what is in use, are set, in bytes;
    None where there is no such file.
    """

    path: str
    page_size_kB: int
    max_pages: int | None
    rsvd_max_pages: int | None
    usage_pages: int
    rsvd_pages: int | None
    rsvd_limit_file: str | None = None
    limit_file: str | None = None


class Unreadable(NamedTuple):
    """What could not be looked at, why, and what it takes.

    `hides`: there may be holders in it, so that no verdict can be given. `settle`: a clause such as `that takes
    CAP_SYS_PTRACE`, empty where nothing helps. `maps`: there may be mappings in it, not just open files.
    """

    what: str
    why: str
    hides: bool = True
    settle: str = ""
    maps: bool = True


class Suspect(NamedTuple):
    """Something that may hold `pages`, or `promises`, of which nothing shows how many.

    `short`: it may make the kernel count fewer promises than there are. `in_file`: what it holds it holds in a file,
    which then is one of the `hidden_files`; `in_pipe`: or it is pages in a pipe or a socket. `what` is a noun phrase
    that names it, and its process; `settle` a sentence that says how to find out, or how it ends. `most_pages`: it
    cannot be more; None: no limit is known. `page_size_kB` None: of any size.
    """

    what: str
    settle: str = ""
    pages: bool = False
    promises: bool = False
    short: bool = False
    in_file: bool = False
    in_pipe: bool = False
    most_pages: int | None = None
    page_size_kB: int | None = None


@value()
class Observation:
    """All of it. `suspects`: what may hold more than the holders show."""

    pools: tuple[PoolUse, ...]
    holders: tuple[Holder, ...]
    mounts: tuple[MountUse, ...] = ()
    cgroups: tuple[CgroupUse, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    steady: bool = True
    """Whether the counters stood still while it was read, and a second look said the same where that matters."""
    copied: bool = False
    """Whether it was read from files copied from a host, which are not of one moment."""
    hidden_files: int | None = None
    """Files of huge pages that the kernel has and that were not seen; None: not known. Every mapping has a file."""

    @property
    def partial(self) -> bool:
        """Whether there may be holders that are not among these."""
        return any(unreadable.hides for unreadable in self.unreadable)

    def suspects_of(self, page_size_kB: int) -> list[Suspect]:
        """Those that may hold something of a page size. Where no file is hidden, nothing is held in one."""
        found = [suspect for suspect in self.suspects if suspect.page_size_kB in {None, page_size_kB}]
        if self.hidden_files != 0:
            return found
        found = [suspect for suspect in found if suspect.in_pipe or not suspect.in_file]
        return [suspect._replace(promises=False) if suspect.in_file else suspect for suspect in found]

    @property
    def all_users_seen(self) -> bool:
        """Whether every process that maps a file was seen. One that merely has it open may not have been."""
        return not any(unreadable.hides and unreadable.maps for unreadable in self.unreadable)

    @property
    def all_promises_seen(self) -> bool:
        """Whether no holder of promises can have been missed: everything was readable, or no file is hidden."""
        return self.hidden_files == 0 or not (self.partial or self.hidden_files)

    @property
    def all_pages_seen(self) -> bool:
        """Whether no holder of pages can have been missed. Those that a process has pinned outlive their file."""
        return not (self.partial or self.hidden_files)
