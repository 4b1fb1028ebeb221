"""A machine in parts: what each process has page by page, which pages two of them share, the files, and the counters.

Parts are hashable values, and machines with equal parts are equal (`Machine.key`) as far as the operations of a bound
can tell. A step that is known for some parts is known for all machines that have them, whatever the other parts are.
Mappings are where `PLACES` puts them; only machines of a pool of one size on one node, whose files have names or are
anonymous memory, can be cut.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from hugeresv.errors import UnsupportedError
from hugeresv.model.canonical import asks_noreserve
from hugeresv.model.folio import Folio
from hugeresv.model.hugetlb_cgroup import HugetlbCgroup
from hugeresv.model.inode import Inode
from hugeresv.model.machine import Machine
from hugeresv.model.vma import Vma
from hugeresv.search.explore.bound import Bound
from hugeresv.search.explore.places import PLACES

Cell = Hashable
"""One page of a process's place: None where nothing is mapped."""

View = tuple[Cell, ...]
"""A process: its cgroup, then its cells."""

Links = tuple[tuple[int, int], ...]
"""Pages that both processes have: the position in the first one's view, then in the second one's."""

_ELSEWHERE = {"inode", "mm", "noreserve", "page_shift", "page_table", "resv_map", "vm_end", "vm_pgoff", "vm_start"}
_UNTOLD = {"anon_vma"}
"""Of memory on one node no step tells it: anonymous memory that maps a page has it."""
_flags = attrgetter(*(name for name in Vma.__slots__ if name not in _ELSEWHERE | _UNTOLD))
OF_FILE = frozenset({"cache_end", "i_size", "page_cache", "resv_map", "shm_locked"})
"""What of an inode is in the file's part."""


class Parts(NamedTuple):
    """A whole machine."""

    views: tuple[View, ...]
    links: Links
    files: Hashable
    counters: tuple[int, ...]


def turned(parts: Parts) -> Parts:
    """As the second process sees it."""
    return parts._replace(views=parts.views[::-1], links=tuple(sorted((b, a) for a, b in parts.links)))


