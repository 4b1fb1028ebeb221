"""Anonymous huge pages that are present in a process, from its pagemap.

PAGEMAP_SCAN (6.7) goes through a range in steps of huge pages and answers in runs. Without it one entry is read for
each huge page. A page that is a file's, bit 61, has taken nothing from a private mapping's reservation. Physical page
numbers tell what several processes share; only with CAP_SYS_ADMIN are they shown.
"""

import ctypes
import errno
import fcntl
import os
import struct
from collections.abc import Iterator

_SCAN = 0xC0606610  # _IOWR('f', 16, struct pm_scan_arg), include/uapi/linux/fs.h
_SCAN_ARG = struct.Struct("12Q")
_REGION = struct.Struct("3Q")
_REGIONS = 512
_FILE, _PRESENT = 1 << 2, 1 << 3
_WALK_END = 4
_ENTRY_BYTES = 8
_PRESENT_BIT, _FILE_BIT = 1 << 63, 1 << 61
_NUMBER_MASK = (1 << 55) - 1
_BASE = os.sysconf("SC_PAGE_SIZE")


def anonymous_pages(descriptor: int, start: int, end: int, page_bytes: int) -> list[int]:
    """Addresses of the huge pages in [start, end) that are present and no file's. Raises OSError."""
    try:
        runs = list(_scan(descriptor, start, end))
    except OSError as error:
        if error.errno not in {errno.ENOTTY, errno.EINVAL}:  # a kernel without it
            raise
        return [address for address in range(start, end, page_bytes) if _entry(descriptor, address) is not None]
    return [
        address for first, behind in runs for address in range(-(-first // page_bytes) * page_bytes, behind, page_bytes)
    ]


def page_numbers(descriptor: int, addresses: list[int]) -> list[int]:
    """The physical page numbers of present pages; 0 for each where they are not shown. Raises OSError."""
    return [(_entry(descriptor, address) or 0) & _NUMBER_MASK for address in addresses]


def _entry(descriptor: int, address: int) -> int | None:
    """The entry of an address, None unless an anonymous page is present there."""
    raw = os.pread(descriptor, _ENTRY_BYTES, address // _BASE * _ENTRY_BYTES)
    entry = int.from_bytes(raw, "little")
    return entry if entry & _PRESENT_BIT and not entry & _FILE_BIT else None


def _scan(descriptor: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    regions = bytearray(_REGION.size * _REGIONS)
    place = ctypes.addressof(ctypes.c_char.from_buffer(regions))
    while start < end:
        argument = bytearray(
            _SCAN_ARG.pack(_SCAN_ARG.size, 0, start, end, 0, place, _REGIONS, 0, _FILE, _PRESENT | _FILE, 0, _PRESENT)
        )
        count = fcntl.ioctl(descriptor, _SCAN, argument)
        for number in range(count):
            first, behind, _ = _REGION.unpack_from(regions, number * _REGION.size)
            yield first, behind
        start = _SCAN_ARG.unpack(argument)[_WALK_END]
