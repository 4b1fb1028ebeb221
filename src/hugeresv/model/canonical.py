"""What later operations can tell of a machine, as a hashable value: `Machine.key`.

Keys of processes, files, segments, mounts and cgroups, and addresses, are the caller's and belong to it. Everything
that has no such name is told by where it is met first on a walk in the order of those keys and addresses. Left out is
what no operation can tell any more, or what follows from the rest:

- segments that are gone, and counts of references
- a removed cgroup, which is as good as the nearest one above it that still exists
- of a file without a name, what is not mapped (`canonical_file`)
- which map the pieces of a private mapping share: each offset is covered by one piece
- NORESERVE, once the mapping is made, where no rule asks for it
- the order of a file's mappings, where no truncation can meet it
- which page tables there are, but where a long mapping may be moved
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, TypeVar

from hugeresv.model.address_space import PMD_TABLE_SHIFT, PUD_TABLE_SHIFT
from hugeresv.model.behaviour import ZapRestore
from hugeresv.model.canonical_file import KnownFile, PageKey, known_files

if TYPE_CHECKING:
    from hugeresv.model.address_space import AddressSpace
    from hugeresv.model.behaviour import Behaviour
    from hugeresv.model.folio import Folio
    from hugeresv.model.hstate import HState
    from hugeresv.model.hugetlb_cgroup import CgroupCounters, HugetlbCgroup
    from hugeresv.model.inode import Inode
    from hugeresv.model.machine import Key, Machine
    from hugeresv.model.mount import HugetlbfsMount
    from hugeresv.model.process import Process
    from hugeresv.model.vma import Vma

T = TypeVar("T")

_totals = attrgetter(
    "page_shift", "nr_huge_pages", "free_huge_pages", "resv_huge_pages", "surplus_huge_pages",
    "nr_overcommit_huge_pages", "demote_shift",
)  # fmt: skip
_of_node = attrgetter("nr_huge_pages", "free_huge_pages", "surplus_huge_pages")
_LONG_BYTES = 3 << 30
"""A mapping no longer than that ends in no table that is 4 GiB behind its start."""
_ROOT = -1
"""Number of the root cgroup."""


def machine_key(machine: Machine) -> Hashable:
    """Equal for two machines that no later operation can tell apart, whatever path led there."""
    return _Walk(machine).key()


def asks_noreserve(rules: Behaviour) -> bool:
    """Whether a rule asks a fault for NORESERVE."""
    return rules.shared_always_consumes or rules.noreserve_never_consumes or rules.noreserve_takes_promised


class _Walk:
    """One walk over a machine, and the numbers that it gives to what has no name."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._cgroups = {cgroup: number for number, (_, cgroup) in enumerate(_sorted(machine.cgroups))}
        self._segments = [(key, inode) for key, inode in _sorted(machine.segments) if inode.in_use]
        self._places: dict[Vma, tuple[int, int]] = {}
        self._folios: dict[Folio, int] = {}
        self._numbers: dict[KnownFile, int] = {}
        self._file_of: dict[Vma, KnownFile] = {}
        self._files_of: dict[Inode, list[KnownFile]] = {}
        self._walk_files()

    def _walk_files(self) -> None:
        """Number the files: those that are mapped by their first VMA, then those that only have a name."""
        users: dict[Inode, list[Vma]] = defaultdict(list)
        for number, (_, process) in enumerate(_sorted(self._machine.processes)):
            for vma in process.mm.vmas:
                self._places[vma] = number, vma.vm_start
                if vma.inode is not None:
                    users[vma.inode].append(vma)
        named = dict.fromkeys(inode for _, inode in (*_sorted(self._machine.files), *self._segments))
        by_address = self._machine.behaviour.steal_at_owner_address
        for inode in dict.fromkeys((*users, *named)):
            self._files_of[inode] = known_files(
                inode, users[inode], named=inode in named, steal_at_owner_address=by_address
            )
        for files in self._files_of.values():
            self._file_of.update((vma, file) for file in files for vma in file.vmas)
        mapped = (self._file_of[vma] for vma in self._places if vma.inode is not None)
        unmapped = (file for inode in named for file in self._files_of[inode])
        self._numbers = {file: number for number, file in enumerate(dict.fromkeys((*mapped, *unmapped)))}

    def key(self) -> Hashable:
        machine = self._machine
        return (
            machine.behaviour,
            tuple(_hstate_key(hstate) for hstate in machine.hstates),
            tuple((key, *self._cgroup_key(cgroup)) for key, cgroup in _sorted(machine.cgroups)),
            tuple((key, *self._process_key(process)) for key, process in _sorted(machine.processes)),
            tuple((file.key(self._page, self._cgroup), tuple(self._order(file))) for file in self._numbers),
            tuple((key, *self._of_inode(inode)) for key, inode in _sorted(machine.files)),
            tuple((key, inode.handles > 0, *self._of_inode(inode)) for key, inode in self._segments),
            tuple((key, *self._mount_key(mount)) for key, mount in _sorted(machine.mounts)),
        )

    def _of_inode(self, inode: Inode) -> list[int]:
        """The numbers of the files that an inode is taken for."""
        return sorted(self._numbers[file] for file in self._files_of[inode])

    def _cgroup_key(self, cgroup: HugetlbCgroup) -> tuple[Hashable, ...]:
        counters = tuple(
            (each.usage, each.rsvd, each.max_pages, each.rsvd_max_pages, _by_node(each))
            for each in cgroup.counters.values()
        )
        return self._cgroup(cgroup.parent), counters, cgroup.mems, cgroup.subtree_control

    def _cgroup(self, cgroup: HugetlbCgroup | None) -> int:
        """The number of a cgroup, or of the nearest above it that was not removed: where its charges count."""
        while cgroup is not None:
            if cgroup in self._cgroups:
                return self._cgroups[cgroup]
            cgroup = cgroup.parent
        return _ROOT

    def _mount_key(self, mount: HugetlbfsMount) -> tuple[Hashable, ...]:
        s = mount.subpool
        limits = None if s is None else (s.max_hpages, s.min_hpages, s.used_hpages, s.rsv_hpages)
        return (
            mount.hstate.page_shift,
            limits,
            tuple(sorted(n for inode in mount.inodes if inode.in_use for n in self._of_inode(inode))),
        )

    def _process_key(self, process: Process) -> tuple[Hashable, ...]:
        may = process.gid, process.capable, process.memlock_bytes
        where = process.node, process.policy
        vmas = tuple(self._vma_key(vma) for vma in process.mm.vmas)
        return self._cgroup(process.cgroup), may, where, tuple(self._tables(process.mm)), vmas

    def _tables(self, mm: AddressSpace) -> Iterator[tuple[int, ...]]:
        """Page tables whose absence a move can tell: it goes over 4 GiB then (`mremap`)."""
        if self._machine.behaviour.mremap_length_is_int:
            if any(hstate.page_shift == PMD_TABLE_SHIFT for hstate in self._machine.hstates):
                yield tuple(sorted(mm.upper_tables[PUD_TABLE_SHIFT]))
            ends = {(vma.vm_end - 1) >> PMD_TABLE_SHIFT for vma in mm.vmas if vma.vm_end - vma.vm_start > _LONG_BYTES}
            yield tuple(sorted(ends & mm.upper_tables[PMD_TABLE_SHIFT]))

    def _vma_key(self, vma: Vma) -> tuple[Hashable, ...]:
        if vma.inode is None:
            return vma.vm_start, vma.vm_end, vma.prot, vma.dontfork, vma.locked
        file = self._file_of[vma]
        mapped = self._numbers[file], vma.vm_pgoff - file.base
        common = (
            vma.vm_start,
            vma.vm_end,
            vma.prot,
            vma.dontfork,
            vma.policy,
            mapped,
            vma.noreserve and asks_noreserve(self._machine.behaviour),
        )
        if vma.shared:
            return *common, vma.may_write, tuple(self._present(vma))
        private_data = vma.owner, vma.unmapped, vma.resv_count, self._is_copied(vma), tuple(self._consumed(vma))
        paid_by = _ROOT if vma.resv_map is None else self._cgroup(vma.resv_map.cgroup)
        return *common, private_data, paid_by, tuple(self._present(vma))

    def _is_copied(self, vma: Vma) -> bool:
        """Whether a child will map all that a private VMA maps. Only a page that is to move tells it."""
        return vma.anon_vma and len(self._machine.nodes) > 1 and not self._machine.behaviour.fork_copies_cached

    def _consumed(self, vma: Vma) -> Iterator[tuple[int, int]]:
        """What of a VMA has consumed its reservation, in pages from its start."""
        if vma.resv_map is not None:
            for first, end, consumed in vma.resv_map.regions.runs(vma.first_index, vma.end_index):
                if consumed:
                    yield first - vma.first_index, end - vma.first_index

    def _present(self, vma: Vma) -> Iterator[Hashable]:
        """What a private VMA maps, in pages from its start. A page that several map is told by its number."""
        for index, folio in vma.present():
            if folio.anon:
                sharing = self._folios.setdefault(folio, len(self._folios)) if folio.mapcount > 1 else None
                yield index - vma.first_index, sharing, folio.restore_reserve, self._page(folio)
            else:
                yield index - vma.first_index

    def _page(self, folio: Folio) -> PageKey:
        return self._cgroup(folio.cgroup), self._cgroup(folio.cgroup_rsvd), folio.nid, folio.migratable

    def _order(self, file: KnownFile) -> Iterator[Hashable]:
        """The order in which mappings that begin at the same index lose their pages, as far as it matters.

        It matters whether an owner's turn comes before or after that of others: only an owner's page becomes a promise
        again, and whether it does depends on surplus pages and on who else still maps it.
        """
        if not file.can_be_truncated():
            return
        vmas = [vma for vma in file.inode.i_mmap if self._file_of[vma] is file and not vma.shared]
        if self._machine.behaviour.punch_unmaps_too_much:
            yield from (self._places[vma] for vma in vmas)
            return
        if self._machine.behaviour.zap_restore is ZapRestore.NEVER:
            return
        for _, group in groupby(vmas, key=attrgetter("vm_pgoff")):
            here = list(group)
            if len(here) > 1 and any(vma.owner for vma in here):
                for owner, run in groupby(here, key=attrgetter("owner")):
                    places = [self._places[vma] for vma in run]
                    yield tuple(places if owner else sorted(places))


def _by_node(counters: CgroupCounters) -> tuple[tuple[int, int], ...]:
    """The pages in use on each node that counts any."""
    return tuple(sorted((nid, pages) for nid, pages in counters.by_node.items() if pages))


def _hstate_key(hstate: HState) -> Hashable:
    """The counters of a pool; those of its nodes where they do not follow from these."""
    if len(hstate.nodes) == 1:
        return _totals(hstate)
    cursors = hstate.to_alloc.next_nid, hstate.to_free.next_nid
    return _totals(hstate), cursors, tuple((nid, *_of_node(node)) for nid, node in hstate.nodes.items())


def _sorted(table: dict[Key, T]) -> list[tuple[Key, T]]:
    return sorted(table.items(), key=itemgetter(0))
