"""What keeps huge pages, or promises, without showing how many: looked for where a rest remains."""

import array
import errno
import fcntl
import functools
import glob
import os
import re
import select
import socket
import termios
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import suppress

from hugeresv.ledger.observation import PoolUse, Suspect
from hugeresv.plain import count_of
from hugeresv.sources.proc.descriptors import Open, getfd
from hugeresv.sources.proc.files import read_if_there, read_text
from hugeresv.sources.proc.meminfo import memory_bytes

_PINNING = {
    "/dev/vfio/": "a VFIO device",
    "/dev/iommu": "an IOMMU context",
    "/dev/infiniband/": "an RDMA device",
    "/dev/nvidia": "an NVIDIA device",
    "/dev/vhost-vdpa": "a vDPA device",
    "/dev/vduse/": "a vDPA device in user space",
    "/dev/xen/": "a Xen device",
    "/dev/acrn_hsm": "an ACRN guest",
    "/dev/video": "a video device",
    "/dmabuf:": "a DMA buffer",
    "anon_inode:ne-vm": "a Nitro enclave",
}
"""By what the names of descriptors begin with: what may have pinned pages for as long as it is open."""

_AF_XDP = 44
_MOST_ASKED = 1 << 14
"""Pipes and sockets that are asked what is in them: a second of time at most."""
_MOST_NAMED = 6
_RESTORES_SINCE = (6, 9)
"""Since when the zap of a private page gives the promise back to its mapping, if the pool has no surplus pages
(__unmap_hugepage_range)."""
_IN_FLIGHT = re.compile(r"^scm_fds:\s*([1-9][0-9]*)$", re.MULTILINE)
_ORPHANS = re.compile(r"^TCP:.* orphan ([1-9][0-9]*)\b", re.MULTILINE)
_REGISTERED = re.compile(r"^User(Files|Bufs):\s*([1-9][0-9]*)$", re.MULTILINE)


def poisoned(proc_root: str) -> Iterator[Suspect]:
    """Pages with a memory error: a file's page stays when the file goes, and its mount's minimum with it.

    hugetlbfs_error_remove_folio (fs/hugetlbfs/inode.c) keeps it in the page cache; seen on 6.1 to 7.3.
    """
    with suppress(OSError):
        corrupted = memory_bytes(f"{proc_root}/meminfo", "HardwareCorrupted")
        if corrupted:
            yield Suspect(
                f"memory with hardware errors ({corrupted >> 10} kB HardwareCorrupted in meminfo)",
                "A poisoned huge page does not come back.",
                pages=True,
            )


def loops(sys_root: str, devices: Container[int]) -> Iterator[Suspect]:
    """Loop devices whose file is on one of the `devices`, or is not where it was: they keep it without a process."""
    for path in sorted(glob.glob(f"{glob.escape(sys_root)}/block/loop*/loop/backing_file")):
        with suppress(OSError):  # it has been detached
            file = read_text(path).removesuffix("\n")
            name = path.split("/")[-3]
            if not os.path.exists(file) or os.stat(file).st_dev in devices:
                what = f"{file}, which /dev/{name} keeps"
                yield Suspect(what, f"`losetup -d /dev/{name}` releases it.", pages=True, promises=True, in_file=True)


def unrestored(proc_root: str, pools: Iterable[PoolUse]) -> Iterator[Suspect]:
    """Promises that the kernel does not give back: before 6.9 none, later none while there are surplus pages."""
    release = re.match(r"(\d+)\.(\d+)", read_if_there(f"{proc_root}/sys/kernel/osrelease"))
    if release is None:
        return
    never = (int(release[1]), int(release[2])) < _RESTORES_SINCE
    for pool in pools:
        if never or pool.surp or pool.overcommit:
            beside = "" if never else " beside surplus pages"
            yield Suspect(
                "private pages given up with MADV_DONTNEED, or cut off with a file, whose promise this kernel does not "
                f"give back{beside}",
                "It ends with their mapping; until then a touch of them may be killed by SIGBUS.",
                short=True,
                page_size_kB=pool.page_size_kB,
            )


