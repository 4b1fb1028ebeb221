"""What there is to see of a machine at one moment: things by kind and name, each with a value that JSON can say.

    pool       total, free, rsvd and surp in pages, and how many surplus pages there may be
    other pool the same of another page size, which is its name
    node       a node's total, free and surp, by page size and number
    process    its cgroup
    mapping    whether it is shared, and its VMAs
    regions    what its reservation map has, under a mapping: from, to, from, to, … in the mapping's pages
    several    its pages that other mappings have too, because of a fork: from, to, …
    file       what a file, a segment or memory that several mappings have is, and who maps it
    cached     the pages of a file that are there, and
    reserved   what its reservation map has: from, to, …
    mount      its limits, and what is left of them
    cgroup     its limits, and what is charged
    promise    the pages that are promised to one holder, by its name and the page size: empty for the first pool's

Of a kernel whose memory is not read there are the pool, and the cgroups and mounts that it answers with.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from hugeresv.answer import Answer, CgroupUsage
from hugeresv.calls.names import Names
from hugeresv.ledger.census import Census
from hugeresv.ledger.promise import FilePromise, MappingPromise, MinimumPromise, Promise
from hugeresv.model.hstate import HState
from hugeresv.model.hugetlb_cgroup import CgroupCounters
from hugeresv.model.inode import Inode
from hugeresv.model.machine import Machine
from hugeresv.model.resv_map import ResvMap
from hugeresv.model.vma import Vma
from hugeresv.play.insight import Insight
from hugeresv.scenario.scn_words import write_name
from hugeresv.units import format_bytes

Thing = tuple[str, ...]
"""Its kind, and what it is called."""

Moment = dict[Thing, Any]

Name = tuple[str, str]
"""A process and a mapping."""

Edges = list[int]
"""Ranges as from, to, from, to, …"""


def seen_from_outside(answer: Answer) -> Moment:
    """What an answer says."""
    moment: Moment = {("pool",): [*answer.counters, None]}
    nodes = {"": answer.nodes or ()}
    for size, pool in (answer.pools or {}).items():
        moment["other pool", format_bytes(size << 10)] = [*pool.counters, None]
        nodes[format_bytes(size << 10)] = pool.nodes or ()
    moment.update(
        (("node", size, str(number)), list(node)) for size in nodes for number, node in enumerate(nodes[size])
    )
    for page_size, cgroups in _cgroups_by_size(answer):
        for name, usage in cgroups.items():
            moment["cgroup", name, page_size] = {"usage": usage.usage, "rsvd": usage.rsvd}
    for name, statfs in (answer.statfs or {}).items():
        moment["mount", name] = statfs._asdict()
    return moment


def seen_inside(answer: Answer, insight: Insight, names: Names) -> Moment:
    """What an answer says, and the machine behind it."""
    machine = insight.machine()
    moment = numbers(answer, machine)
    moment |= processes(machine)
    census = Census(machine, insight.name)
    maps = NamedMappings(machine, names, _file_labels(machine))
    moment.update(maps.all())
    moment.update(files(machine, census.files, maps))
    for promise in census.promises:
        if not isinstance(promise, MinimumPromise):
            thing = "promise", _holder(promise, maps.labels), _size(machine, promise.hstate)
            moment[thing] = moment.get(thing, 0) + promise.pages
    return moment


def _size(machine: Machine, hstate: HState) -> str:
    """The page size of a pool; empty for the first."""
    return "" if hstate is machine.hstate else format_bytes(hstate.page_bytes)


def processes(machine: Machine) -> Moment:
    """The processes."""
    cgroups = {id(cgroup): str(key) for key, cgroup in machine.cgroups.items()}
    return {
        ("process", str(key)): {"cgroup": cgroups.get(id(process.cgroup))} for key, process in machine.processes.items()
    }


def numbers(answer: Answer, machine: Machine) -> Moment:
    """What is counted: pools, nodes, cgroups and mounts, with their limits, and what is left of minimums."""
    moment = seen_from_outside(answer)
    moment[("pool",)][-1] = machine.hstate.nr_overcommit_huge_pages
    for hstate in machine.hstates[1:]:
        moment["other pool", format_bytes(hstate.page_bytes)][-1] = hstate.nr_overcommit_huge_pages
    cgroups = {id(cgroup): str(key) for key, cgroup in machine.cgroups.items()}
    for hstate in machine.hstates:
        for key, cgroup in machine.cgroups.items():
            thing = "cgroup", str(key), _size(machine, hstate)
            moment[thing] = _limits(cgroup.of(hstate), moment.get(thing, {}), cgroups.get(id(cgroup.parent)))
    for key, mount in machine.mounts.items():
        pool = mount.subpool
        limits = {} if pool is None else {"max": pool.max_hpages, "min": pool.min_hpages, "reserve": pool.rsv_hpages}
        moment["mount", str(key)] = {**moment.get(("mount", str(key)), {}), **limits}
        if pool is not None and pool.rsv_hpages:
            holder = f"minimum of mount {write_name(str(key))}"
            moment["promise", holder, _size(machine, mount.hstate)] = pool.rsv_hpages
    return moment


class Scale(NamedTuple):
    """Where a mapping starts, and the size of its pages: those of its first VMA of huge pages, as `view` has them."""

    start: int
    page_bytes: int

    def page(self, address: int) -> float:
        """Where an address is, in pages, exact."""
        pages = (address - self.start) / self.page_bytes
        return int(pages) if pages.is_integer() else pages

    def placed(self, vma: Vma, edges: Sequence[int]) -> Sequence[float]:
        """Indices of a file as pages of the mapping."""
        moved, rest = divmod(vma.address_of(0) - self.start, self.page_bytes)
        if rest or 1 << vma.page_shift != self.page_bytes:
            return [self.page(vma.address_of(index)) for index in edges]
        return [index + moved for index in edges] if moved else edges


class NamedMappings:
    """Mappings of a machine by the names of a scenario.

    `labels` has what files are called, also memory that has no other name; `users` has which mappings map each,
    `shared` those that one of them shares.
    """

    def __init__(self, machine: Machine, names: Names, labels: dict[Inode, str]) -> None:
        """`labels`: what files and segments are called."""
        self._machine = machine
        self._names = names
        self.users: dict[Inode, list[str]] = {}
        self.shared = set[Inode]()
        self.labels = labels

    def all(self) -> Iterator[tuple[Thing, Any]]:
        """What there is to say of all of them."""
        for proc, mappings in self._names.processes.items():
            yield from self.these((proc, name) for name in mappings)

    def these(self, names: Iterable[Name]) -> Iterator[tuple[Thing, Any]]:
        """What there is to say of some; of those that share a file the first is the first that is named."""
        for name in names:
            start, vmas = self.vmas(name)
            yield from self._mapping(name, start, vmas) if vmas is not None else ()

    def vmas(self, name: Name, first: int = 0, end: int | None = None) -> tuple[int, list[Vma] | None]:
        """Where a mapping starts, and the VMAs of its pages [first, end); None: there is no such process or mapping."""
        process = self._machine.processes.get(name[0])
        binding = self._names.processes.get(name[0], {}).get(name[1])
        if process is None or binding is None:
            return 0, None
        extent = binding.extent_bytes if end is None else min(end * binding.page_bytes, binding.extent_bytes)
        start = binding.start
        return start, process.mm.overlapping(start + first * binding.page_bytes, start + extent)

    def scale(self, start: int, vmas: list[Vma]) -> Scale:
        """How pages of a mapping are counted."""
        sizes = (1 << vma.page_shift for vma in vmas if vma.inode is not None)
        return Scale(start, next(sizes, self._machine.hstate.page_bytes))

    def _mapping(self, name: Name, start: int, vmas: list[Vma]) -> Iterator[tuple[Thing, Any]]:
        label = label_of(name)
        for vma in vmas:
            if vma.inode is not None:
                self.labels.setdefault(vma.inode, f"memory of {label}")
                if vma.shared:
                    self.shared.add(vma.inode)
                users = self.users.setdefault(vma.inode, [])
                if label not in users:
                    users.append(label)
        scale = self.scale(start, vmas)
        yield ("mapping", *name), [self.vma(vma, scale) for vma in vmas]
        for kind, edges_of in (("regions", _regions), ("several", _several)):
            yield (kind, *name), _joined(edge for vma in vmas for edge in scale.placed(vma, edges_of(vma)))

    def ranges(
        self, start: int, vmas: Iterable[Vma], first: int, end: int
    ) -> Iterator[tuple[str, list[tuple[int, int]]]]:
        """Of pages [first, end) of a mapping the regions and the several, where all its pages are of one size."""
        regions, several = [], []
        for vma in vmas:
            moved = (vma.address_of(0) - start) >> vma.page_shift
            f, t = max(first - moved, vma.first_index), min(end - moved, vma.end_index)
            found = _map_of(vma)
            for left, right, inside in found.regions.runs(f, t) if found is not None else ():
                if inside:
                    regions.append((left + moved, right + moved))
            several += [(index + moved, index + moved + 1) for index in _several_in(vma, f, t)]
        yield "regions", regions
        yield "several", several

    def vma(self, vma: Vma, scale: Scale) -> dict[str, Any]:
        """Its place in pages of the mapping, and everything that it carries."""
        said: dict[str, Any] = {"from": scale.page(vma.vm_start), "to": scale.page(vma.vm_end)}
        said |= {"shared": vma.shared, "prot": vma.prot, "flags": list(_flags(vma))}
        if vma.inode is not None:
            said |= {"file": self.labels[vma.inode], "index": vma.vm_pgoff}
        if vma.resv_map is not None:
            said["refs"] = vma.resv_map.refs
        if vma.resv_count:
            said["count"] = vma.resv_count
        return said


def label_of(name: Name) -> str:
    """A mapping as scenarios write it."""
    return ".".join(map(write_name, name))


def _flags(vma: Vma) -> Iterator[str]:
    """What is unusual about it, in the kernel's words."""
    if vma.inode is None:
        yield "ordinary pages"
    for flag, name in (
        (vma.owner, "owner"),
        (vma.unmapped, "unmapped"),
        (vma.noreserve, "noreserve"),
        (vma.locked, "locked"),
        (vma.dontfork, "dontfork"),
        (not vma.may_write, "read-only"),
    ):
        if flag:
            yield name


