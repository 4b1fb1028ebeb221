"""SysV shared memory segments of one IPC namespace, as /proc/sysvipc/shm shows them."""

from typing import NamedTuple

from hugeresv.sources.proc.files import MalformedError, number, parsed

_LEAST_KEY, _LARGEST_KEY = -1 << 31, (1 << 32) - 1
_FIELDS = ("key", "shmid", "size", "nattch", "rss")


class SegmentRecord(NamedTuple):
    """A row of the table, and the IPC namespace that it is of. `resident_bytes`: see segments.resident_pages.

    `inside`: a process whose IPC namespace it is in, or that namespace's path; None where it is ours.
    """

    ipc: str
    id: int
    key: int
    size_bytes: int
    attached: int
    resident_bytes: int
    inside: int | str | None = None


def read_own_segments(proc_root: str, ipc: str) -> list[SegmentRecord]:
    """Those of the namespace `ipc` that this process is in, or of a captured tree. Raises OSError."""
    return parsed(f"{proc_root}/sysvipc/shm", lambda table: parse_segments(table, ipc))


def parse_segments(table: str, ipc: str) -> list[SegmentRecord]:
    """Fields are found by the head line's names, which later kernels have more of. Raises MalformedError."""
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
