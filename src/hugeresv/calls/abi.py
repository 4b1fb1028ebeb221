"""Numbers of Linux's interface, as include/uapi defines them for x86, arm64 and riscv (asm-generic)."""

from collections.abc import Iterable, Mapping

PROT_NONE = 0
PROT_READ = 1
PROT_WRITE = 2

MAP_SHARED = 0x01
MAP_PRIVATE = 0x02
MAP_FIXED = 0x10
MAP_FIXED_NOREPLACE = 0x100000
MAP_ANONYMOUS = 0x20
MAP_LOCKED = 0x2000
MAP_NORESERVE = 0x4000
MAP_POPULATE = 0x8000
MAP_HUGETLB = 0x40000
HUGE_SHIFT = 26
"""Where the binary logarithm of the page size goes in MAP_HUGETLB's and MFD_HUGETLB's flags."""

MLOCK_ONFAULT = 1

MREMAP_MAYMOVE = 1
MREMAP_FIXED = 2
MREMAP_DONTUNMAP = 4

FALLOC_FL_KEEP_SIZE = 1
FALLOC_FL_PUNCH_HOLE = 2
POSIX_FADV_WILLNEED = 3

AT_FDCWD = -100
AT_REMOVEDIR = 0x200
MFD_HUGETLB = 4

IPC_PRIVATE = 0
IPC_CREAT = 0o1000
IPC_RMID = 0
SHM_HUGETLB = 0o4000
SHM_NORESERVE = 0o10000
SHM_RDONLY = 0o10000

CLONE_VM = 0x100
CLONE_VFORK = 0x4000
CLONE_NEWNS = 0x20000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
WALL = 0x40000000
"""__WALL of waitpid(2): children whatever signal they end with."""

RLIMIT_MEMLOCK = 8
LINUX_CAPABILITY_VERSION_3 = 0x20080522

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4

MNT_DETACH = 2
MS_REC = 0x4000
MS_PRIVATE = 0x40000


PROT: Mapping[str, int] = {"none": PROT_NONE, "r": PROT_READ, "rw": PROT_READ | PROT_WRITE}
"""What scenarios call the rights of a mapping."""

ADVICE: Mapping[str, int] = {
    "normal": 0,
    "willneed": 3,
    "dontneed": 4,
    "free": 8,
    "remove": 9,
    "dontfork": 10,
    "dofork": 11,
    "cold": 20,
    "pageout": 21,
    "populate_read": 22,
    "populate_write": 23,
    "dontneed_locked": 24,
}
"""MADV_… as scenarios call it."""

FALLOCATE: Mapping[str, int] = {
    "alloc": 0,
    "alloc_keep_size": FALLOC_FL_KEEP_SIZE,
    "punch": FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
}
"""The modes of fallocate(2) as scenarios call them."""


POLICY: Mapping[str, int] = {
    "default": 0,
    "preferred": 1,
    "bind": 2,
    "interleave": 3,
    "local": 4,
    "preferred_many": 5,
    "weighted_interleave": 6,
}
"""MPOL_… as scenarios call it."""

MPOL_MF_STRICT = 1
MPOL_MF_MOVE = 2
MPOL_MF_MOVE_ALL = 4

MOST_NODES = 1024
"""MAX_NUMNODES of any machine is no more (NODES_SHIFT is at most 10)."""


def node_mask(nodes: Iterable[int]) -> bytes:
    """Nodes as the kernel takes a set of them: bits of words of 64."""
    bits = sum(1 << node for node in set(nodes))
    return bits.to_bytes(max(1, -(-bits.bit_length() // 64)) * 8, "little")


def mask_bits(mask: bytes) -> int:
    """The `maxnode` that makes the kernel read all of a mask: it reads one bit less (mm/mempolicy.c, get_nodes)."""
    return len(mask) * 8 + 1


def nodes_of(mask: bytes) -> tuple[int, ...]:
    """The nodes of a mask, in ascending order."""
    bits = int.from_bytes(mask, "little")
    return tuple(node for node in range(bits.bit_length()) if bits >> node & 1)


def huge_flag(page_bytes: int) -> int:
    """The page size as it is written into the flags of mmap(2), shmget(2) and memfd_create(2)."""
    return (page_bytes.bit_length() - 1) << HUGE_SHIFT
