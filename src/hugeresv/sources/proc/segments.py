"""SysV shared memory segments, in every IPC namespace that a process shows."""

import ctypes
import os
import threading
from collections.abc import Callable
from typing import TypeVar

from hugeresv.ledger.observation import Pages
from hugeresv.sources.proc.files import MalformedError, number, parsed
from hugeresv.sources.proc.snapshot import SegmentRecord

_BASE_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_CLONE_NEWIPC = 0x08000000
_LEAST_KEY, _LARGEST_KEY = -1 << 31, (1 << 32) - 1
_FIELDS = ("key", "shmid", "size", "nattch", "rss")

T = TypeVar("T")


def parse_segments(table: str, ipc: str) -> list[SegmentRecord]:
    """/proc/sysvipc/shm: fields are found by the head line's names, which later kernels have more of.

    Raises MalformedError.
    """
    head, *rows = (line.split() for line in table.removesuffix("\n").split("\n"))
    records = []
    for row in rows:
        fields = dict(zip(head, row, strict=False))
        missing = [name for name in _FIELDS if name not in fields]
        if missing:
            raise MalformedError(f"a segment without {missing[0]}", " ".join(row))
        key, *others = (number(fields[name], name, _LEAST_KEY) for name in _FIELDS)
        if key > _LARGEST_KEY or min(others) < 0:
            raise MalformedError("a segment", " ".join(row))
        identifier, size, attached, resident = others
        records.append(SegmentRecord(ipc, identifier, key & 0xFFFFFFFF, size, attached, resident))
    return records


def resident_pages(segment: SegmentRecord, page_bytes: int) -> Pages | None:
    """How many huge pages are present, if it is a segment of such; None if it cannot be.

    Since 6.7 the kernel takes the number of base pages for one of huge pages (ipc/shm.c, shm_add_rss_swap; seen on
    6.18: 2 GiB for two pages of 2 MiB). Where both readings are possible, the greater is taken.
    """
    size_pages = -(-segment.size_bytes // page_bytes)
    units = (page_bytes, page_bytes * (page_bytes // _BASE_PAGE_BYTES))
    whole = [segment.resident_bytes // unit for unit in units if segment.resident_bytes % unit == 0]
    readings = [pages for pages in whole if pages <= size_pages]
    return Pages(min(readings), max(readings), max(readings)) if readings else None


def read_own_segments(proc_root: str, ipc: str) -> list[SegmentRecord]:
    """Those of the namespace `ipc` that this process is in, or of a captured tree. Raises OSError."""
    return parsed(f"{proc_root}/sysvipc/shm", lambda table: parse_segments(table, ipc))


def read_segments_of(namespace: str, proc_root: str, ipc: str) -> list[SegmentRecord]:
    """Those of another IPC namespace, /proc/PID/ns/ipc. Raises OSError, EPERM without CAP_SYS_ADMIN.

    The table shows the reader's namespace, so a thread that ends afterwards enters it.
    """
    return within_ipc(namespace, lambda: read_own_segments(proc_root, ipc))


def within_ipc(namespace: str, read: Callable[[], T]) -> T:
    """What `read` returns in that IPC namespace. Raises OSError, EPERM without CAP_SYS_ADMIN."""
    result: list[T] = []
    problem: list[OSError] = []

    def enter_and_read() -> None:
        try:
            _enter(namespace)
            result.append(read())
        except OSError as error:
            problem.append(error)

    thread = threading.Thread(target=enter_and_read)
    thread.start()
    thread.join()
    if problem:
        raise problem[0]
    return result[0]


def _enter(namespace: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(descriptor, _CLONE_NEWIPC) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(descriptor)
