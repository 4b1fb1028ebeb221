"""Mappings of huge pages: finding the processes that have any, and reading those.

PROCMAP_QUERY (6.11) is the cheapest: it tells the page size, formats no names, and passes over anonymous mappings
within the kernel. numa_maps costs about twice as much as maps, smaps four times and more, for they walk the page tables
(benchmarks/status.py). The `HugetlbPages` of status shows only what is present.
"""

import fcntl
import os
import re
from dataclasses import dataclass

from hugeresv.sources.procfs.files import read_bytes, unescape

_QUERY = 0xC0686611  # _IOWR('f', 17, struct procmap_query), include/uapi/linux/fs.h
_QUERY_BYTES = 104
_COVERING_OR_NEXT = 0x10
_FILE_BACKED = 0x20
_ADDRESS, _START, _END, _PAGE_SIZE = 2, 3, 4, 6
_LINE = re.compile(rb"([0-9a-f]+)-([0-9a-f]+) (....) ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+) *(.*)")
_LIKELY_NAMES = (b" /anon_hugepage", b" /memfd:", b" /SYSV")
_BASE_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Mapping:
    """A line of maps: addresses and offset in bytes; `device` as os.makedev makes it."""

    start: int
    end: int
    shared: bool
    offset: int
    device: int
    inode: int
    name: str


@dataclass(frozen=True, slots=True)
class Detail:
    """What smaps says beyond that: whether it is hugetlb, its page size, flag NORESERVE, and pages present in bytes."""

    hugetlb: bool
    page_bytes: int
    noreserve: bool
    present_bytes: int


def query_page_sizes(path: str) -> dict[int, int] | None:
    """Start and page size, in bytes, of the file mappings with other than base pages in a maps file.

    None where the kernel cannot be asked. Raises OSError where the process may not be looked at, or is gone.
    """
    found: dict[int, int] = {}
    words = memoryview(bytearray(_QUERY_BYTES)).cast("Q")
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    query = fcntl.ioctl
    try:
        while True:
            words[0] = _QUERY_BYTES
            words[1] = _COVERING_OR_NEXT | _FILE_BACKED
            words[_ADDRESS] = words[_END]
            try:
                query(descriptor, _QUERY, words)
            except FileNotFoundError:
                return found
            except ProcessLookupError:
                return found  # a kernel thread, or a process that has just ended: no memory
            except OSError as error:
                if error.errno in _NOT_SUPPORTED:
                    return None
                raise
            if words[_PAGE_SIZE] > _BASE_PAGE_BYTES:
                found[words[_START]] = words[_PAGE_SIZE]
    finally:
        os.close(descriptor)


_NOT_SUPPORTED = (25, 22)  # ENOTTY of a kernel without it, or of a file that is a copy; EINVAL of another layout


def may_have_hugetlb(maps: bytes, devices: frozenset[int]) -> bool:
    """Whether a maps file has names or devices that huge pages have; ordinary memory can have the names, too."""
    if any(name in maps for name in _LIKELY_NAMES):
        return True
    return any(b" %02x:%02x " % (os.major(device), os.minor(device)) in maps for device in devices)


def parse_maps(maps: bytes) -> list[Mapping]:
    """The mappings of files in a maps file: what is no file's has no device. The first SysV segment has inode 0."""
    mappings = []
    for line in maps.split(b"\n"):
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        start, end, permissions, offset, major, minor, inode, name = found.groups()
        device = os.makedev(int(major, 16), int(minor, 16))
        if device == 0:
            continue
        shared = permissions[3:] == b"s"
        text = unescape(os.fsdecode(name))
        mappings.append(Mapping(int(start, 16), int(end, 16), shared, int(offset, 16), device, int(inode), text))
    return mappings


def parse_smaps(smaps: bytes) -> dict[int, Detail]:
    """The mappings in a smaps file, by start address."""
    details: dict[int, Detail] = {}
    start = page_kB = present_kB = 0
    for line in smaps.split(b"\n"):
        key, _, rest = line.partition(b":")
        if key == b"KernelPageSize":
            page_kB = int(rest.split()[0])
        elif key in {b"Shared_Hugetlb", b"Private_Hugetlb"}:
            present_kB += int(rest.split()[0])
        elif key == b"VmFlags":
            flags = rest.split()
            details[start] = Detail(b"ht" in flags, page_kB << 10, b"nr" in flags, present_kB << 10)
        elif _LINE.fullmatch(line):
            start, page_kB, present_kB = int(line.split(b"-")[0], 16), 0, 0
    return details


def read_details(path: str) -> dict[int, Detail]:
    """A smaps file. Raises OSError."""
    return parse_smaps(read_bytes(path))
