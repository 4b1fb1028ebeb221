"""A second machine, equal to the first and independent of it.

What is shared within the machine (a folio by two page tables, a reservation map by the pieces of a mapping) is shared
in the same way within the copy. Everything is copied in a fixed order with a memo, never by following references from
one object to the next, so that the depth does not grow with the number of processes, forks or cgroups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from hugeresv.model.folio import Folio

if TYPE_CHECKING:
    from hugeresv.model.address_space import AddressSpace
    from hugeresv.model.hstate import HState
    from hugeresv.model.hugetlb_cgroup import CgroupCounters, HugetlbCgroup
    from hugeresv.model.inode import Inode
    from hugeresv.model.machine import Machine
    from hugeresv.model.mount import HugetlbfsMount
    from hugeresv.model.page_table import PageTable
    from hugeresv.model.process import Process
    from hugeresv.model.resv_map import ResvMap
    from hugeresv.model.subpool import Subpool
    from hugeresv.model.vma import Vma

T = TypeVar("T")
U = TypeVar("U", "CgroupCounters", "Subpool")


def copy_machine(machine: Machine) -> Machine:
    """A machine of its own in the same state; takes time in proportion to what is mapped, cached and present."""
    copies = _Copies()
    new = _same_fields(machine)
    new.nearest = dict(machine.nearest)
    new.hstates = [copies.hstate(hstate) for hstate in machine.hstates]
    new.cgroups = {key: copies.cgroup(cgroup) for key, cgroup in machine.cgroups.items()}
    new.mounts = {key: copies.mount(mount) for key, mount in machine.mounts.items()}
    new.files = {key: copies.inode(inode) for key, inode in machine.files.items()}
    new.segments = {key: copies.inode(inode) for key, inode in machine.segments.items()}
    new.processes = {key: copies.process(process) for key, process in machine.processes.items()}
    copies.link_i_mmap()
    return new


class _Copies:
    """What was copied so far, by its original; what exists once in the machine is made once."""

    def __init__(self) -> None:
        self._hstates: dict[HState, HState] = {}
        self._folios: dict[Folio, Folio] = {}
        self._subpools: dict[Subpool, Subpool] = {}
        self._inodes: dict[Inode, Inode] = {}
        self._maps: dict[ResvMap, ResvMap] = {}
        self._vmas: dict[Vma, Vma] = {}
        self._cgroups: dict[HugetlbCgroup | None, Any] = {None: None}

    def hstate(self, hstate: HState) -> HState:
        """A pool, with its share of each node."""
        new = self._hstates[hstate] = _same_fields(hstate)
        new.nodes = {nid: _same_fields(node) for nid, node in hstate.nodes.items()}
        new.to_alloc, new.to_free = _same_fields(hstate.to_alloc), _same_fields(hstate.to_free)
        return new

    def cgroup(self, cgroup: HugetlbCgroup | None) -> Any:
        """A cgroup with all above it, also one that was removed and still is charged; None is the root."""
        lineage = []
        above = cgroup
        while above is not None and above not in self._cgroups:
            lineage.append(above)
            above = above.parent
        for original in reversed(lineage):
            new = self._cgroups[original] = _same_fields(original)
            new.counters = {shift: _unwatched(counters) for shift, counters in original.counters.items()}
            for counters in new.counters.values():
                counters.by_node = dict(counters.by_node)
            new.parent = self._cgroups[original.parent]
        return self._cgroups[cgroup]

    def mount(self, mount: HugetlbfsMount) -> HugetlbfsMount:
        new = _same_fields(mount)
        new.hstate = self._hstates[mount.hstate]
        new.subpool = self._subpool(mount.subpool)
        new.inodes = [self.inode(inode) for inode in mount.inodes if inode.in_use]
        return new

    def inode(self, inode: Inode) -> Inode:
        """A file with its pages and its reservations; who maps it is filled in at the end."""
        new = self._inodes.get(inode)
        if new is None:
            new = self._inodes[inode] = _same_fields(inode)
            new.hstate = self._hstates[inode.hstate]
            new.subpool = self._subpool(inode.subpool)
            new.resv_map = self._resv_map(inode.resv_map)
            new.page_cache = {index: self._folio(folio) for index, folio in inode.page_cache.items()}
        return new

    def process(self, process: Process) -> Process:
        new = _same_fields(process)
        new.cgroup = self.cgroup(process.cgroup)
        new.mm = self._address_space(process.mm)
        return new

    def link_i_mmap(self) -> None:
        """The private VMAs of every file, in their order."""
        for inode, new in self._inodes.items():
            new.i_mmap = inode.i_mmap.copy(self._vmas)

    def _address_space(self, mm: AddressSpace) -> AddressSpace:
        new = _same_fields(mm)
        new.starts = mm.starts[:]
        new.page_tables = {shift: self._page_table(table) for shift, table in mm.page_tables.items()}
        new.upper_tables = {shift: set(tables) for shift, tables in mm.upper_tables.items()}
        new.vmas = [self._vma(vma, new) for vma in mm.vmas]
        return new

    def _vma(self, vma: Vma, mm: AddressSpace) -> Vma:
        new = self._vmas[vma] = vma.copy(mm)
        new.inode = None if vma.inode is None else self.inode(vma.inode)
        new.resv_map = None if vma.resv_map is None else self._resv_map(vma.resv_map)
        return new

    def _page_table(self, page_table: PageTable) -> PageTable:
        new = _same_fields(page_table)
        new.tables = {
            number: {slot: self._folio(folio) for slot, folio in table.items()}
            for number, table in page_table.tables.items()
        }
        return new

    def _folio(self, folio: Folio) -> Folio:
        new = self._folios.get(folio)
        if new is None:
            paid_by = self.cgroup(folio.cgroup), self.cgroup(folio.cgroup_rsvd)
            new = self._folios[folio] = Folio(
                self._hstates[folio.hstate], folio.nid, self._subpool(folio.subpool), *paid_by
            )
            new.anon, new.mapcount, new.restore_reserve = folio.anon, folio.mapcount, folio.restore_reserve
            new.migratable = folio.migratable
        return new

    def _resv_map(self, resv_map: ResvMap) -> ResvMap:
        new = self._maps.get(resv_map)
        if new is None:
            new = self._maps[resv_map] = _same_fields(resv_map)
            new.regions = resv_map.regions.copy()
            new.cgroup = self.cgroup(resv_map.cgroup)
            new.charged = {self.cgroup(cgroup): paid.copy() for cgroup, paid in resv_map.charged.items()}
        return new

    def _subpool(self, subpool: Subpool | None) -> Subpool | None:
        if subpool is None:
            return None
        new = self._subpools.get(subpool)
        if new is None:
            new = self._subpools[subpool] = _unwatched(subpool)
        return new


def _unwatched(counting: U) -> U:
    """The same; no set takes note of what changes."""
    new = _same_fields(counting)
    new.changed = None
    return new


def _same_fields(thing: T) -> T:
    """Another object of the same class with the same fields."""
    new = object.__new__(type(thing))
    for name in type(thing).__slots__:  # type: ignore[attr-defined]
        setattr(new, name, getattr(thing, name))
    return new
