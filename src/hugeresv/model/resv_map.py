"""The reservation map, `struct resv_map`: a reference-counted region map, with who was charged for its reservations.

The same type means opposite things, and everything else follows from that:

    of an inode             a region = "a reservation was given for this file page". It stays when the page comes and
    (shared mappings)       when the mapping goes; truncation, hole punching and the inode's end take it away.
    of a private mapping    a region = "this offset has *consumed* its reservation". What is absent is still promised.

mm/hugetlb.c: struct resv_map, 2.6.27 and later; include/linux/hugetlb.h, 5.7 and later, for the charge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.locks import Lock, takes
from hugeresv.model.region_map import RegionMap

if TYPE_CHECKING:
    from hugeresv.model.hstate import HState
    from hugeresv.model.hugetlb_cgroup import HugetlbCgroup


class ResvMap:
    """`refs` counts the VMAs that point to a private map (kref); an inode's map belongs to its inode alone.

    `cgroup` is charged for a private mapping's whole length. A shared reservation is charged region by region:
    `charged` has, for each cgroup, the regions that it pays for.
    """

    __slots__ = ("cgroup", "charged", "refs", "regions")

    lock = Lock("resv_map->lock")

    def __init__(self, cgroup: HugetlbCgroup | None = None) -> None:
        """resv_map_alloc: an empty map with one reference."""
        self.refs = 1
        self.regions = RegionMap()
        self.cgroup = cgroup
        self.charged: dict[HugetlbCgroup, RegionMap] = {}

    @takes(lock)
    def chg(self, first: int, end: int) -> int:
        """region_chg: how many pages of [first, end) are not yet represented. True until the lock is let go."""
        return self.regions.chg(first, end)

    @takes(lock)
    def count(self, first: int, end: int) -> int:
        """region_count: how many pages of [first, end) are represented."""
        return self.regions.count(first, end)

    @takes(lock)
    def is_amid(self, index: int) -> bool:
        """Whether the page lies amid a region, so that region_del has to cut it in two."""
        return index - 1 in self.regions and index + 1 in self.regions

    @takes(lock)
    def delete(self, index: int) -> int:
        """region_del of one page: 1 where it was represented, else 0."""
        return self.regions.delete(index, index + 1)

    @takes(lock)
    def reserve(self, first: int, end: int, cgroup: HugetlbCgroup | None) -> int:
        """region_add of a shared reservation: how many pages of [first, end) were not yet represented.

        `cgroup` pays for these.
        """
        if cgroup is not None:
            paid = self.charged.setdefault(cgroup, RegionMap())
            for start, stop in self.regions.missing(first, end):
                paid.add(start, stop)
        return self.regions.add(first, end)

    @takes(lock)
    def unreserve(self, hstate: HState, first: int, end: int) -> int:
        """region_del: the number of pages of [first, end) that were represented; their charges are given back."""
        for cgroup, paid in list(self.charged.items()):
            cgroup.uncharge_rsvd(hstate, paid.delete(first, end))
            if not paid:
                del self.charged[cgroup]
        return self.regions.delete(first, end)
