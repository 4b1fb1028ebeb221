"""Mappings of huge pages in maps and smaps.

numa_maps costs about twice as much as maps, smaps four times and more, for they walk the page tables
(benchmarks/status.py). The `HugetlbPages` of status shows only what is present.
"""

import os
import re
from collections.abc import Callable, Container, Iterable, Iterator

from hugeresv.sources.proc.files import MalformedError, number
from hugeresv.value import value

_ADDRESS, _DEVICE = rb"([0-9a-f]{1,16})", rb"([0-9a-f]{2,3}):([0-9a-f]{2,5})"
_HEAD = re.compile(_ADDRESS + rb"-" + _ADDRESS + rb" (?s:..)")
_LINE = re.compile(
    _ADDRESS + rb"-" + _ADDRESS + rb" (...)([ps]) " + _ADDRESS + rb" " + _DEVICE + rb" ([0-9]{1,20}) *((?s:.*))"
)
_SIZES = re.compile(
    rb"\nKernelPageSize: +([0-9]{1,10}) kB\n(?s:.*)\n"
    rb"Shared_Hugetlb: +([0-9]{1,15}) kB\nPrivate_Hugetlb: +([0-9]{1,15}) kB\n"
)
_MOST_DIGITS = 20
"""Of an unsigned long; one with fewer is never too large."""
_NO_DEVICE = b"00:00"
_CHUNK_BYTES = 1 << 14
_LONGEST_ENTRY = 1 << 16
_LARGEST_PAGE_KB = 1 << 30
_MOST_KB = 1 << 54
_FILE_END = 1 << 63
"""No mapping of a hugetlbfs file reaches beyond what an loff_t can say (hugetlbfs_file_mmap)."""
_LIKELY_NAMES = (b" /anon_hugepage", b" /memfd:", b" /SYSV")


@value()
class Mapping:
    """A line of maps: addresses and offset in bytes; `device` as os.makedev makes it."""

    start: int
    end: int
    shared: bool
    offset: int
    device: int
    inode: int
    name: str


@value()
class Detail:
    """What smaps says of a mapping of huge pages: their size, flag NORESERVE, and how many bytes are present."""

    page_bytes: int
    noreserve: bool
    present_bytes: int


def may_have_hugetlb(maps: Iterable[bytes], devices: Iterable[int]) -> bool:
    """Whether the lines of a maps file have names or devices that huge pages have; so can those of ordinary memory."""
    marks = [*_LIKELY_NAMES, *(b" %02x:%02x " % (os.major(device), os.minor(device)) for device in devices)]
    likely = re.compile(b"|".join(map(re.escape, marks)))
    return any(map(likely.search, maps))


def lines_of_devices(maps: Iterable[bytes], devices: Iterable[int]) -> Iterator[bytes]:
    """The lines that have the number of a device in them, of a maps file that is given in pieces.

    Raises ProcessLookupError where there is no line: of a kernel thread, or of a process that has ended.
    """
    marks = (b" %02x:%02x " % (os.major(device), os.minor(device)) for device in devices)
    likely = re.compile(b"|".join(map(re.escape, marks)))
    rest = b""
    empty = True
    for piece in maps:
        empty = False
        lines = rest + piece
        end = lines.rfind(b"\n") + 1
        behind = 0
        for found in likely.finditer(lines, 0, end):
            if found.start() >= behind:
                start, behind = lines.rfind(b"\n", 0, found.start()) + 1, lines.find(b"\n", found.end()) + 1
                yield lines[start : behind - 1]
        rest = lines[end:]
        if len(rest) > _LONGEST_ENTRY:
            raise MalformedError("a mapping", rest)
    if empty:
        raise ProcessLookupError


def parse_maps(maps: Iterable[bytes], starts: Container[int]) -> list[Mapping]:
    """The mappings in the lines of a maps file that begin at `starts`. Raises MalformedError."""
    names: dict[bytes, str] = {}
    mappings = []
    for line in maps:
        head = _HEAD.match(line)
        if head is None:
            raise MalformedError("a mapping", line)
        if int(head[1], 16) in starts:
            mappings.append(_parse_line(line, names))
    return mappings