def _map_of(vma: Vma) -> ResvMap | None:
    """The reservation map that decides: the file's for a shared mapping, its own for a private one."""
    return vma.inode.resv_map if vma.shared and vma.inode is not None else vma.resv_map


def _regions(vma: Vma) -> Edges:
    """What the map that decides has of the VMA, in indices of its file."""
    found = _map_of(vma)
    if found is None:
        return []
    boundaries = found.regions.key()
    left, right = bisect_right(boundaries, vma.first_index), bisect_left(boundaries, vma.end_index)
    first = [vma.first_index] if left % 2 else []
    return [*first, *boundaries[left:right], *([vma.end_index] if right % 2 else [])]


def _several(vma: Vma) -> Edges:
    """The private pages that another page table has, too, in indices of the file."""
    return _edges(_several_in(vma, vma.first_index, vma.end_index))


def _several_in(vma: Vma, first: int, end: int) -> Iterable[int]:
    if vma.shared or vma.inode is None or vma.inode.vmas == 1:
        return ()
    return (index for index, folio in vma.present(first, end) if folio.anon and folio.mapcount > 1)


def _edges(indices: Iterable[int]) -> Edges:
    """Ascending indices as ranges."""
    edges: Edges = []
    for index in indices:
        if edges and edges[-1] == index:
            edges[-1] = index + 1
        else:
            edges += (index, index + 1)
    return edges


