"""All that processes have open, with what they are in: descriptors, working and root directories, of every table.

A thread may have a table of descriptors, and directories, of its own (unshare). Nothing here waits for a file system
that does not answer.
"""

import ctypes
import errno
import functools
import os
import platform
import stat
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

_NUMBERS_OF_KCMP = {"x86_64": 312, "aarch64": 272, "riscv64": 272, "loongarch64": 272, "ppc64le": 354, "s390x": 343}
_KCMP_FILES, _KCMP_FS = 2, 3
_PIDFD_GETFD = 438
_AT_FDCWD, _AT_STATX_DONT_SYNC = -100, 0x4000
_STATX_MODE = 0x3
_STATX = struct.Struct("=4xI20xH106xII")
"""struct statx: block size, mode, major and minor device number."""
_STATX_BYTES = 256
_MOST_THREADS = 1 << 16


class Open(NamedTuple):
    """Something that a process has: `path` leads there in /proc, `name` is what the kernel calls it, `how` a clause."""

    pid: int
    path: str
    name: str
    how: str

    @property
    def of_thread(self) -> bool:
        """Whether a thread has it that does not share what its process has."""
        return "/task/" in self.path


class FileKind(NamedTuple):
    """What is at the end of a path, as far as its file system need not be asked."""

    directory: bool
    device: int
    block_bytes: int


def all_open(proc_root: str, pid: int) -> Iterator[Open]:
    """Everything of a process. What may not be read, or is gone, is left out."""
    for thread in _own_tables(proc_root, pid):
        for link, how in (("cwd", "the working directory"), ("root", "the root directory")):
            with suppress(OSError):
                path = f"{thread}/{link}"
                yield Open(pid, path, os.readlink(path), how)
        with suppress(OSError):
            for number in os.listdir(f"{thread}/fd"):
                with suppress(OSError):
                    path = f"{thread}/fd/{number}"
                    yield Open(pid, path, os.readlink(path), "a descriptor")


def kind_at(path: str) -> FileKind | None:
    """None where it is gone, or may not be looked at."""
    result = ctypes.create_string_buffer(_STATX_BYTES)
    statx = _libc().statx
    if statx(_AT_FDCWD, os.fsencode(path), _AT_STATX_DONT_SYNC, _STATX_MODE, result) != 0:
        return None
    block_bytes, mode, major, minor = _STATX.unpack(result.raw[: _STATX.size])
    return FileKind(stat.S_ISDIR(mode), os.makedev(major, minor), block_bytes)


def _own_tables(proc_root: str, pid: int) -> Iterator[str]:
    """The process, and those of its threads that do not share its descriptors and directories."""
    yield f"{proc_root}/{pid}"
    try:
        threads = os.listdir(f"{proc_root}/{pid}/task")
    except OSError:
        return
    for thread in threads[:_MOST_THREADS]:
        if int(thread) != pid and not all(_same(pid, int(thread), kind) for kind in (_KCMP_FILES, _KCMP_FS)):
            yield f"{proc_root}/{pid}/task/{thread}"


def _same(one: int, other: int, kind: int) -> bool:
    """Whether two threads share their descriptors, or directories. Not, as far as known, where nothing tells."""
    number = _NUMBERS_OF_KCMP.get(platform.machine())
    return number is not None and _libc().syscall(number, one, other, kind, 0, 0) == 0


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def getfd(opened: Open) -> int:
    """A copy of a descriptor. Raises OSError, also for one that only a thread has."""
    if opened.of_thread:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    process = os.pidfd_open(opened.pid)
    try:
        descriptor = _libc().syscall(_PIDFD_GETFD, process, int(opened.path.rpartition("/")[2]), 0)
        if descriptor < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return int(descriptor)
    finally:
        os.close(process)
