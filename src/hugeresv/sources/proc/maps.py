"""Mappings of huge pages in maps and smaps.

numa_maps costs about twice as much as maps, smaps four times and more, for they walk the page tables
(benchmarks/status.py). The `HugetlbPages` of status shows only what is present.
"""

import os
import re
from collections.abc import Container
from dataclasses import dataclass

from hugeresv.sources.proc.files import unescape

_LINE = re.compile(rb"([0-9a-f]+)-([0-9a-f]+) (....) ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+) *(.*)")
_CHUNK_BYTES = 1 << 14
_LIKELY_NAMES = (b" /anon_hugepage", b" /memfd:", b" /SYSV")


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
    """What smaps says of a mapping of huge pages: their size, flag NORESERVE, and how many bytes are present."""

    page_bytes: int
    noreserve: bool
    present_bytes: int


def may_have_hugetlb(maps: bytes, devices: frozenset[int]) -> bool:
    """Whether a maps file has names or devices that huge pages have; ordinary memory can have the names, too."""
    if any(name in maps for name in _LIKELY_NAMES):
        return True
    return any(b" %02x:%02x " % (os.major(device), os.minor(device)) in maps for device in devices)


def parse_maps(maps: bytes, starts: Container[int]) -> list[Mapping]:
    """The mappings in a maps file that begin at `starts`."""
    mappings = []
    for line in maps.split(b"\n")[:-1]:
        if int(line[: line.index(b"-")], 16) in starts:
            found = _LINE.fullmatch(line)
            assert found is not None
            start, end, permissions, offset, major, minor, inode, name = found.groups()
            device = os.makedev(int(major, 16), int(minor, 16))
            shared = permissions[3:] == b"s"
            text = unescape(os.fsdecode(name))
            mappings.append(Mapping(int(start, 16), int(end, 16), shared, int(offset, 16), device, int(inode), text))
    return mappings


def parse_smaps(smaps: bytes) -> dict[int, Detail]:
    """The mappings of huge pages in a smaps file, or in whole entries of one, by start address."""
    details: dict[int, Detail] = {}
    place = -1
    while (place := smaps.find(b" ht", place + 1)) >= 0:
        line = smaps.rfind(b"\n", 0, place) + 1
        flags = smaps[line : smaps.find(b"\n", place)].split()
        if flags[0] == b"VmFlags:" and b"ht" in flags:
            before = smaps.rfind(b"\nVmFlags:", 0, line - 1)
            entry = smaps[smaps.index(b"\n", before + 1) + 1 if before >= 0 else 0 : line]
            present_kB = _kB(entry, b"Shared_Hugetlb") + _kB(entry, b"Private_Hugetlb")
            start = int(entry[: entry.index(b"-")], 16)
            details[start] = Detail(_kB(entry, b"KernelPageSize") << 10, b"nr" in flags, present_kB << 10)
    return details


def _kB(entry: bytes, field: bytes) -> int:
    return int(entry.partition(b"\n%s:" % field)[2].split(maxsplit=1)[0])


def read_details(path: str, last_start: int | None = None) -> dict[int, Detail]:
    """A smaps file, to the mapping of huge pages that begins at `last_start` or to its end. Raises OSError.

    The kernel walks the page tables as it is read, so that what is not read costs nothing.
    """
    details: dict[int, Detail] = {}
    unparsed = b""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while last_start not in details and (chunk := os.read(descriptor, _CHUNK_BYTES)):
            unparsed += chunk
            flags = unparsed.rfind(b"\nVmFlags:")
            end = unparsed.find(b"\n", flags + 1) + 1
            if flags >= 0 and end:  # a whole entry
                details |= parse_smaps(unparsed[:end])
                unparsed = unparsed[end:]
    finally:
        os.close(descriptor)
    return details
