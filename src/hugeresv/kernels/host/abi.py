"""Numbers of Linux's interface, as include/uapi defines them for x86, arm64 and riscv (asm-generic)."""

PROT_NONE = 0
PROT_READ = 1
PROT_WRITE = 2

MAP_SHARED = 0x01
MAP_PRIVATE = 0x02
MAP_FIXED = 0x10
MAP_ANONYMOUS = 0x20
MAP_LOCKED = 0x2000
MAP_NORESERVE = 0x4000
MAP_POPULATE = 0x8000
MAP_HUGETLB = 0x40000
HUGE_SHIFT = 26
"""Where the binary logarithm of the page size goes in MAP_HUGETLB's and MFD_HUGETLB's flags."""

MREMAP_MAYMOVE = 1
MREMAP_FIXED = 2
MREMAP_DONTUNMAP = 4

FALLOC_FL_KEEP_SIZE = 1
FALLOC_FL_PUNCH_HOLE = 2
POSIX_FADV_WILLNEED = 3
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

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4

MNT_DETACH = 2
MS_REC = 0x4000
MS_PRIVATE = 0x40000


def huge_flag(page_bytes: int) -> int:
    """The page size as it is written into the flags of mmap(2), shmget(2) and memfd_create(2)."""
    return (page_bytes.bit_length() - 1) << HUGE_SHIFT