def parse_maps_of(
    maps: Iterable[bytes], page_bytes: dict[int, int], learn: Callable[[Mapping], int | None]
) -> tuple[list[Mapping], dict[int, int]]:
    """The mappings of huge pages in the lines of a maps file, and the page size of each by its start.

    `page_bytes`: of the files of a device, for the page size is a property of the file system, 0 where it has no huge
    pages. Of a device that is not in it `learn` is asked, which answers None for a mapping that has gone. Raises
    MalformedError.
    """
    names: dict[bytes, str] = {}
    sizes: dict[int, int] = {}
    mappings = []
    others: set[bytes] = {_NO_DEVICE}
    for line in maps:
        fields = line.split(b" ", 4)
        if len(fields) == 5 and fields[3] in others:
            continue
        mapping = _parse_line(line, names)
        size = page_bytes.get(mapping.device)
        if size is None:
            size = learn(mapping)
            if size is None:
                continue
            page_bytes[mapping.device] = size
        if size:
            mappings.append(mapping)
            sizes[mapping.start] = size
        else:
            others.add(fields[3])
    return mappings, sizes


def _parse_line(line: bytes, names: dict[bytes, str]) -> Mapping:
    found = _LINE.fullmatch(line)
    if found is None:
        raise MalformedError("a mapping", line)
    start, end, _, sharing, offset, major, minor, digits, name = found.groups()
    inode = int(digits) if len(digits) < _MOST_DIGITS else number(digits, "an inode")
    if name not in names:
        names[name] = os.fsdecode(name.replace(b"\\012", b"\n"))  # the only byte that is escaped here
    device = os.makedev(int(major, 16), int(minor, 16))
    first, last, place = int(start, 16), int(end, 16), int(offset, 16)
    if first >= last or place + last - first > _FILE_END:
        raise MalformedError("a mapping", line)
    return Mapping(first, last, sharing == b"s", place, device, inode, names[name])


def parse_smaps(smaps: bytes) -> dict[int, Detail]:
    """The mappings of huge pages in a smaps file, or in whole entries of one, by start address.

    Raises MalformedError.
    """
    details: dict[int, Detail] = {}
    place = -1
    behind = 0
    while (place := smaps.find(b" ht", place + 1)) >= 0:
        line = smaps.rfind(b"\n", 0, place) + 1
        end = smaps.find(b"\n", place)
        flags = smaps[line:end].split()
        if flags[0] == b"VmFlags:" and b"ht" in flags:
            before = smaps.rfind(b"\nVmFlags:", behind, line - 1)
            first = smaps.index(b"\n", before + 1) + 1 if before >= 0 else behind
            entry = smaps[first:line]
            head = _HEAD.match(entry)
            if head is None:
                raise MalformedError("a mapping", entry.partition(b"\n")[0])
            details[int(head[1], 16)] = _detail(entry, noreserve=b"nr" in flags)
            behind = end + 1
            place = end
    return details


def _detail(entry: bytes, *, noreserve: bool) -> Detail:
    usual = _SIZES.search(entry)
    if usual is None:  # another order, or none of a kernel
        sizes = [_kB(entry, field) for field in (b"KernelPageSize", b"Shared_Hugetlb", b"Private_Hugetlb")]
    else:
        sizes = list(map(int, usual.groups()))
    page_kB, shared_kB, private_kB = sizes
    if page_kB.bit_count() != 1 or page_kB > _LARGEST_PAGE_KB:
        raise MalformedError("KernelPageSize", str(page_kB))
    return Detail(page_kB << 10, noreserve, shared_kB + private_kB << 10)


def _kB(entry: bytes, field: bytes) -> int:
    value = entry.partition(b"\n%s:" % field)[2].partition(b"\n")[0]
    return number(value.removesuffix(b" kB").strip(b" "), field.decode(), most=_MOST_KB)


def read_details(path: str, last_start: int | None = None) -> dict[int, Detail]:
    """A smaps file, to the mapping of huge pages that begins at `last_start` or to its end. Raises OSError.

    The kernel walks the page tables as it is read, so that what is not read costs nothing.
    """
    details: dict[int, Detail] = {}
    unparsed = b""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        while last_start not in details and (chunk := os.read(descriptor, _CHUNK_BYTES)):
            unparsed += chunk
            flags = unparsed.rfind(b"\nVmFlags:")
            end = unparsed.find(b"\n", flags + 1) + 1
            if flags >= 0 and end:  # a whole entry
                details |= parse_smaps(unparsed[:end])
                unparsed = unparsed[end:]
            if len(unparsed) > _LONGEST_ENTRY:
                raise MalformedError("a mapping", unparsed)
    except MalformedError as error:
        error.filename = path
        raise
    finally:
        os.close(descriptor)
    return details
