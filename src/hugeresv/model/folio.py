"""One huge page in use, `struct folio`: who maps it, and to whom it goes back when it is freed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hugeresv.model.hstate import HState
    from hugeresv.model.hugetlb_cgroup import HugetlbCgroup
    from hugeresv.model.subpool import Subpool


class Folio:
    """A huge page outside its pool, on node `nid`, which it stays on as long as it lives.

    `mapcount` counts the entries of page tables that map it, those of shared mappings only where there are several
    nodes. With the last one an anonymous page is freed; a page of the page cache is kept by its inode.
    `restore_reserve` (HPG_restore_reserve) makes the page a promise again when it is freed. Without `migratable`
    (HPG_migratable) it stays on its node whatever is asked for.
    """

    __slots__ = (
        "anon",
        "cgroup",
        "cgroup_rsvd",
        "hstate",
        "mapcount",
        "migratable",
        "nid",
        "restore_reserve",
        "subpool",
    )

    def __init__(
        self,
        hstate: HState,
        nid: int,
        subpool: Subpool | None,
        cgroup: HugetlbCgroup | None,
        cgroup_rsvd: HugetlbCgroup | None,
    ) -> None:
        """A page fresh out of the pool, not yet mapped or cached, charged to these cgroups."""
        self.hstate = hstate
        self.nid = nid
        self.anon = True
        self.mapcount = 1
        self.restore_reserve = False
        self.migratable = True
        self.subpool = subpool
        self.cgroup = cgroup
        self.cgroup_rsvd = cgroup_rsvd
