"""A guest's memory: a file without a name, which the emulator shares with whoever reads it from outside."""

import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hugeresv.kernels.closed_on_exit import ClosedOnExit

MEBIBYTE = 1 << 20

_NODES_IN_ONE_FILE = "pc-i440fx-5.0"
"""The last machine of QEMU whose nodes can be parts of one file (`-numa node,mem=`)."""

_LOW_BYTES = 3 << 30
_HOLE_FROM_BYTES = 7 << 29
_FOUR_GIB = 4 << 30
_CHUNK_BYTES = 64 * 1024
_ZEROS = bytes(_CHUNK_BYTES)


class Segment(NamedTuple):
    """A stretch of the guest's physical memory, and where it is in the file; all in bytes."""

    physical: int
    offset: int
    size_bytes: int


class GuestMemory(NamedTuple):
    """A running guest's memory as a file.

    `path` can be opened and mapped, by this process and by others of its user, while the session lives. `vmcoreinfo` is
    the text of the kernel's VMCOREINFO note, empty where it has none (it comes with CONFIG_KEXEC).
    """

    path: Path
    size_bytes: int
    segments: tuple[Segment, ...]
    vmcoreinfo: bytes


class Ram(ClosedOnExit):
    """Memory for an emulator, all zero at first. With the last descriptor and mapping of the file it is gone."""

    def __init__(self, size_bytes: int, nodes: int = 1) -> None:
        self.size_bytes = size_bytes
        self.nodes = nodes
        self.descriptor = os.memfd_create("hugeresv-guest-memory")
        os.ftruncate(self.descriptor, size_bytes)

    @property
    def path(self) -> Path:
        """By which other processes open it, too."""
        return Path(f"/proc/{os.getpid()}/fd/{self.descriptor}")

    @property
    def arguments(self) -> tuple[str, ...]:
        """What QEMU is told of it."""
        backend = f"memory-backend-file,id=ram,size={self.size_bytes},mem-path=/proc/self/fd/{self.descriptor},share=on"
        memory = ("-m", f"{self.size_bytes // MEBIBYTE}M", "-object", backend, "-machine", "memory-backend=ram")
        if self.nodes == 1:
            return memory
        each = f"mem={self.size_bytes // MEBIBYTE // self.nodes}M"
        nodes = [word for node in range(self.nodes) for word in ("-numa", f"node,nodeid={node},{each}")]
        return (*memory, "-machine", f"type={_NODES_IN_ONE_FILE}", *nodes)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Where QEMU's `pc` has it: of 3.5 GiB and more, the part beyond 3 GiB comes after 4 (hw/i386/pc_piix.c)."""
        if self.size_bytes < _HOLE_FROM_BYTES:
            return (Segment(0, 0, self.size_bytes),)
        return Segment(0, 0, _LOW_BYTES), Segment(_FOUR_GIB, _LOW_BYTES, self.size_bytes - _LOW_BYTES)

    def close(self) -> None:
        """Let go of it."""
        os.close(self.descriptor)


class Contents(ClosedOnExit):
    """What a memory holds, kept after its `Ram` is closed. Nothing may write to it any more."""

    def __init__(self, ram: Ram) -> None:
        self._map = mmap.mmap(ram.descriptor, 0, prot=mmap.PROT_READ)
        self._segments = ram.segments
        self._nodes = ram.nodes
        self._runs: list[tuple[int, int]] = []
        for start, end in written(ram.descriptor, ram.size_bytes):
            self._runs += self._not_zero(start, end)

    def copied(self) -> Ram:
        """Another memory that holds the same."""
        ram = Ram(len(self._map), self._nodes)
        with memoryview(self._map) as view:
            for start, end in self._runs:
                os.pwrite(ram.descriptor, view[start:end], start)
        return ram

    def read(self, physical: int, size_bytes: int) -> bytes:
        """What is at a physical address, within one segment."""
        segment = next(each for each in self._segments if 0 <= physical - each.physical < each.size_bytes)
        offset = segment.offset + physical - segment.physical
        return self._map[offset : offset + size_bytes]

    def close(self) -> None:
        """Forget it."""
        self._map.close()

    def _not_zero(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """What is worth a copy: a kernel zeroes much of its memory."""
        run = end
        for chunk in range(start, end, _CHUNK_BYTES):
            if self._map[chunk : min(chunk + _CHUNK_BYTES, end)] != _ZEROS[: end - chunk]:
                run = min(run, chunk)
            elif run < chunk:
                yield run, chunk
                run = end
        if run < end:
            yield run, end


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
    name_bytes, descriptor_bytes, _ = struct.unpack_from("<III", note)
    start = struct.calcsize("<III") + -(-name_bytes // 4) * 4
    return note[start : start + descriptor_bytes]