class Cutter:
    """Cuts the machines of one bound."""

    def __init__(self, bound: Bound, machine: Machine) -> None:
        """`machine` is the one at the start; what is never in a part must be for ever as it is there."""
        self._names = bound.names
        self._asks_noreserve = asks_noreserve(machine.behaviour)
        self._shift = machine.hstate.page_shift
        self._position: dict[int, tuple[int, int]] = {}
        for mapping, pages in bound.mappings.items():
            first = (PLACES[mapping]) >> self._shift
            for page in range(pages):
                self._position[first + page] = 1 + len(self._position), page
        self.spans = self._spans(bound)
        self._size = 1 + len(self._position)
        self._cgroups: dict[HugetlbCgroup | None, str | None] = {None: None}
        self._constants = constants(machine)

    def position(self, mapping: str, page: int) -> int:
        """Where a page of a mapping is in a view."""
        return self.spans[mapping].start + page

    def cut(self, machine: Machine) -> Parts:
        """The parts. UnsupportedError for a machine that parts cannot tell."""
        if len(machine.hstates) > 1 or machine.segments or constants(machine) != self._constants:
            raise UnsupportedError(
                "an operation of this bound changes something that the table assumes fixed; use --engine plain"
            )
        self._cgroups = {None: None} | {cgroup: name for name, cgroup in machine.cgroups.items()}
        names = {inode: name for name, inode in machine.files.items()}
        holders: dict[Folio, list[tuple[int, int]]] = {}
        views = tuple(self._view(machine, slot, names, holders) for slot in range(len(self._names)))
        links = []
        for folio, places in holders.items():
            if folio.mapcount > 1:
                if [slot for slot, _ in places] != [0, 1]:
                    raise UnsupportedError("a page is mapped twice by one process; use --engine plain")
                links.append((places[0][1], places[1][1]))
        files = tuple(self._file(machine.files[name]) for name in sorted(machine.files))
        return Parts(views, tuple(sorted(links)), files, counted(machine))

    def _view(
        self, machine: Machine, slot: int, names: dict[Inode, Any], holders: dict[Folio, list[tuple[int, int]]]
    ) -> View:
        cells: list[Cell] = [None] * self._size
        process = machine.processes.get(self._names[slot])
        if process is None:
            return tuple(cells)
        cells[0] = self._cgroups[process.cgroup]
        before: Vma | None = None
        for vma in process.mm.vmas:
            position = self._vma(vma, names, cells, slot, holders, after=before)
            before = vma if position else None
        return tuple(cells)

    def _vma(
        self,
        vma: Vma,
        names: dict[Inode, Any],
        cells: list[Cell],
        slot: int,
        holders: dict[Folio, list[tuple[int, int]]],
        *,
        after: Vma | None,
    ) -> bool:
        """Fill in the cells of one VMA; a cut between two that touch is told by the first cell of the second."""
        inode, first = vma.inode, vma.vm_start >> self._shift
        where = self._position.get(first)
        if inode is None or where is None:
            raise UnsupportedError("a mapping is where the table has no place for it; use --engine plain")
        position, page = where
        paid_by = None if vma.resv_map is None else (self._cgroups[vma.resv_map.cgroup],)
        noreserve = vma.noreserve and self._asks_noreserve
        name = names.get(inode)
        shift = None if name is None else vma.first_index - page
        common = name, shift, noreserve, _flags(vma), paid_by
        consumed: set[int] = set()
        if vma.resv_map is not None:
            for start, end, inside in vma.resv_map.regions.runs(vma.first_index, vma.end_index):
                if inside:
                    consumed.update(range(start, end))
        present = dict(vma.present())
        joined = after is not None and after.vm_end == vma.vm_start
        for offset, index in enumerate(range(vma.first_index, vma.end_index)):
            folio = present.get(index)
            told: Hashable = None
            if folio is not None:
                told = self._folio(folio)
                if folio.anon:
                    holders.setdefault(folio, []).append((slot, position + offset))
            cells[position + offset] = common, index in consumed, told, joined and offset == 0
        return True

    def _folio(self, folio: Folio) -> Hashable:
        paid_by = self._cgroups[folio.cgroup], self._cgroups[folio.cgroup_rsvd]
        return folio.anon, folio.restore_reserve, *paid_by

    def _file(self, inode: Inode) -> Hashable:
        """Size, reservations, pages, and who pays."""
        paid = inode.resv_map.charged.items()
        charged = sorted((str(self._cgroups[cgroup]), regions.key()) for cgroup, regions in paid if regions)
        cached = tuple(sorted((index, self._folio(folio)) for index, folio in inode.page_cache.items()))
        return inode.i_size, inode.shm_locked, tuple(inode.resv_map.regions), cached, tuple(charged)

    def _spans(self, bound: Bound) -> dict[str, range]:
        """The positions of every mapping in a view."""
        spans: dict[str, range] = {}
        start = 1
        for mapping, pages in bound.mappings.items():
            spans[mapping] = range(start, start + pages)
            start += pages
        return spans


def counters(machine: Machine) -> Iterator[tuple[Any, str]]:
    """Every number that the ledger counts, as an object and the name of its field."""
    hstate = machine.hstate
    for name in ("nr_huge_pages", "free_huge_pages", "resv_huge_pages", "surplus_huge_pages"):
        yield hstate, name
    for mount in machine.mounts.values():
        if mount.subpool is not None:
            yield mount.subpool, "used_hpages"
            yield mount.subpool, "rsv_hpages"
    for cgroup in machine.cgroups.values():
        counters = cgroup.of(hstate)
        yield counters, "usage"
        yield counters, "rsvd"


def counted(machine: Machine) -> tuple[int, ...]:
    """The counters."""
    return tuple([int(getattr(*each)) for each in counters(machine)])


def count_with(machine: Machine, numbers: Sequence[int]) -> None:
    """Set the counters, in the order of `counters`; those of the one node are the pool's."""
    for (holder, name), number in zip(counters(machine), numbers, strict=True):
        setattr(holder, name, number)
    (node,) = machine.hstate.nodes.values()
    for name in type(node).__slots__:
        setattr(node, name, getattr(machine.hstate, name))


def constants(machine: Machine) -> Hashable:
    """What no part has: limits, and what else an operation may set."""
    hstate = machine.hstate
    mounts = [
        (key, mount.subpool.max_hpages, mount.subpool.min_hpages)
        for key, mount in machine.mounts.items()
        if mount.subpool is not None
    ]
    cgroups = [
        (key, cgroup.of(hstate).max_pages, cgroup.of(hstate).rsvd_max_pages, cgroup.subtree_control)
        for key, cgroup in machine.cgroups.items()
    ]
    return len(hstate.nodes), hstate.nr_overcommit_huge_pages, tuple(mounts), tuple(cgroups), tuple(machine.files)
