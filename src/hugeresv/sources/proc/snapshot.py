"""What is read of a host before anything is concluded from it."""

from dataclasses import dataclass, field
from enum import Enum

from hugeresv.ledger.observation import CgroupUse, PoolUse, Suspect, Unreadable
from hugeresv.sources.proc.maps import Mapping
from hugeresv.sources.proc.sysvipc import SegmentRecord
from hugeresv.value import value


@value()
class FileStatus:
    """What stat(2) says of a hugetlbfs file. `changed`: when its inode last changed, in seconds of real time."""

    device: int
    inode: int
    page_bytes: int
    size_bytes: int
    present_bytes: int
    changed: float


class Descent(Enum):
    """What a process may have of others."""

    EXECUTED = "nothing: it has called execve since it was forked, and made by itself all that it maps"
    FORKED = "mappings of its parent"
    ORPHANED = "mappings of a process that has ended: its parent, which runs another program, is not who forked it"


@dataclass(slots=True)
class ProcessRecord:
    """A process that has to do with huge pages.

    thread       whose files in /proc are read: the first, numbered as the process, or another if that has ended
    started      seconds of real time, to the clock tick below
    ipc          its IPC namespace; SysV segments of different ones have the same inode numbers
    presumed     it has a lot of mappings, all of private anonymous memory: until the counters tell otherwise none is
                 taken to be promised more, `noreserve` has them all, nobody has read flags
    noreserve    starts of mappings with NORESERVE; None: not read
    present      bytes of huge pages present by start of mapping, as smaps says; only what was read there
    anonymous    for private mappings, by start: what tells each anonymous huge page from others (a physical page
                 number; the page's address, negated, where that is not shown); absent: could not be read
    opened       the hugetlbfs files that it has open, with their names
    """

    pid: int
    thread: int
    parent: int
    started: float
    command: str
    user: str
    cgroup: str | None
    ipc: str
    descent: Descent = Descent.FORKED
    presumed: bool = False
    mappings: list[Mapping] = field(default_factory=list)
    page_bytes: dict[int, int] = field(default_factory=dict)
    statuses: dict[int, FileStatus] = field(default_factory=dict)
    noreserve: frozenset[int] | None = None
    present: dict[int, int] = field(default_factory=dict)
    anonymous: dict[int, list[int]] = field(default_factory=dict)
    opened: list[tuple[str, FileStatus]] = field(default_factory=list)


@value()
class MountRecord:
    """A mounted hugetlbfs, where it was first met: limits in pages, files with their names relative to it.

    `inodes`: the numbers of all that is on it. `complete`: all of it could be read. `inside` and `keepers`: see
    ledger.observation.MountUse.
    """

    path: str
    device: int
    page_bytes: int
    size_pages: int | None
    min_size_pages: int | None
    free_pages: int | None
    files: tuple[tuple[str, FileStatus], ...]
    inodes: frozenset[int] = frozenset()
    complete: bool = True
    inside: int | str | None = None
    keepers: tuple[str, ...] = ()


@value()
class Snapshot:
    """All of it. `inodes`: how many the kernel has of files of huge pages; None: that was not asked, or is unknown."""

    pools: tuple[PoolUse, ...]
    default_page_bytes: int
    processes: tuple[ProcessRecord, ...]
    mounts: tuple[MountRecord, ...]
    segments: tuple[SegmentRecord, ...]
    cgroups: tuple[CgroupUse, ...]
    unreadable: tuple[Unreadable, ...]
    suspects: tuple[Suspect, ...]
    inodes: int | None = None
