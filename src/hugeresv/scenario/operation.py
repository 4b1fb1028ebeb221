"""The operations of a scenario, as values.

Each class is one row of the table of operations; its fields are the JSON keys of that row, under the same names. `None`
is "not given": what that means is said by the class (`Span.start`, `Mmap.length`), so that a scenario can be
written back exactly as it was read. Lengths and offsets are in huge pages, except where a name says `_bytes`.
`page_size_kB` is the size of these huge pages, where it is not the one of the scenario's first pool.
"""

from typing import ClassVar, Literal

from hugeresv.value import value
from hugeresv.words import Advice, PolicyMode, Prot

Sharing = Literal["private", "shared"]
Access = Literal["read", "write"]
FallocateMode = Literal["alloc", "alloc_keep_size", "punch"]


def in_bytes(pages: int | None, exact_bytes: int | None, page_bytes: int) -> int:
    """A length or an offset in bytes, from whichever of its two spellings was given (neither: 0)."""
    if exact_bytes is not None:
        return exact_bytes
    return (pages or 0) * page_bytes


@value()
class Operation:
    """What all operations have: the name that scenarios know them by."""

    op: ClassVar[str]


@value()
class Place:
    """A place inside a mapping, counted from the mapping's start: what MAP_FIXED or MREMAP_FIXED aims at."""

    map: str
    page: int | None = None
    bytes: int | None = None

    def offset(self, page_bytes: int) -> int:
        """Bytes from the start of the mapping."""
        return in_bytes(self.page, self.bytes, page_bytes)


@value()
class Span(Operation):
    """An operation on a range of a mapping: in pages, or exact in bytes."""

    proc: str
    map: str
    page: int | None = None
    pages: int | None = None
    offset_bytes: int | None = None
    length_bytes: int | None = None

    def start(self, page_bytes: int) -> int:
        """Bytes from the start of the mapping to the start of the range."""
        return in_bytes(self.page, self.offset_bytes, page_bytes)

    def length(self, page_bytes: int) -> int:
        """Length of the range in bytes."""
        return in_bytes(self.pages, self.length_bytes, page_bytes)


@value()
class Mmap(Operation):
    """mmap(2) of huge pages; without `file` anonymous with MAP_HUGETLB, with `over` MAP_FIXED at that place.

    `noreplace`: MAP_FIXED_NOREPLACE at the place of `over`. `normal`: ordinary pages.
    """

    op: ClassVar[str] = "mmap"
    proc: str
    map: str
    type: Sharing
    pages: int | None = None
    length_bytes: int | None = None
    file: str | None = None
    offset: int | None = None
    offset_bytes: int | None = None
    noreserve: bool | None = None
    populate: bool | None = None
    locked: bool | None = None
    prot: Prot | None = None
    over: Place | None = None
    noreplace: bool | None = None
    normal: bool | None = None
    page_size_kB: int | None = None

    def length(self, page_bytes: int) -> int:
        """Length of the mapping in bytes, as passed to the call (not rounded)."""
        return in_bytes(self.pages, self.length_bytes, page_bytes)

    def file_offset(self, page_bytes: int) -> int:
        """Offset into the file in bytes."""
        return in_bytes(self.offset, self.offset_bytes, page_bytes)


@value()
class Touch(Operation):
    """One byte read or written at the start of a page."""

    op: ClassVar[str] = "touch"
    proc: str
    map: str
    access: Access
    page: int | None = None


@value()
class Munmap(Span):
    """munmap(2)."""

    op: ClassVar[str] = "munmap"


@value(kw_only=True)
class Mprotect(Span):
    """mprotect(2)."""

    op: ClassVar[str] = "mprotect"
    prot: Prot


@value(kw_only=True)
class Madvise(Span):
    """madvise(2)."""

    op: ClassVar[str] = "madvise"
    advice: Advice


@value()
class Mlock(Span):
    """mlock(2)."""

    op: ClassVar[str] = "mlock"


@value(kw_only=True)
class Mlock2(Span):
    """mlock2(2), with MLOCK_ONFAULT or without."""

    op: ClassVar[str] = "mlock2"
    onfault: bool | None = None


@value()
class Munlock(Span):
    """munlock(2)."""

    op: ClassVar[str] = "munlock"


@value(kw_only=True)
class Mremap(Span):
    """mremap(2); `move_to` and `over` are MREMAP_MAYMOVE | MREMAP_FIXED, to a free place or onto one."""

    op: ClassVar[str] = "mremap"
    new_pages: int | None = None
    new_length_bytes: int | None = None
    move_to: str | None = None
    over: Place | None = None
    maymove: bool | None = None
    dontunmap: bool | None = None

    def new_length(self, page_bytes: int) -> int:
        """New length in bytes."""
        return in_bytes(self.new_pages, self.new_length_bytes, page_bytes)


