"""What a worker can see of a range of its own memory, huge page by huge page.

Holes come from /proc/self/maps. A page of a private mapping is there when its page table entry says so (pagemap, bit
63). A page of a shared mapping is there when it is in the page cache, mapped or not, which no file in /proc shows: the
file is mapped a second time, without reserve, registered with userfaultfd for missing pages under UFFD_FEATURE_SIGBUS,
and a byte of each page handed to write(2). A fault on a page that is in the cache maps it; one that would need a new
page fails before it allocates (mm/hugetlb.c, hugetlb_no_page, since 4.11), and so does the write. No counter changes
either way. The second mapping is not writable, for a writable one would extend the file; but its file is open for
writing, for userfaultfd wants no other.
"""

import fcntl
import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

from hugeresv.calls.abi import MAP_NORESERVE, MAP_SHARED, PROT_READ
from hugeresv.kernels import syscalls

HOLE = 0
PRESENT = 1
ABSENT = 2

_PRESENT_BIT = 1 << 63
_ENTRY_BYTES = 8
_USERFAULTFD_NUMBER = {"x86_64": 323}.get(os.uname().machine, 282)
_UFFD_API = 0xAA
_UFFD_FEATURE_SIGBUS = 1 << 7
_UFFDIO_API = 0xC018AA3F
_UFFDIO_REGISTER = 0xC020AA00
_UFFDIO_REGISTER_MODE_MISSING = 1


class Area(NamedTuple):
    """One line of /proc/self/maps: addresses and the offset into the file, in bytes."""

    start: int
    end: int
    shared: bool
    of_file: bool
    offset: int


def observe(start: int, pages: int, page_bytes: int) -> list[tuple[int, int]]:
    """The pages from `start`, as runs of (HOLE, PRESENT or ABSENT, number of pages), by the first byte of each."""
    states: list[int] = []
    end = start + pages * page_bytes
    for area in areas():
        first, behind = (-(-(edge - start) // page_bytes) for edge in (max(start, area.start), min(end, area.end)))
        if first >= behind:
            continue
        states += [HOLE] * (first - len(states))
        present = _in_page_cache if area.shared and area.of_file else _in_page_table
        there = present(area, start + first * page_bytes, behind - first, page_bytes)
        states += [PRESENT if page else ABSENT for page in there]
    states += [HOLE] * (pages - len(states))
    return _runs(states)


def areas() -> Iterator[Area]:
    """The lines of /proc/self/maps."""
    with open("/proc/self/maps") as maps:
        for line in maps:
            span, permissions, offset, _, inode, *_ = line.split()
            start, end = span.split("-")
            yield Area(int(start, 16), int(end, 16), permissions[3] == "s", inode != "0", int(offset, 16))


def _in_page_table(_area: Area, start: int, pages: int, page_bytes: int) -> Iterator[bool]:
    base = os.sysconf("SC_PAGE_SIZE")
    with open("/proc/self/pagemap", "rb", buffering=0) as pagemap:
        for page in range(pages):
            entry = os.pread(pagemap.fileno(), _ENTRY_BYTES, (start + page * page_bytes) // base * _ENTRY_BYTES)
            yield bool(int.from_bytes(entry, "little") & _PRESENT_BIT)


def _in_page_cache(area: Area, start: int, pages: int, page_bytes: int) -> list[bool]:
    length = pages * page_bytes
    file = os.open(f"/proc/self/map_files/{area.start:x}-{area.end:x}", os.O_RDWR)
    try:
        window = syscalls.mmap(
            None, length, PROT_READ, MAP_SHARED | MAP_NORESERVE, file, area.offset + start - area.start
        )
    finally:
        os.close(file)
    watch = _refuse_new_pages(window, length)
    sink = os.memfd_create("sink")
    try:
        return [_readable(window + page * page_bytes, sink) for page in range(pages)]
    finally:
        syscalls.munmap(window, length)
        os.close(watch)
        os.close(sink)


def _refuse_new_pages(start: int, length: int) -> int:
    """From here on a fault in the range that needs a new page fails; the descriptor that keeps it so."""
    watch = syscalls.syscall(_USERFAULTFD_NUMBER, os.O_CLOEXEC)
    fcntl.ioctl(watch, _UFFDIO_API, struct.pack("QQQ", _UFFD_API, _UFFD_FEATURE_SIGBUS, 0))
    fcntl.ioctl(watch, _UFFDIO_REGISTER, struct.pack("QQQQ", start, length, _UFFDIO_REGISTER_MODE_MISSING, 0))
    return watch


def _readable(address: int, sink: int) -> bool:
    try:
        syscalls.pwrite(sink, address, 1, 0)
    except OSError:
        return False
    return True


def _runs(states: list[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for state in states:
        if runs and runs[-1][0] == state:
            runs[-1] = (state, runs[-1][1] + 1)
        else:
            runs.append((state, 1))
    return runs
