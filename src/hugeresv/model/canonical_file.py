"""What later operations can tell of a file: the part of `Machine.key` that is about inodes.

As long as a file has a name (an open descriptor, a segment's id), all of it can be met. Of a file without one only what
is mapped can: the rest can but be freed with it, so that only the amount matters, and indices have no meaning but where
they are mapped, so that they count from the first that is. If it also has nothing of its own but private mappings, each
of these may as well have a file for itself: what two of them share is pages, and these tell. (Not where an owner looks
for a child's page at its own address: it marks whatever maps the same index of the same file.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from hugeresv.model.region_map import HIGHEST, RegionMap

if TYPE_CHECKING:
    from hugeresv.model.folio import Folio
    from hugeresv.model.hugetlb_cgroup import HugetlbCgroup
    from hugeresv.model.inode import Inode
    from hugeresv.model.vma import Vma

ChargeKey = int
"""A cgroup's number; negative: the root, whose charges are not counted."""
PageKey = tuple[ChargeKey, ChargeKey, int, bool]
"""Of a page in use: who is charged for it, and for its reservation, its node, and whether it can be moved."""


class KnownFile:
    """A file, or a part of one, with the VMAs that map it.

    `base` is the index that counts as 0. shmdt(2) knows an attached segment by where its page 0 is, so there it stays.
    """

    def __init__(self, inode: Inode, vmas: list[Vma], *, named: bool) -> None:
        self.inode = inode
        self.vmas = vmas
        self.named = named
        self.base = 0 if named or inode.sysv else min(vma.vm_pgoff for vma in vmas)
        self._reach = RegionMap([(0, HIGHEST)] if named else [(vma.first_index, vma.end_index) for vma in vmas])

    def key(self, page: Callable[[Folio], PageKey], charge: Callable[[HugetlbCgroup], ChargeKey]) -> Hashable:
        """Size, reservations, pages and who pays: each as far as it can be met, and how much more there is."""
        inode, reach = self.inode, self._reach
        cached = sorted((index, page(folio)) for index, folio in inode.page_cache.items())
        paid: dict[ChargeKey, RegionMap] = defaultdict(RegionMap)
        for cgroup, regions in inode.resv_map.charged.items():
            for first, end in regions:
                paid[charge(cgroup)].add(first, end)
        return (
            inode.hstate.page_shift,
            reach.count(0, inode.i_size),
            inode.shm_locked,
            self._met(inode.resv_map.regions),
            tuple((index - self.base, who) for index, who in cached if index in reach),
            tuple(sorted(who for index, who in cached if index not in reach)),
            tuple((number, self._met(paid[number])) for number in sorted(paid) if number >= 0),
        )

    def can_be_truncated(self) -> bool:
        """Whether a call can take pages away from private mappings: through a descriptor, or by MADV_REMOVE."""
        return self.named or any(vma.shared and vma.may_write for vma in self.vmas)

    def _met(self, regions: RegionMap) -> tuple[Hashable, ...]:
        """The regions that can be met, counted from the base, and the number of pages in the rest."""
        met = [
            (first - self.base, end - self.base)
            for f, t in regions
            for first, end, reachable in self._reach.runs(f, t)
            if reachable
        ]
        return tuple(met), regions.total_pages - sum(end - first for first, end in met)


def known_files(inode: Inode, vmas: list[Vma], *, named: bool, steal_at_owner_address: bool) -> list[KnownFile]:
    """A file as the one or the several that later operations can take it for; `vmas` are all that map it."""
    if named or inode.page_cache or inode.resv_map.regions or any(vma.shared for vma in vmas):
        return [KnownFile(inode, vmas, named=named)]
    groups = _overlapping(vmas) if steal_at_owner_address else [[vma] for vma in vmas]
    return [KnownFile(inode, group, named=False) for group in groups]


def _overlapping(vmas: list[Vma]) -> list[list[Vma]]:
    """The VMAs in groups that have no index of the file in common."""
    groups: list[list[Vma]] = []
    reach = 0
    for vma in sorted(vmas, key=lambda vma: vma.vm_pgoff):
        if not groups or vma.vm_pgoff >= reach:
            groups.append([])
        groups[-1].append(vma)
        reach = max(reach, vma.end_index)
    return groups