def _joined(edges: Iterable[float]) -> list[float]:
    """Ranges in order, those that meet as one."""
    found: list[float] = []
    for edge in edges:
        if len(found) % 2 == 0 and found and found[-1] == edge:
            found.pop()
        else:
            found.append(edge)
    return found


def named_inodes(machine: Machine, family: tuple[str, str] | int) -> dict[Inode, str]:
    """What a family of mappings is of, if that has a name, and what it is called."""
    kind, name = family if isinstance(family, tuple) else ("", "")
    inode = machine.files.get(name) if kind == "file" else machine.segments.get(name) if kind == "segment" else None
    if inode is None or not inode.in_use:
        return {}
    return {inode: f"{kind} {write_name(name)}"}


def _file_labels(machine: Machine) -> dict[Inode, str]:
    """What files and segments are called."""
    labels = {inode: f"file {write_name(str(key))}" for key, inode in machine.files.items()}
    labels.update((inode, f"segment {write_name(str(key))}") for key, inode in machine.segments.items())
    return labels


def files(machine: Machine, inodes: Iterable[Inode], mappings: NamedMappings) -> Iterator[tuple[Thing, Any]]:
    """Every file of these that has a name, and memory that is shared or that more than one mapping has."""
    labels = mappings.labels
    on = {inode: str(key) for key, mount in machine.mounts.items() for inode in mount.inodes}
    for inode in inodes:
        maps = mappings.users.get(inode, [])
        label = labels.get(inode)
        if label is not None and (inode.handles or len(maps) > 1 or inode in mappings.shared):
            yield ("file", label), described_file(inode, on.get(inode), maps)
            yield ("cached", label), _edges(sorted(inode.page_cache))
            yield ("reserved", label), list(inode.resv_map.regions.key())


def described_file(inode: Inode, mount: str | None, users: list[str]) -> dict[str, Any]:
    """A file without its pages."""
    return {"size": inode.i_size, "mount": mount, "open": inode.handles, "users": users}


def _cgroups_by_size(answer: Answer) -> Iterator[tuple[str, Mapping[str, CgroupUsage]]]:
    """What cgroups have of each pool; the first one's page size is not told."""
    yield "", answer.cgroups or {}
    for size, pool in (answer.pools or {}).items():
        yield format_bytes(size << 10), pool.cgroups or {}


def _limits(counters: CgroupCounters, usage: dict[str, int], parent: str | None) -> dict[str, Any]:
    return {
        "usage": usage.get("usage", counters.usage),
        "rsvd": usage.get("rsvd", counters.rsvd),
        "max": counters.max_pages,
        "rsvd_max": counters.rsvd_max_pages,
        "parent": parent,
    }


def _holder(promise: Promise, labels: dict[Inode, str]) -> str:
    match promise:
        case MappingPromise(process, vmas, naming):
            named = naming(process, vmas[0].vm_start)
            return named[0] if named else f"a mapping of {write_name(str(process))}"
        case FilePromise(name, inode):
            return labels.get(inode, name)
    raise AssertionError(promise)
