"""What the names of a scenario stand for: the one table of them, whichever kernel carries out the calls.

A name is bound when the call that makes its thing has succeeded, and forgotten with the thing. A mapping's name stands
for an address and stays bound when parts of the mapping, or all of it, are unmapped.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

from hugeresv.errors import ScenarioError
from hugeresv.scenario.scenario import Cgroup, CgroupLimits
from hugeresv.units import format_bytes

GAP_BYTES = 1 << 30
FIRST_ADDRESS = 1 << 40
"""Mappings are put from 1 TiB upwards, a GiB or more apart. Below 80 TiB, Linux puts nothing there by itself on 64-bit
machines: programs, libraries, heap and stack are under 4 GiB or from 85 TiB on."""

Ranges = Iterable[tuple[int, int]]
"""Addresses in bytes, half-open and ascending."""


class Binding(NamedTuple):
    """A mapping's name in one process: an address, and how many bytes it ever covered from there.

    `segment`: a SysV segment was attached there.
    """

    start: int
    extent_bytes: int
    shared: bool
    page_bytes: int
    segment: bool = False

    def reaching(self, end: int) -> Binding:
        """The same, covering what is before `end` too."""
        return self if end <= self.start + self.extent_bytes else self._replace(extent_bytes=end - self.start)


class NamedSegment(NamedTuple):
    """A SysV segment. A removed one may still be attached by its name, or the name made anew."""

    size_bytes: int
    page_bytes: int
    removed: bool = False


class NamedMount(NamedTuple):
    """A hugetlbfs. `limited`: it has a size, which statfs shows."""

    page_bytes: int
    limited: bool


class Names:
    """Everything that is named. A lookup raises ScenarioError, which says what is missing, and changes nothing.

    processes   the mappings of each process that exists
    files       the page size of each open file, in bytes
    segments    SysV segments, removed ones too
    mounts      those that are mounted
    cgroups     those that exist, as the scenario declares them, parents first

    Mappings are put where nothing is. Each place is given out once: where one process moves a mapping to is free in
    every other. That matters: a kernel that takes a page at its owner's address (`steal_at_owner_address`) must not
    find another's there by chance.
    """

    def __init__(
        self,
        page_bytes: int,
        cgroups: Mapping[str, Cgroup] | None = None,
        *,
        further_sizes: Collection[int] = (),
        next_address: int = FIRST_ADDRESS,
        gap_bytes: int = GAP_BYTES,
        end_address: int | None = None,
        mapped: Callable[[str], Ranges] | None = None,
    ) -> None:
        """Raises ScenarioError for cgroups whose parents are not declared, or are each other's.

        `page_bytes` is the first pool's page size, `further_sizes` are those of the others.
        `gap_bytes` is a power of two and no smaller than a page. `end_address` and `mapped`, which answers what a
        process has mapped, let places be found between others when all up to the end have been given out; without
        them the kernel is asked for places beyond, and refuses in its own way.
        """
        self.page_bytes = page_bytes
        self._sizes = (page_bytes, *further_sizes)
        self.processes: dict[str, dict[str, Binding]] = {}
        self.files: dict[str, int] = {}
        self.segments: dict[str, NamedSegment] = {}
        self.mounts: dict[str, NamedMount] = {}
        self.cgroups = _parents_first(cgroups or {})
        self._next_address = next_address
        self._gap_bytes = gap_bytes
        self._end_address = end_address
        self._mapped = mapped
        self._no_room: dict[str, int] = {}

    def copied(self, mapped: Callable[[str], Ranges]) -> Names:
        """Names of another session, which is where this one is; `mapped` as at the start."""
        other = copy.copy(self)
        other.processes = {proc: dict(mappings) for proc, mappings in self.processes.items()}
        other.files, other.segments = dict(self.files), dict(self.segments)
        other.mounts, other.cgroups = dict(self.mounts), dict(self.cgroups)
        other._mapped = mapped  # noqa: SLF001  of the same class
        other._no_room = dict(self._no_room)  # noqa: SLF001  of the same class
        return other

    # Looking up.

    def size(self, page_size_kB: int | None) -> int:
        """A page size in bytes: the first pool's, or another that there is a pool of."""
        if page_size_kB is None:
            return self.page_bytes
        if page_size_kB * 1024 not in self._sizes:
            known = (format_bytes(size) for size in self._sizes)
            _missing(f"there is no pool of {format_bytes(page_size_kB * 1024)} pages", known)
        return page_size_kB * 1024

    def process(self, name: str) -> None:
        """See that a process exists."""
        if name not in self.processes:
            _missing(f"there is no process {name!r}", self.processes)

    def mapping(self, proc: str, name: str) -> Binding:
        """A process's mapping."""
        mappings = self.processes.get(proc)
        if mappings is None or name not in mappings:
            known = ", ".join(sorted(mappings or ())) or "none"
            raise ScenarioError(f"process {proc!r} has no mapping {name!r}; it has: {known}")
        return mappings[name]

    def file(self, name: str) -> int:
        """The page size, in bytes, of a file that is open."""
        if name not in self.files:
            _missing(f"there is no open file {name!r}", self.files)
        return self.files[name]

    def segment(self, name: str) -> NamedSegment:
        """A SysV segment that was made."""
        if name not in self.segments:
            _missing(f"there is no segment {name!r}", self.segments)
        return self.segments[name]

    def mount(self, name: str) -> NamedMount:
        """A hugetlbfs that is mounted."""
        if name not in self.mounts:
            _missing(f"nothing is mounted as {name!r}", self.mounts)
        return self.mounts[name]

    def cgroup(self, name: str) -> None:
        """See that a cgroup exists."""
        if name not in self.cgroups:
            _missing(f"there is no cgroup {name!r}", self.cgroups)

    def limits(self, cgroup: str) -> Iterator[tuple[int, CgroupLimits]]:
        """The limits of a cgroup at the start, each with the page size in bytes that it is of. Raises ScenarioError."""
        declared = self.cgroups[cgroup]
        yield self.page_bytes, declared
        for size, limits in (declared.pools or {}).items():
            yield self.size(int(size)), limits

    # Seeing that a name is free.

    def new_process(self, name: str) -> None:
        """See that a child may be called so."""
        if name in self.processes:
            raise ScenarioError(f"process {name!r} exists already")

    def new_file(self, name: str) -> None:
        """See that a file may be called so."""
        if name in self.files:
            raise ScenarioError(f"file {name!r} is open already")

    def new_segment(self, name: str) -> None:
        """See that a segment may be called so: a removed one's name is free."""
        if name in self.segments and not self.segments[name].removed:
            raise ScenarioError(f"segment {name!r} exists already")

    def new_mount(self, name: str) -> None:
        """See that a mount may be called so."""
        if name in self.mounts:
            raise ScenarioError(f"{name!r} is mounted already")

    # Places.

    def free_place(self, proc: str, length_bytes: int) -> int:
        """An address, aligned to the gap, with nothing around it; beyond the end if there is none."""
        if self._end_address is None or self._mapped is None:
            return self._next_address
        gap = self._gap_bytes
        end = -(-self._end_address // gap) * gap
        room = 2 * -(-length_bytes // gap) * gap + gap
        if self._next_address + room <= end:
            return self._next_address
        if room >= self._no_room.get(proc, end):
            return end
        place = _first_gap(self._mapped(proc), room, gap)
        if place + room > end:
            self._no_room[proc] = room
        return place

    def _take_place(self, start: int, length_bytes: int) -> None:
        """A mapping was made: if at the free place, the next one leaves as much again and a gap behind it."""
        if start == self._next_address:
            gap = self._gap_bytes
            self._next_address = -(-(start + 2 * length_bytes) // gap) * gap + gap

    # Learning what a call has done.

    def mapped(self, proc: str, name: str, binding: Binding, start: int) -> None:
        """A mapping was made at `start`; the binding has the rest."""
        self._take_place(start, binding.extent_bytes)
        self.processes[proc][name] = binding._replace(start=start)

    def resized(self, proc: str, name: str, old_start: int, new_length: int, start: int) -> None:
        """mremap without a place: in place, if the kernel did not choose another, to which no name leads."""
        self._no_room.pop(proc, None)
        if start == old_start:
            mappings = self.processes[proc]
            mappings[name] = mappings[name].reaching(start + new_length)

    def moved_over(self, proc: str, name: str, moved: Binding, start: int) -> None:
        """mremap put `moved` over a part of the mapping that is called `name`, from `start` on."""
        self._no_room.pop(proc, None)
        mappings = self.processes[proc]
        there = mappings[name]
        if start == there.start:
            there = there._replace(shared=moved.shared)
        mappings[name] = there.reaching(start + moved.extent_bytes)

    def unmapped(self, proc: str, _value: int = 0) -> None:
        """There may be room where there was none."""
        self._no_room.pop(proc, None)

    def forked(self, proc: str, child: str, _value: int = 0) -> None:
        """The child knows its parent's mappings under the same names."""
        self.processes[child] = dict(self.processes[proc])

    def exited(self, proc: str, _value: int = 0) -> None:
        """The process is gone, and what it called its mappings."""
        self.processes.pop(proc, None)
        self._no_room.pop(proc, None)

    def opened(self, name: str, page_bytes: int, _value: int = 0) -> None:
        """A file was made."""
        self.files[name] = page_bytes

    def closed(self, name: str, _value: int = 0) -> None:
        """A file's descriptor was closed."""
        del self.files[name]

    def segment_made(self, name: str, segment: NamedSegment, _value: int = 0) -> None:
        """A segment was made."""
        self.segments[name] = segment

    def segment_removed(self, name: str, _value: int = 0) -> None:
        """A segment was removed; its name stays good for what is attached to it."""
        self.segments[name] = self.segments[name]._replace(removed=True)

    def mounted(self, name: str, mount: NamedMount, _value: int = 0) -> None:
        """A hugetlbfs was mounted."""
        self.mounts[name] = mount

    def unmounted(self, name: str, _value: int = 0) -> None:
        """It is no longer mounted."""
        del self.mounts[name]

    def cgroup_removed(self, name: str, _value: int = 0) -> None:
        """A cgroup was removed."""
        del self.cgroups[name]

    def clear(self) -> None:
        """Nothing stands for anything any more."""
        tables: tuple[dict[str, Any], ...] = (self.processes, self.files, self.segments, self.mounts, self.cgroups)
        for table in tables:
            table.clear()


def _missing(what: str, known: Iterable[str]) -> NoReturn:
    """Raise ScenarioError: there is nothing of that name; `known` are the names that there are."""
    raise ScenarioError(f"{what}; there is: {', '.join(sorted(known)) or 'none'}")


def _first_gap(ranges: Ranges, room: int, gap: int) -> int:
    """The lowest address, aligned to `gap` and with a gap before it, that has `room` bytes free."""
    address = gap
    for start, end in ranges:
        if start - address >= room:
            break
        address = max(address, -(-end // gap) * gap + gap)
    return address


def _parents_first(cgroups: Mapping[str, Cgroup]) -> dict[str, Cgroup]:
    ordered: dict[str, Cgroup] = {}
    waiting = dict(cgroups)
    while waiting:
        ready = [name for name, cgroup in waiting.items() if cgroup.parent is None or cgroup.parent in ordered]
        if not ready:
            for name, cgroup in waiting.items():
                if cgroup.parent not in cgroups:
                    raise ScenarioError(f"cgroup {name!r} has parent {cgroup.parent!r}, which is not declared")
            raise ScenarioError(f"cgroups are each other's parents: {', '.join(map(repr, waiting))}")
        ordered.update((name, waiting.pop(name)) for name in ready)
    return ordered
