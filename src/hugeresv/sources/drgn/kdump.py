"""Headers of kdump files: `struct disk_dump_header` and `struct kdump_sub_header` (diskdump_mod.h of crash).

libkdumpfile maps the file and trusts what stands in it: what lies behind the file's end kills the process (SIGBUS).
"""

import os
import struct
from typing import BinaryIO

KDUMP = b"KDUMP   "
KINDS = (KDUMP, b"DISKDUMP")

_UTSNAME_OFFSET = 12
_NAME_BYTES = 65
_UNKNOWN = (b"Linux", b"unknown", b"0.0.0", b"#1", b"x86_64", b"(none)")
_SIZES_OFFSET = 428
_SIZES = struct.Struct("<iiII")
"""Bytes of a block, blocks of the subheader, blocks of the two bitmaps, pages of memory."""
_SPLIT_OFFSET = 12
_SPLIT = struct.Struct("<i")
"""Whether there are more files, each with a part of the pages."""
_PARTS_OFFSET = 32
_PARTS = struct.Struct("<6Q")
"""VMCOREINFO, ELF notes, erased words: where each is, and its size."""
_PAGE = struct.Struct("<QIIQ")
"""Where a page is, its size, its flags, and flags of `struct page`."""
_LARGEST_BLOCK = 1 << 16


def wrong_with(dump: BinaryIO) -> str | None:
    """What of a kdump file is not in it though its headers say so; None where all is there."""
    size_bytes = os.fstat(dump.fileno()).st_size
    sizes = _at(dump, _SIZES, _SIZES_OFFSET)
    if sizes is None:
        return "its header is cut off"
    block, subheader, bitmaps, _ = sizes
    if block.bit_count() != 1 or not 0 < block <= _LARGEST_BLOCK or subheader < 1:
        return f"its header has blocks of {block} bytes, and a subheader of {subheader}"
    table = block * (1 + subheader + bitmaps)
    parts = _at(dump, _PARTS, block + _PARTS_OFFSET)
    if table > size_bytes or parts is None:
        return f"its page table begins at {table}, the file ends at {size_bytes}"
    ends = [offset + length for offset, length in zip(parts[::2], parts[1::2], strict=True)]
    pages = _pages(dump, block * (1 + subheader), block * bitmaps)
    if pages and _at(dump, _SPLIT, block + _SPLIT_OFFSET) == (0,):
        last = _at(dump, _PAGE, table + (pages - 1) * _PAGE.size)
        ends += [table + pages * _PAGE.size, 0 if last is None else last[0] + last[1]]
    return f"it ends in the middle: at {size_bytes} instead of {max(ends)}" if max(ends) > size_bytes else None


def name_the_kernel(dump: BinaryIO) -> None:
    """Fill the names of uname(2) in, where a kdump file has none: what is in them does not matter.

    libkdumpfile wants them, and QEMU 7.2 leaves them empty.
    """
    dump.seek(0)
    if dump.read(len(KDUMP)) != KDUMP:
        return
    dump.seek(_UTSNAME_OFFSET)
    if dump.read(1) != b"\0":
        return
    dump.seek(_UTSNAME_OFFSET)
    dump.write(b"".join(name.ljust(_NAME_BYTES, b"\0") for name in _UNKNOWN))
    dump.flush()


def memory_bytes(dump: BinaryIO) -> int:
    """The end of physical memory in a kdump file with nothing wrong."""
    sizes = _at(dump, _SIZES, _SIZES_OFFSET)
    assert sizes is not None
    return int(sizes[3]) * 4096


def _pages(dump: BinaryIO, start: int, size_bytes: int) -> int:
    """How many pages are in the dump: the bits in the second of two bitmaps."""
    dump.seek(start + size_bytes // 2)
    return int.from_bytes(dump.read(size_bytes // 2), "little").bit_count()


def _at(dump: BinaryIO, form: struct.Struct, offset: int) -> tuple[int, ...] | None:
    """The fields of a struct; None behind the end of the file."""
    dump.seek(offset)
    content = dump.read(form.size)
    return form.unpack(content) if len(content) == form.size else None
