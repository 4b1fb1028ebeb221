"""What the names of a scenario stand for on this machine, and where its mappings are put."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from hugeresv.errors import ScenarioError

_Named = TypeVar("_Named")

GAP_BYTES = 1 << 30
FIRST_ADDRESS = 1 << 40
"""Mappings are put from 1 TiB upwards, a GiB or more apart. Below 80 TiB, Linux puts nothing there by itself on 64-bit
machines: programs, libraries, heap and stack are under 4 GiB or from 85 TiB on."""


@dataclass(slots=True)
class Binding:
    """A mapping's name in one process: the address it stands for, and how many bytes it ever covered from there."""

    start: int
    extent_bytes: int
    shared: bool

    def reaches(self, end: int) -> None:
        """It covers what is before this address, too."""
        self.extent_bytes = max(self.extent_bytes, end - self.start)


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that the keeper holds open: its descriptor there, and the path by which another process opens it."""

    descriptor: int
    path: str


@dataclass(slots=True)
class Segment:
    """A SysV segment, its size in bytes. A removed one may still be attached by its name, or the name made anew."""

    id: int
    size_bytes: int
    removed: bool = False


@dataclass(frozen=True, slots=True)
class MountPoint:
    """A mounted hugetlbfs: its directory in the keeper's view, and whether `statfs` shows a size limit there."""

    path: str
    limited: bool


@dataclass(slots=True)
class Names:
    """Everything that is named. A lookup raises ScenarioError, which says what is missing; it changes nothing.

    `processes` has the mappings of each process that exists; `cgroups` their directories in the keeper's view. Mappings
    are put from `next_address` on, with `gap_bytes` or more between them: a power of two, no smaller than a page.
    """

    next_address: int = FIRST_ADDRESS
    gap_bytes: int = GAP_BYTES
    processes: dict[str, dict[str, Binding]] = field(default_factory=dict)
    files: dict[str, KeptFile] = field(default_factory=dict)
    segments: dict[str, Segment] = field(default_factory=dict)
    mounts: dict[str, MountPoint] = field(default_factory=dict)
    cgroups: dict[str, str] = field(default_factory=dict)

    def mapping(self, proc: str, name: str) -> Binding:
        """A process' mapping."""
        binding = self.processes.get(proc, {}).get(name)
        if binding is None:
            raise ScenarioError(f"process {proc!r} has no mapping {name!r}")
        return binding

    def file(self, name: str) -> KeptFile:
        """A file that is open."""
        return _find(self.files, name, "file {!r} is not open")

    def segment(self, name: str) -> Segment:
        """A SysV segment that was made."""
        return _find(self.segments, name, "there is no segment {!r}")

    def mount(self, name: str) -> MountPoint:
        """A mount that is mounted."""
        return _find(self.mounts, name, "{!r} is not mounted")

    def cgroup(self, name: str) -> str:
        """The directory of a cgroup that exists."""
        return _find(self.cgroups, name, "there is no cgroup {!r}")

    def bind(self, proc: str, name: str, binding: Binding) -> None:
        """From now on a mapping's name stands for this, in this process."""
        self.processes[proc][name] = binding

    def fork(self, proc: str, child: str) -> None:
        """The child knows its parent's mappings under the same names."""
        self.processes[child] = {
            name: Binding(binding.start, binding.extent_bytes, binding.shared)
            for name, binding in self.processes[proc].items()
        }

    def clear(self) -> None:
        """Nothing stands for anything any more."""
        for table in (self.processes, self.files, self.segments, self.mounts, self.cgroups):
            table.clear()

    def free_place(self) -> int:
        """An address with nothing around it, aligned to `gap_bytes`."""
        return self.next_address

    def take_place(self, start: int, length_bytes: int) -> None:
        """A mapping was made there: if it is the free place, the next one leaves a gap behind it."""
        if start == self.next_address:
            self.next_address = ((start + length_bytes) // self.gap_bytes + 2) * self.gap_bytes


def _find(names: Mapping[str, _Named], name: str, missing: str) -> _Named:
    if name not in names:
        raise ScenarioError(missing.format(name))
    return names[name]
