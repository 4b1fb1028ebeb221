"""A census of a machine: every promise and every page in use, each counted once.

It goes by what holds a thing (a VMA, a page table, a page cache), never by a counter: counters are what it is held
against.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from hugeresv.ledger.promise import FilePromise, MappingPromise, MinimumPromise, Naming, Promise, nameless
from hugeresv.model.folio import Folio
from hugeresv.model.hstate import HState
from hugeresv.model.inode import Inode
from hugeresv.model.machine import Key, Machine
from hugeresv.model.resv_map import ResvMap
from hugeresv.model.vma import Vma


class PoolCensus:
    """What is there of one pool's pages and promises. `where`: how to begin a message about it."""

    def __init__(self, hstate: HState, census: Census) -> None:
        """The part of a census that is this pool's."""
        several = len(census.hstates) > 1
        self.hstate = hstate
        self.where = f"{hstate.page_bytes >> 10} kB pages: " if several else ""
        self.promises = [promise for promise in census.promises if promise.hstate is hstate]
        self.promised = sum(promise.pages for promise in self.promises)
        self.folios = {folio for folio in census.folios if folio.hstate is hstate} if several else census.folios


class Census:
    """What is there in a machine, or in a part of it. No longer valid when the machine has changed.

    hstates     its pools, and `mounts`: those of their files
    files       every file in use, and what to call it
    map_users   the VMAs that point to each private reservation map
    folios      every page in use
    promises    every promise that is not empty; `promised` is their sum in pages
    pools       the same, and the pages in use, of each pool by itself
    """

    def __init__(self, machine: Machine, naming: Naming = nameless, of: HState | None = None) -> None:
        """Of the whole machine, or of one pool. Takes time in proportion to what is mapped."""
        self.machine = machine
        self.hstates = machine.hstates
        self.mounts = machine.mounts
        if of is not None:
            self.hstates = [of]
            self.mounts = {key: mount for key, mount in machine.mounts.items() if mount.hstate is of}
        self._naming = naming
        self.files: dict[Inode, str] = {}
        self.map_users: dict[ResvMap, list[Vma]] = {}
        self._mappings: list[MappingPromise] = []
        for key, inode in machine.files.items():
            if inode.hstate in self.hstates:
                self.files[inode] = f"file {key!r}"
        for key, inode in machine.segments.items():
            if inode.in_use and inode.hstate in self.hstates:
                self.files[inode] = f"segment {key!r}"
        for key, process in machine.processes.items():
            for vma in process.mm.vmas:
                self._count_vma(key, vma)
        self.promises = [promise for promise in self._promises() if promise.pages]
        self.promised = sum(promise.pages for promise in self.promises)

    @cached_property
    def folios(self) -> set[Folio]:
        """Every page in use; takes time in proportion to them, and most questions do not ask."""
        shifts = {hstate.page_shift for hstate in self.hstates}
        found: set[Folio] = set()
        for process in self.machine.processes.values():
            for page_shift, page_table in process.mm.page_tables.items():
                if page_shift in shifts:
                    found.update(*(table.values() for table in page_table.tables.values()))
        for inode in self.files:
            found.update(inode.page_cache.values())
        return found

    @cached_property
    def pools(self) -> list[PoolCensus]:
        """Of each pool what it has promised, and which of its pages are in use."""
        return [PoolCensus(hstate, self) for hstate in self.hstates]

    def _count_vma(self, process: Key, vma: Vma) -> None:
        if vma.inode is None or vma.inode.hstate not in self.hstates:
            return
        if vma.inode not in self.files:
            self.files[vma.inode] = f"unnamed file mapped by process {process!r} at {vma.vm_start:#x}"
        pieces: list[Vma] = []
        if vma.resv_map is not None:
            pieces = self.map_users.setdefault(vma.resv_map, pieces)
        pieces.append(vma)
        if vma.owner and len(pieces) == 1:
            self._mappings.append(MappingPromise(process, pieces, self._naming))

    def _promises(self) -> Iterator[Promise]:
        yield from self._mappings
        for inode, name in self.files.items():
            if inode.resv_map.regions:
                yield FilePromise(name, inode)
        for key, mount in self.mounts.items():
            if mount.subpool is not None:
                yield MinimumPromise(key, mount.subpool, mount.hstate)


def mapping_promises(vmas: Iterable[tuple[Key, Vma]]) -> list[MappingPromise]:
    """The promises to some private mappings, each with the process it is in; all VMAs of a map must be among them."""
    users: dict[ResvMap, list[Vma]] = {}
    found = []
    for process, vma in vmas:
        pieces: list[Vma] = [] if vma.resv_map is None else users.setdefault(vma.resv_map, [])
        pieces.append(vma)
        if vma.owner and len(pieces) == 1:
            found.append(MappingPromise(process, pieces))
    return found
