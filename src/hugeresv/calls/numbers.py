"""The numbers of Linux's system calls on the machines that kernels run on, and what is wide there.

A process of 32 bits passes an argument of 64 bits as two words, the lower first (arch/x86/entry/syscalls/syscall_32.tbl
and the `ia32_` functions of arch/x86/kernel/sys_ia32.c); mmap counts its offset in pages of 4 KiB there.
"""

from collections.abc import Iterator, Mapping, Sequence

from hugeresv.errors import UnsupportedError

MACHINES = ("x86_64", "generic", "i386")
"""By the names of uname(2) and Debian; `generic` is asm-generic/unistd.h, which arm64 and riscv64 have."""

NUMBERS: Mapping[str, tuple[int, int, int]] = {
    "capset": (126, 91, 185),
    "close": (3, 57, 6),
    "fadvise64": (221, 223, 272),
    "fallocate": (285, 47, 324),
    "ftruncate": (77, 46, 194),
    "madvise": (28, 233, 219),
    "mbind": (237, 235, 274),
    "memfd_create": (319, 279, 356),
    "migrate_pages": (256, 238, 294),
    "mkdirat": (258, 34, 296),
    "mlock": (149, 228, 150),
    "mlock2": (325, 284, 376),
    "mmap": (9, 222, 192),
    "mount": (165, 40, 21),
    "move_pages": (279, 239, 317),
    "mprotect": (10, 226, 125),
    "mremap": (25, 216, 163),
    "munlock": (150, 229, 151),
    "munmap": (11, 215, 91),
    "openat": (257, 56, 295),
    "prlimit64": (302, 261, 340),
    "readahead": (187, 213, 225),
    "sched_setaffinity": (203, 122, 241),
    "set_mempolicy": (238, 237, 276),
    "setresgid": (119, 149, 210),
    "shmat": (30, 196, 397),
    "shmctl": (31, 195, 396),
    "shmdt": (67, 197, 398),
    "shmget": (29, 194, 395),
    "umount2": (166, 39, 52),
    "unlinkat": (263, 35, 301),
    "write": (1, 64, 4),
}
"""By the names of the manual, in the order of MACHINES."""

_WIDE: Mapping[str, tuple[int, ...]] = {"fadvise64": (1, 2), "fallocate": (2, 3), "ftruncate": (1,), "readahead": (1,)}
"""Which arguments have 64 bits on machines of 32."""

_MMAP_OFFSET = 5
_MMAP_UNIT_BYTES = 4096


def number_of(name: str, machine: str) -> int:
    """The number of a system call; a machine that is not among MACHINES has the generic ones."""
    known = machine if machine in MACHINES else "generic"
    return NUMBERS[name][MACHINES.index(known)]


def words_of(name: str, arguments: Sequence[object], word_bits: int) -> Iterator[object]:
    """Arguments as the words of a machine. UnsupportedError: a number does not fit, or mmap's offset is no page's."""
    if word_bits == 64:
        yield from arguments
        return
    for position, argument in enumerate(arguments):
        if not isinstance(argument, int):
            yield argument
        elif position in _WIDE.get(name, ()):
            yield argument % (1 << 32)
            yield (argument >> 32) % (1 << 32)
        elif (name, position) == ("mmap", _MMAP_OFFSET):
            if argument % _MMAP_UNIT_BYTES:
                raise UnsupportedError("mmap on a 32-bit guest takes no offset that is not a multiple of 4 KiB")
            yield _narrow(argument // _MMAP_UNIT_BYTES)
        else:
            yield _narrow(argument)


def _narrow(number: int) -> int:
    if not -(1 << 31) <= number < 1 << 32:
        raise UnsupportedError(
            "a size or an address of this step does not fit into 32 bits, and this guest is a 32-bit machine"
        )
    return number
