"""Physical memory in a file, such as a guest's shared RAM."""

import mmap
import os
import re
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from drgn import Architecture, FaultError, Platform, Program

from hugeresv.errors import UnavailableError
from hugeresv.sources.physical import NOTE_HEADER, MemorySegment, written

_NAME = b"VMCOREINFO\0\0"
_FIRST_LINE = b"OSRELEASE="
_KERNEL_ADDRESS = re.compile(rb"^SYMBOL\(swapper_pg_dir\)=([0-9a-f]+)$", re.MULTILINE)
_LOWEST_ON_X86_64 = 1 << 63
_PAGE_BYTES = 1 << 12
LONGEST_BYTES = 1 << 12
"""A note fits into a page (VMCOREINFO_BYTES)."""


class PhysicalMemory:
    """What a program reads. Which file that is may change, as long as it is memory of the same kernel's same boot."""

    def __init__(self, path: Path) -> None:
        self.look_at(path)

    def look_at(self, path: Path) -> None:
        """Read this file from now on."""
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)

    def program(self, segments: Iterable[MemorySegment], vmcoreinfo: bytes) -> Program:
        """A program that reads memory that is in the file in these segments.

        Raises UnavailableError for a VMCOREINFO that is damaged, or that of a kernel that is not for x86-64.
        """
        top = _KERNEL_ADDRESS.search(vmcoreinfo)
        if top is None or int(top[1], 16) < _LOWEST_ON_X86_64:
            raise UnavailableError("only the memory of kernels for x86-64 can be read")
        program = Program(Platform(Architecture.X86_64))
        for segment in segments:
            program.add_memory_segment(segment.physical, segment.size_bytes, partial(self._read, segment.offset), True)
        try:
            program.set_linux_kernel_custom(vmcoreinfo, True)
        except Exception as error:  # noqa: BLE001  drgn has no class for what is wrong with it
            raise UnavailableError(f"its VMCOREINFO is damaged: {error}") from None
        return program

    def _read(self, start: int, _address: int, count: int, offset: int, _physical: bool) -> bytes:
        """What drgn asks for: `count` bytes at `offset` of the segment that is at `start` in the file."""
        return self._map[start + offset : start + offset + count]


def notes(path: Path) -> Iterator[bytes]:
    """The texts of all VMCOREINFO notes in a file, which may be sparse: one, unless it has copies."""
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return
        with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
            for start, end in written(file.fileno(), len(data)):
                yield from notes_within(data, start, end)


def notes_within(data: mmap.mmap | bytes, start: int, end: int) -> Iterator[bytes]:
    """The texts of VMCOREINFO notes that begin in [start, end)."""
    place = data.find(_NAME, start, end)
    while place >= 0:
        text = _text(data, place)
        if text:
            yield text
        place = data.find(_NAME, place + 1, end)


def read_with_holes(program: Program, start: int, size_bytes: int) -> bytes:
    """Whole pages of physical memory, zeros for those that a dump of QEMU has not, as in the hole below 4 GiB.

    What has neither its first page nor its last is all hole: to ask for each of a GiB of pages takes half a minute.
    """
    try:
        return bytes(program.read(start, size_bytes, True))
    except FaultError:
        if not _there(program, start) and not _there(program, start + size_bytes - _PAGE_BYTES):
            return bytes(size_bytes)
    half = size_bytes // _PAGE_BYTES // 2 * _PAGE_BYTES
    return read_with_holes(program, start, half) + read_with_holes(program, start + half, size_bytes - half)


def _there(program: Program, page: int) -> bool:
    try:
        program.read(page, _PAGE_BYTES, True)
    except FaultError:
        return False
    return True


def _text(data: mmap.mmap | bytes, place: int) -> bytes:
    """The text of the note whose name is there; empty if it is none."""
    if place < NOTE_HEADER.size:
        return b""
    name_bytes, text_bytes, kind = NOTE_HEADER.unpack_from(data, place - NOTE_HEADER.size)
    text = data[place + len(_NAME) : place + len(_NAME) + min(text_bytes, LONGEST_BYTES)]
    is_note = (name_bytes, kind) == (len(_NAME) - 1, 0) and text.startswith(_FIRST_LINE)
    return text if is_note else b""
