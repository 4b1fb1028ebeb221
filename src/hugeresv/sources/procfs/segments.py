"""SysV shared memory segments, in every IPC namespace that a process shows."""

import ctypes
import os
import threading

from hugeresv.sources.procfs.files import read_text
from hugeresv.sources.procfs.snapshot import SegmentRecord

_CLONE_NEWIPC = 0x08000000


def parse_segments(table: str, ipc: str) -> list[SegmentRecord]:
    """/proc/sysvipc/shm: fields are found by the head line's names, which later kernels have more of."""
    head, *rows = (line.split() for line in table.splitlines())
    records = []
    for row in rows:
        fields = dict(zip(head, row, strict=False))
        key, identifier, size, attached, resident = (int(fields[n]) for n in ("key", "shmid", "size", "nattch", "rss"))
        records.append(SegmentRecord(ipc, identifier, key & 0xFFFFFFFF, size, attached, resident))
    return records


def read_own_segments(proc_root: str, ipc: str) -> list[SegmentRecord]:
    """Those of the namespace `ipc` that this process is in, or of a captured tree. Raises OSError."""
    return parse_segments(read_text(f"{proc_root}/sysvipc/shm"), ipc)


def read_segments_of(namespace: str, proc_root: str, ipc: str) -> list[SegmentRecord]:
    """Those of another IPC namespace, /proc/PID/ns/ipc. Raises OSError, EPERM without CAP_SYS_ADMIN.

    The table shows the reader's namespace, so a thread that ends afterwards enters it.
    """
    result: list[SegmentRecord] = []
    problem: list[OSError] = []

    def read() -> None:
        try:
            _enter(namespace)
            result.extend(read_own_segments(proc_root, ipc))
        except OSError as error:
            problem.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    if problem:
        raise problem[0]
    return result


def _enter(namespace: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(descriptor, _CLONE_NEWIPC) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(descriptor)
