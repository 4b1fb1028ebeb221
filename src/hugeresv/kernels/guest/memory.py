"""A guest's memory: a file without a name, which the emulator shares with whoever reads it from outside."""

import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hugeresv.kernels.closed_on_exit import ClosedOnExit
from hugeresv.sources.physical import MemorySegment, layouts, written

MEBIBYTE = 1 << 20

_NODES_IN_ONE_FILE = "pc-i440fx-5.0"
"""The last machine of QEMU whose nodes can be parts of one file (`-numa node,mem=`)."""

_NODE_STEP_BYTES = 4 * MEBIBYTE
"""The largest block of the buddy allocator: none is on two nodes."""

_CHUNK_BYTES = 64 * 1024
_ZEROS = bytes(_CHUNK_BYTES)


class GuestMemory(NamedTuple):
    """A running guest's memory as a file.

    `path` can be opened and mapped, by this process and by others of its user, while the session lives. `vmcoreinfo` is
    the text of the kernel's VMCOREINFO note, empty where it has none (it comes with CONFIG_KEXEC).
    """

    path: Path
    size_bytes: int
    segments: tuple[MemorySegment, ...]
    vmcoreinfo: bytes


class Ram(ClosedOnExit):
    """Memory for an emulator, all zero at first. With the last descriptor and mapping of the file it is gone."""

    def __init__(self, size_bytes: int, nodes: int = 1, cpus: int = 1) -> None:
        self.size_bytes = size_bytes
        self.nodes = nodes
        self.cpus = max(cpus, nodes)
        self.descriptor = os.memfd_create("hugeresv-guest-memory")
        os.ftruncate(self.descriptor, size_bytes)

    @property
    def path(self) -> Path:
        """By which other processes open it, too."""
        return Path(f"/proc/{os.getpid()}/fd/{self.descriptor}")

    @property
    def arguments(self) -> tuple[str, ...]:
        """What QEMU is told of it, and of the CPUs: one on each of several nodes."""
        backend = f"memory-backend-file,id=ram,size={self.size_bytes},mem-path=/proc/self/fd/{self.descriptor},share=on"
        memory = ("-m", f"{self.size_bytes // MEBIBYTE}M", "-object", backend, "-machine", "memory-backend=ram")
        if self.nodes == 1:
            return (*memory, "-smp", str(self.cpus))
        each = self.size_bytes // self.nodes // _NODE_STEP_BYTES * _NODE_STEP_BYTES
        last = self.size_bytes - each * (self.nodes - 1)
        sizes = [*[each] * (self.nodes - 1), last]
        nodes = (f"node,nodeid={nid},cpus={nid},mem={size // MEBIBYTE}M" for nid, size in enumerate(sizes))
        numa = [word for node in nodes for word in ("-numa", node)]
        return (*memory, "-smp", str(self.nodes), "-machine", f"type={_NODES_IN_ONE_FILE}", *numa)

    @property
    def segments(self) -> tuple[MemorySegment, ...]:
        """Where the machine `pc` has it."""
        return layouts(self.size_bytes)[0]

    def close(self) -> None:
        """Let go of it."""
        os.close(self.descriptor)


class Contents(ClosedOnExit):
    """What a memory holds, kept after its `Ram` is closed. Nothing may write to it any more."""

    def __init__(self, ram: Ram) -> None:
        self._map = mmap.mmap(ram.descriptor, 0, prot=mmap.PROT_READ)
        self._segments = ram.segments
        self._nodes, self._cpus = ram.nodes, ram.cpus
        self._runs: list[tuple[int, int]] = []
        for start, end in written(ram.descriptor, ram.size_bytes):
            self._runs += self._not_zero(start, end)

    def copied(self) -> Ram:
        """Another memory that holds the same."""
        ram = Ram(len(self._map), self._nodes, self._cpus)
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
        """The ranges that are not all zero, which are those worth a copy."""
        run = end
        for chunk in range(start, end, _CHUNK_BYTES):
            if self._map[chunk : min(chunk + _CHUNK_BYTES, end)] != _ZEROS[: end - chunk]:
                run = min(run, chunk)
            elif run < chunk:
                yield run, chunk
                run = end
        if run < end:
            yield run, end