@value()
class Fork(Operation):
    """fork(2): `child` has all mappings of `proc` under the same names."""

    op: ClassVar[str] = "fork"
    proc: str
    child: str


@value()
class Exit(Operation):
    """The process ends; complete when the kernel has accounted for it."""

    op: ClassVar[str] = "exit"
    proc: str


@value()
class OpenFile(Operation):
    """A new, empty, unlinked hugetlbfs file, open read-write; without `mount` on a mount without limits."""

    op: ClassVar[str] = "open_file"
    file: str
    mount: str | None = None
    page_size_kB: int | None = None


@value()
class Memfd(Operation):
    """memfd_create(2) with MFD_HUGETLB."""

    op: ClassVar[str] = "memfd"
    file: str
    page_size_kB: int | None = None


@value()
class CloseFile(Operation):
    """Closes the one descriptor that keeps a file of `open_file` or `memfd`; mappings may keep the file longer."""

    op: ClassVar[str] = "close_file"
    file: str


@value()
class Ftruncate(Operation):
    """ftruncate(2) to `pages`."""

    op: ClassVar[str] = "ftruncate"
    proc: str
    file: str
    pages: int


@value()
class FileSpan(Operation):
    """An operation on a range of a file."""

    proc: str
    file: str
    page: int | None = None
    pages: int | None = None

    def start(self, page_bytes: int) -> int:
        """Offset of the range in the file, in bytes."""
        return in_bytes(self.page, None, page_bytes)

    def length(self, page_bytes: int) -> int:
        """Length of the range in bytes."""
        return in_bytes(self.pages, None, page_bytes)


@value(kw_only=True)
class Fallocate(FileSpan):
    """fallocate(2): allocate (with or without KEEP_SIZE), or punch a hole (always with KEEP_SIZE)."""

    op: ClassVar[str] = "fallocate"
    mode: FallocateMode
    offset_bytes: int | None = None
    length_bytes: int | None = None

    def start(self, page_bytes: int) -> int:
        """Offset of the range in the file, in bytes."""
        return in_bytes(self.page, self.offset_bytes, page_bytes)

    def length(self, page_bytes: int) -> int:
        """Length of the range in bytes."""
        return in_bytes(self.pages, self.length_bytes, page_bytes)


@value()
class Fadvise(FileSpan):
    """posix_fadvise(2) with POSIX_FADV_WILLNEED."""

    op: ClassVar[str] = "fadvise"


@value()
class Readahead(FileSpan):
    """readahead(2)."""

    op: ClassVar[str] = "readahead"


@value()
class Shmget(Operation):
    """shmget(2) of a new segment: IPC_PRIVATE with SHM_HUGETLB."""

    op: ClassVar[str] = "shmget"
    proc: str
    shm: str
    pages: int | None = None
    length_bytes: int | None = None
    noreserve: bool | None = None
    page_size_kB: int | None = None

    def length(self, page_bytes: int) -> int:
        """Size of the segment in bytes, as passed to the call."""
        return in_bytes(self.pages, self.length_bytes, page_bytes)


@value()
class Shmat(Operation):
    """shmat(2)."""

    op: ClassVar[str] = "shmat"
    proc: str
    shm: str
    map: str
    readonly: bool | None = None


@value()
class Shmdt(Operation):
    """shmdt(2) of an attached segment."""

    op: ClassVar[str] = "shmdt"
    proc: str
    map: str


@value()
class Shmrm(Operation):
    """shmctl(2) with IPC_RMID: the segment goes with its last attachment."""

    op: ClassVar[str] = "shmrm"
    shm: str


@value()
class Setgid(Operation):
    """setresgid(2) with three times the same: the process is in this group, and in no other."""

    op: ClassVar[str] = "setgid"
    proc: str
    gid: int


@value()
class Capset(Operation):
    """capset(2): the process gives up every capability, CAP_IPC_LOCK among them. It stays root's."""

    op: ClassVar[str] = "capset"
    proc: str


@value()
class Memlock(Operation):
    """prlimit(2) of RLIMIT_MEMLOCK, the soft limit and the hard one. It starts at 8 MiB, up to 5.15 at 64 KiB."""

    op: ClassVar[str] = "memlock"
    proc: str
    pages: int


@value()
class SetNrHugepages(Operation):
    """A write of `n` pages to nr_hugepages: of all nodes, or of `node`.

    `mempolicy`: `proc` writes to nr_hugepages_mempolicy, and its policy says which nodes gain or lose pages.
    """

    op: ClassVar[str] = "set_nr_hugepages"
    n: int
    proc: str | None = None
    node: int | None = None
    mempolicy: bool | None = None
    page_size_kB: int | None = None


