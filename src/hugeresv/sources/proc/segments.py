"""SysV shared memory segments, in every IPC namespace that a process shows."""

import os
import threading
from collections.abc import Callable
from typing import TypeVar

from hugeresv.calls.abi import CLONE_NEWIPC
from hugeresv.ledger.observation import Pages
from hugeresv.sources.proc.namespaces import enter
from hugeresv.sources.proc.sysvipc import SegmentRecord, read_own_segments

_BASE_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

T = TypeVar("T")


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
            enter(namespace, CLONE_NEWIPC)
            result.append(read())
        except OSError as error:
            problem.append(error)

    thread = threading.Thread(target=enter_and_read)
    thread.start()
    thread.join()
    if problem:
        raise problem[0]
    return result[0]