class Pins:
    """Gathers them from what processes have open."""

    def __init__(self, name: Callable[[int], str]) -> None:
        """`name` names a process by its number."""
        self._name = functools.cache(name)
        self._asked: set[str] = set()
        self._found: list[Suspect] = []
        self._with_pipes: dict[str, None] = {}
        self._with_sockets: dict[str, None] = {}

    def suspects(self) -> list[Suspect]:
        """All of them. Data on the way are last, and one, since nearly all are not of huge pages."""
        found = list(self._found)
        waiting = [*(self._with_pipes | self._with_sockets)]
        if waiting:
            more = len(waiting) - _MOST_NAMED
            whose = ", ".join(waiting[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
            ends = (
                "Pages given to a pipe or socket without a copy (vmsplice, MSG_ZEROCOPY) are free when they are read."
            )
            found.append(_pin(f"data in pipes or sockets of {whose}", ends))
        if len(self._asked) == _MOST_ASKED:
            found.append(_pin(f"pipes and sockets beyond the first {_MOST_ASKED}, which were not asked", ""))
        return found

    def add(self, opened: Open) -> None:
        """Something that a process has, if it may keep a page. The same pipe or socket is asked once."""
        if opened.name in self._asked:
            return
        if opened.name.startswith(("pipe:", "socket:")):
            if len(self._asked) == _MOST_ASKED:
                return
            self._asked.add(opened.name)
        for suspect in self._suspected(opened):
            if suspect not in self._found:
                self._found.append(suspect)

    def _suspected(self, opened: Open) -> Iterator[Suspect]:
        whose = self._name(opened.pid)
        name = opened.name
        for beginning, what in _PINNING.items():
            if name.startswith(beginning):
                yield _pin(f"{what} of {whose}", "That process releases it by closing it.")
        if name.startswith("pipe:") and _waiting(opened):
            self._with_pipes[whose] = None
        elif name.startswith("socket:"):
            yield from self._in_socket(opened, whose)
        elif name == "anon_inode:[io_uring]":
            yield from self._in_ring(opened, whose)
        elif name == "anon_inode:[fscontext]":
            yield Suspect(
                f"a file system that {whose} has made and not mounted",
                "It ends with that process.",
                promises=True,
                in_file=True,
            )

    def _in_socket(self, opened: Open, whose: str) -> Iterator[Suspect]:
        if _IN_FLIGHT.search(_information(opened)):
            ends = "They have an owner again when it is read, and are free when it is closed."
            yield _passed(f"files in flight in a socket of {whose}", ends)
        if _waiting(opened):
            self._with_sockets[whose] = None

    def _in_ring(self, opened: Open, whose: str) -> Iterator[Suspect]:
        for kind, count in _REGISTERED.findall(_information(opened)):
            ends = "They are released when the ring is closed."
            if kind == "Bufs":
                yield _pin(f"{count_of(int(count), 'buffer')} registered in an io_uring of {whose}", ends)
            else:
                yield _passed(f"{count_of(int(count), 'file')} registered in an io_uring of {whose}", ends)


def orphans(proc_root: str) -> Iterator[Suspect]:
    """TCP connections that were closed before the other side had all data: pages sent without a copy wait in them.

    Every network namespace shows the number of all (sockstat_seq_show, tcp_orphan_count_sum).
    """
    found = _ORPHANS.search(read_if_there(f"{proc_root}/1/net/sockstat"))
    if found is not None:
        what = f"data not yet delivered by {count_of(int(found[1]), 'TCP connection')} that no process has open"
        yield _pin(what, "Their pages are free when the other side has them, or after minutes without an answer.")


def _passed(what: str, ends: str) -> Suspect:
    """Descriptors that no process has: of files of huge pages, or of pipes and sockets with pages in them."""
    return Suspect(what, ends, pages=True, promises=True, short=True, in_file=True, in_pipe=True)


def _pin(what: str, settle: str) -> Suspect:
    """A pinned page is in use without a file; while it is, its promise may be missing (6.9 and later)."""
    return Suspect(what, settle, pages=True, short=True)


def _information(opened: Open) -> str:
    with suppress(OSError):
        return read_text(opened.path.replace("/fd/", "/fdinfo/"))
    return ""


def _waiting(opened: Open) -> bool:
    """Whether a pipe or a socket has data in it that were not taken, or a socket shares memory with the kernel.

    What a listening socket has are connections, in which there may be data before anybody accepts them.

    It is asked through a copy of the descriptor (pidfd_getfd, 5.6), which is closed again at once. One that cannot be
    asked may have some.
    """
    try:
        descriptor = getfd(opened)
    except OSError as error:
        return error.errno not in {errno.ESRCH, errno.EBADF}
    try:
        if opened.name.startswith("socket:"):
            with socket.socket(fileno=os.dup(descriptor)) as copy:
                if copy.family == _AF_XDP:
                    return True
                if copy.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    return bool(select.select([copy], [], [], 0)[0])
        return any(_count(descriptor, request) for request in (termios.FIONREAD, termios.TIOCOUTQ))
    finally:
        os.close(descriptor)


def _count(descriptor: int, request: int) -> int:
    count = array.array("i", [0])
    with suppress(OSError):  # a pipe has nothing to send, a listening socket nothing to read
        fcntl.ioctl(descriptor, request, count)
    return count[0]