@value()
class SetNrOvercommit(Operation):
    """A write of `n` pages to nr_overcommit_hugepages."""

    op: ClassVar[str] = "set_nr_overcommit"
    n: int
    page_size_kB: int | None = None


@value()
class Mount(Operation):
    """mount(2) of a hugetlbfs with `size=` and `min_size=` where given."""

    op: ClassVar[str] = "mount"
    mount: str
    size_pages: int | None = None
    min_size_pages: int | None = None
    page_size_kB: int | None = None


@value()
class Umount(Operation):
    """umount(2), the plain call: EBUSY while the mount is in use."""

    op: ClassVar[str] = "umount"
    mount: str


@value()
class CgroupMove(Operation):
    """The process moves to a cgroup of the scenario."""

    op: ClassVar[str] = "cgroup_move"
    proc: str
    cgroup: str


@value()
class CgroupSet(Operation):
    """Writes of hugetlb.*.max, then hugetlb.*.rsvd.max; stops at the first error."""

    op: ClassVar[str] = "cgroup_set"
    cgroup: str
    max_pages: int | None = None
    rsvd_max_pages: int | None = None
    page_size_kB: int | None = None


@value()
class CgroupRmdir(Operation):
    """rmdir(2) of a cgroup."""

    op: ClassVar[str] = "cgroup_rmdir"
    cgroup: str


@value()
class SetMempolicy(Operation):
    """set_mempolicy(2): the policy of the process for memory that no mapping's own policy decides on."""

    op: ClassVar[str] = "set_mempolicy"
    proc: str
    mode: PolicyMode
    nodes: tuple[int, ...] | None = None


@value(kw_only=True)
class Mbind(Span):
    """mbind(2); `move`, `move_all` and `strict` are MPOL_MF_MOVE, MPOL_MF_MOVE_ALL and MPOL_MF_STRICT."""

    op: ClassVar[str] = "mbind"
    mode: PolicyMode
    nodes: tuple[int, ...] | None = None
    move: bool | None = None
    move_all: bool | None = None
    strict: bool | None = None


@value()
class SetCpu(Operation):
    """sched_setaffinity(2): the process runs on CPUs of this node."""

    op: ClassVar[str] = "set_cpu"
    proc: str
    node: int


@value()
class CpusetSet(Operation):
    """A write to cpuset.mems of a cgroup; no nodes: those of its parent."""

    op: ClassVar[str] = "cpuset_set"
    cgroup: str
    mems: tuple[int, ...]


@value()
class MovePages(Operation):
    """move_pages(2) of one of the process's own pages to a node; `all` is MPOL_MF_MOVE_ALL.

    It answers the errno of the call, else the one in the page's status, else EBUSY where the page was left behind.
    """

    op: ClassVar[str] = "move_pages"
    proc: str
    map: str
    node: int
    page: int | None = None
    all: bool | None = None


@value()
class MigratePages(Operation):
    """migrate_pages(2): `proc` moves all pages of `target` on the nodes `from` to the nodes `to`."""

    op: ClassVar[str] = "migrate_pages"
    proc: str
    target: str
    from_: tuple[int, ...]
    to: tuple[int, ...]


@value()
class Demote(Operation):
    """A write of `n` pages to the file `demote` of a pool, or of a node's part of it."""

    op: ClassVar[str] = "demote"
    n: int
    node: int | None = None
    page_size_kB: int | None = None


@value()
class SetDemoteSize(Operation):
    """A write to demote_size: pages of a pool are demoted to pages of `demote_size_kB`."""

    op: ClassVar[str] = "set_demote_size"
    demote_size_kB: int
    page_size_kB: int | None = None


OPERATIONS: dict[str, type[Operation]] = {
    cls.op: cls
    for cls in (
        Mmap, Touch, Munmap, Mprotect, Madvise, Mlock, Mlock2, Munlock, Mremap, Fork, Exit,
        OpenFile, Memfd, CloseFile, Ftruncate, Fallocate, Fadvise, Readahead,
        Shmget, Shmat, Shmdt, Shmrm, Setgid, Capset, Memlock,
        SetNrHugepages, SetNrOvercommit, Mount, Umount, CgroupMove, CgroupSet, CgroupRmdir,
        SetMempolicy, Mbind, SetCpu, CpusetSet, MovePages, MigratePages, Demote, SetDemoteSize,
    )
}  # fmt: skip
"""Every operation by its name in a scenario."""
