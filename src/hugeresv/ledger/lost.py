"""Private mappings that have lost their reservation map, and with it promises that resv_huge_pages still counts.

mremap(2) of a part of a private mapping takes the map along: clear_vma_resv_huge_pages drops it, and who owns it, from
what stays behind too (mm/hugetlb.c, 5.16 and later). What the rest had not consumed is counted for good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hugeresv.ledger.promise import ranges_text
from hugeresv.model.address_space import AddressSpace
from hugeresv.model.inode import Inode
from hugeresv.model.machine import Key, Machine
from hugeresv.model.region_map import RegionMap
from hugeresv.model.vma import Vma


@dataclass(frozen=True, slots=True)
class LostReservation:
    """A VMA that had a reservation, and has none. `pages` of it were promised, and still are counted.

    `ranges` are these pages as addresses in bytes. `certain`: the mapping that took the map along is there to tell.
    """

    process: Key
    vma: Vma
    pages: int
    ranges: tuple[tuple[int, int], ...]
    certain: bool

    def __str__(self) -> str:
        where = f"{self.vma.vm_start:#x}-{self.vma.vm_end:#x}"
        shift, first = self.vma.page_shift, self.vma.vm_start
        pages = ranges_text(((start - first) >> shift, (end - first) >> shift) for start, end in self.ranges)
        how = "" if self.certain else ", or a child's whose parent is gone"
        return f"mapping of process {self.process!r} at {where}, its pages {pages}{how}"


def lost_reservations(machine: Machine, ancestors: Mapping[Key, Sequence[Key]]) -> list[LostReservation]:
    """All that there are traces of: private, not NORESERVE, without a map, and no child's copy of another's mapping.

    `ancestors`: which processes a process descends from, as far as that is known.
    """
    users: dict[Inode, _Users] = {}
    lost = []
    for key, process in machine.processes.items():
        forebears = [machine.processes[each].mm for each in ancestors.get(key, ())]
        for vma in filter(_bare, process.mm.vmas):
            assert vma.inode is not None
            if vma.inode not in users:
                users[vma.inode] = _Users(vma.inode)
            found = _lost(key, vma, users[vma.inode], forebears)
            if found is not None:
                lost.append(found)
    return lost


class _Users:
    """The address spaces that map a file privately, and the first owner's VMA of those that have one."""

    def __init__(self, inode: Inode) -> None:
        self.spaces: set[AddressSpace] = set()
        self.owners: dict[AddressSpace, Vma] = {}
        for vma in inode.i_mmap:
            self.spaces.add(vma.mm)
            if vma.owner:
                self.owners.setdefault(vma.mm, vma)


def _bare(vma: Vma) -> bool:
    return vma.inode is not None and not vma.shared and not vma.noreserve and vma.resv_map is None


def _lost(process: Key, vma: Vma, users: _Users, forebears: Sequence[AddressSpace]) -> LostReservation | None:
    here = users.owners.get(vma.mm)
    if here is None and (users.owners or any(mm in users.spaces for mm in forebears)):
        return None
    taken = here.resv_map if here is not None else None
    consumed = taken.regions if taken is not None else _present(vma)
    ranges = tuple(
        (vma.address_of(first), vma.address_of(end)) for first, end in consumed.missing(vma.first_index, vma.end_index)
    )
    pages = sum(end - start for start, end in ranges) >> vma.page_shift
    return LostReservation(process, vma, pages, ranges, here is not None) if pages else None


def _present(vma: Vma) -> RegionMap:
    """The indices that have a page, which is the least that can be said of what was consumed."""
    return RegionMap((index, index + 1) for index, folio in vma.present() if folio.anon)
