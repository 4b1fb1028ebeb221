"""Mappings of huge pages: finding the processes that have any, and reading those.

PROCMAP_QUERY (6.11) is the cheapest: it tells the page size, formats no names, passes over anonymous mappings within
the kernel, and can be asked for what begins at the next multiple of a huge page. numa_maps costs about twice as much as
maps, smaps four times and more, for they walk the page tables (benchmarks/status.py). The `HugetlbPages` of status
shows only what is present.
"""

import errno
import fcntl
import os
import re
from collections.abc import Container
from dataclasses import dataclass

from hugeresv.sources.procfs.files import unescape

_QUERY = 0xC0686611  # _IOWR('f', 17, struct procmap_query), include/uapi/linux/fs.h
_QUERY_BYTES = 104
_COVERING_OR_NEXT = 0x10
_FILE_BACKED = 0x20
_ADDRESS, _START, _END, _PAGE_SIZE = 2, 3, 4, 6
_LINE = re.compile(rb"([0-9a-f]+)-([0-9a-f]+) (....) ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+) *(.*)")
_HUGETLB_FLAGS = re.compile(rb"^VmFlags:.* ht\b.*$", re.MULTILINE)
_CHUNK_BYTES = 1 << 14
_NOT_SUPPORTED = (errno.ENOTTY, errno.EINVAL)  # a kernel without it
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
    """What smaps says of a mapping of huge pages: their size, flag NORESERVE, and how many bytes are present."""

    page_bytes: int
    noreserve: bool
    present_bytes: int


def query_page_sizes(path: str, smallest_bytes: int) -> dict[int, int] | None:
    """Start and page size, in bytes, of the file mappings with other than base pages in a maps file.

    Only such are sure to be found whose page size is at least the smallest: they begin at a multiple of it, so that
    whatever lies between two multiples is passed over. None where the kernel cannot be asked. Raises OSError where the
    process may not be looked at, or is gone.
    """
    found: dict[int, int] = {}
    words = memoryview(bytearray(_QUERY_BYTES)).cast("Q")
    words[0], words[1] = _QUERY_BYTES, _COVERING_OR_NEXT | _FILE_BACKED
    query = fcntl.ioctl
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while True:
            query(descriptor, _QUERY, words)
            words[_ADDRESS] = -(-words[_END] // smallest_bytes) * smallest_bytes
            if words[_PAGE_SIZE] > _BASE_PAGE_BYTES:
                found[words[_START]] = words[_PAGE_SIZE]
    except (FileNotFoundError, ProcessLookupError):
        return found  # no further mapping; no memory, of a kernel thread or one that has just ended
    except OSError as error:
        if error.errno in _NOT_SUPPORTED:
            return None
        raise
    finally:
        os.close(descriptor)


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
    """The mappings of huge pages in a smaps file, by start address."""
    details: dict[int, Detail] = {}
    for flags in _HUGETLB_FLAGS.finditer(smaps):
        before = smaps.rfind(b"\nVmFlags:", 0, flags.start())
        head, *lines = smaps[smaps.index(b"\n", before + 1) + 1 if before >= 0 else 0 : flags.start()].split(b"\n")
        fields = {key: rest.split()[0] for key, _, rest in (line.partition(b":") for line in lines) if rest.strip()}
        present_kB = int(fields[b"Shared_Hugetlb"]) + int(fields[b"Private_Hugetlb"])
        details[int(head[: head.index(b"-")], 16)] = Detail(
            int(fields[b"KernelPageSize"]) << 10, b"nr" in flags[0].split(), present_kB << 10
        )
    return details


def read_details(path: str, last_start: int | None = None) -> dict[int, Detail]:
    """A smaps file, to the mapping that begins at `last_start` or to its end. Raises OSError.

    The kernel walks the page tables as it is read, so that what is not read costs nothing.
    """
    mark = None if last_start is None else b"%08x-" % last_start
    smaps = b""
    place = -1
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while chunk := os.read(descriptor, _CHUNK_BYTES):
            smaps += chunk
            if mark is not None and place < 0:
                place = smaps.find(mark)
            if place >= 0 and smaps.find(b"\nVmFlags:", place) >= 0 and smaps.endswith(b"\n"):
                break
    finally:
        os.close(descriptor)
    return parse_smaps(smaps)
