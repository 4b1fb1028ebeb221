"""Physical memory as parts of a file: how QEMU lays it out, which parts hold anything, and what a note in it says."""

import os
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

GIBIBYTE = 1 << 30

NOTE_HEADER = struct.Struct("<III")
"""An ELF note begins with the sizes in bytes of its name and of its descriptor, and its type."""


class MemorySegment(NamedTuple):
    """A stretch of physical memory, and where it is in the file; all in bytes."""

    physical: int
    offset: int
    size_bytes: int


def layouts(size_bytes: int) -> Sequence[tuple[MemorySegment, ...]]:
    """How machines of QEMU have memory of this size in their address space, the machine `pc` first.

    There is a hole below 4 GiB; what has no place below it comes after 4 GiB (hw/i386/pc_piix.c, pc_q35.c).
    """
    found = [
        (MemorySegment(0, 0, low), MemorySegment(4 * GIBIBYTE, low, size_bytes - low))
        for low, hole_from in ((3 * GIBIBYTE, 7 << 29), (2 * GIBIBYTE, 11 << 28))
        if size_bytes >= hole_from
    ]
    return found or [(MemorySegment(0, 0, size_bytes),)]


def written(descriptor: int, size_bytes: int) -> Iterator[tuple[int, int]]:
    """The parts of a file that have ever been written."""
    end = 0
    while end < size_bytes:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError:  # ENXIO: a hole up to the end
            return
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, end


def note_text(note: bytes) -> bytes:
    """The descriptor of an ELF note: header, name and descriptor follow each other, aligned to 4 bytes."""
    name_bytes, descriptor_bytes, _ = NOTE_HEADER.unpack_from(note)
    start = NOTE_HEADER.size + -(-name_bytes // 4) * 4
    return note[start : start + descriptor_bytes]
