"""The hugetlb controller of cgroup v2: pages in use and pages reserved, each against a limit, hierarchically.

Two page counters of one page size per cgroup (mm/hugetlb_cgroup.c, 5.7 and later): `usage` is charged when a page is
allocated and uncharged when it is freed, `rsvd` follows the reservations. The page size is that of the machine's first
pool: those of other sizes have no limit here, and are not counted. The root cgroup is None: it has no limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.locks import Lock, takes
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.behaviour import Behaviour
    from hugeresv.model.mempolicy import Placement


def charges_reservations(behaviour: Behaviour) -> bool:
    """Whether reservations are charged at all, beside pages in use."""
    return behaviour.cgroup_rsvd


class HugetlbCgroup:
    """A cgroup; counts and limits in pages, hierarchical. `max_pages` and `rsvd_max_pages` None: no limit.

    `subtree_control`: it hands the controller on to children, or has done so, and therefore takes no tasks (the rule
    against internal processes, cgroup_migrate_vet_dst in kernel/cgroup/cgroup.c). `changed`: the set that takes note of
    cgroups whose counters change, for whoever shows them; None: nobody does. `mems`: cpuset.mems, empty where the nodes
    are those of the cgroup above.
    """

    __slots__ = (
        "changed",
        "children",
        "max_pages",
        "mems",
        "parent",
        "rsvd",
        "rsvd_max_pages",
        "subtree_control",
        "tasks",
        "usage",
    )

    lock = Lock("page_counter", single=True)
    """No lock: a counter changes in one step (mm/page_counter.c)."""

    def __init__(
        self, parent: HugetlbCgroup | None, max_pages: int | None = None, rsvd_max_pages: int | None = None
    ) -> None:
        """An empty cgroup below `parent` (None: below the root)."""
        self.parent = parent
        self.max_pages = max_pages
        self.mems: Placement = ()
        self.rsvd_max_pages = rsvd_max_pages
        self.usage = 0
        self.rsvd = 0
        self.changed: set[HugetlbCgroup] | None = None
        self.children = 0
        self.tasks = 0
        self.subtree_control = False
        if parent is not None:
            parent.children += 1
            parent.subtree_control = True

    @takes(lock)
    def charge_usage(self, pages: int) -> bool:
        """hugetlb_cgroup_charge_cgroup: False, and no change, where a limit here or above forbids it."""
        level: HugetlbCgroup | None = self
        while level is not None:
            if level.max_pages is not None and level.usage + pages > level.max_pages:
                return False
            level = level.parent
        self._add_usage(pages)
        return True

    @takes(lock)
    def uncharge_usage(self, pages: int) -> None:
        """hugetlb_cgroup_uncharge_folio."""
        self._add_usage(-pages)

    def _add_usage(self, pages: int) -> None:
        level: HugetlbCgroup | None = self
        while level is not None:
            level.usage += pages
            if level.changed is not None:
                level.changed.add(level)
            level = level.parent

    @takes(lock)
    def charge_rsvd(self, pages: int) -> bool:
        """hugetlb_cgroup_charge_cgroup_rsvd: False, and no change, where a limit here or above forbids it."""
        level: HugetlbCgroup | None = self
        while level is not None:
            if level.rsvd_max_pages is not None and level.rsvd + pages > level.rsvd_max_pages:
                return False
            level = level.parent
        self._add_rsvd(pages)
        return True

    @takes(lock)
    def uncharge_rsvd(self, pages: int) -> None:
        """hugetlb_cgroup_uncharge_counter and its kin. A removed cgroup keeps its reservations until they go."""
        self._add_rsvd(-pages)

    def _add_rsvd(self, pages: int) -> None:
        level: HugetlbCgroup | None = self
        while level is not None:
            level.rsvd += pages
            if level.changed is not None:
                level.changed.add(level)
            level = level.parent

    def set_max(self, pages: int) -> Outcome:
        """A write to hugetlb.*.max. EBUSY, and the limit stays, where more is in use."""
        if self.usage > pages:
            return Outcome.EBUSY
        self.max_pages = pages
        return Outcome.OK

    def set_rsvd_max(self, pages: int) -> Outcome:
        """A write to hugetlb.*.rsvd.max. EBUSY, and the limit stays, where more is reserved."""
        if self.rsvd > pages:
            return Outcome.EBUSY
        self.rsvd_max_pages = pages
        return Outcome.OK

    def rmdir(self) -> Outcome:
        """rmdir(2): EBUSY with tasks or children. Pages in use go to the parent, reservations stay.

        Both count hierarchically, so the ancestors' counters do not show the difference.
        """
        if self.tasks or self.children:
            return Outcome.EBUSY
        if self.parent is not None:
            self.parent.children -= 1
        return Outcome.OK
