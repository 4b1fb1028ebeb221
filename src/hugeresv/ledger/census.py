"""A census of a machine: every promise and every page in use, each counted once.

It goes by what holds a thing (a VMA, a page table, a page cache), never by a counter: counters are what it is held
against.
"""

from collections.abc import Iterator

from hugeresv.ledger.promise import FilePromise, MappingPromise, MinimumPromise, Naming, Promise, nameless
from hugeresv.model.folio import Folio
from hugeresv.model.inode import Inode
from hugeresv.model.machine import Key, Machine
from hugeresv.model.resv_map import ResvMap
from hugeresv.model.vma import Vma


class Census:
    """What is there in a machine. It shows one moment: no longer valid when the machine has changed.

    files       every file in use, and what to call it
    map_users   the VMAs that point to each private reservation map
    folios      every page in use
    promises    every promise that is not empty; `promised` is their sum in pages
    """

    def __init__(self, machine: Machine, naming: Naming = nameless) -> None:
        """Takes time in proportion to what is mapped, cached and present."""
        self.machine = machine
        self._naming = naming
        self.files: dict[Inode, str] = {}
        self.map_users: dict[ResvMap, list[Vma]] = {}
        self.folios: set[Folio] = set()
        self._mappings: list[MappingPromise] = []
        for key, inode in machine.files.items():
            self.files[inode] = f"file {key!r}"
        for key, inode in machine.segments.items():
            if inode.in_use:
                self.files[inode] = f"segment {key!r}"
        for key, process in machine.processes.items():
            for vma in process.mm.vmas:
                self._count_vma(key, vma)
            for page_table in process.mm.page_tables.values():
                for table in page_table.tables.values():
                    self.folios.update(table.values())
        for inode in self.files:
            self.folios.update(inode.page_cache.values())
        self.promises = [promise for promise in self._promises() if promise.pages]
        self.promised = sum(promise.pages for promise in self.promises)

    def _count_vma(self, process: Key, vma: Vma) -> None:
        if vma.inode is None:
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
        for key, mount in self.machine.mounts.items():
            if mount.subpool is not None:
                yield MinimumPromise(key, mount.subpool)
