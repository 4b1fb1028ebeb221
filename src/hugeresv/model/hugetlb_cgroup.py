"""The hugetlb controller of cgroup v2: pages in use and pages reserved, each against a limit, hierarchically.

Every cgroup has two page counters for each page size (mm/hugetlb_cgroup.c, 5.7 and later): `usage` is charged when a
page is allocated and uncharged when it is freed, `rsvd` follows the reservations. The root cgroup is None: it has no
limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hugeresv.model.behaviour import NumaStat
from hugeresv.model.locks import Lock, takes
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.behaviour import Behaviour
    from hugeresv.model.hstate import HState
    from hugeresv.model.mempolicy import Placement


def charges_reservations(behaviour: Behaviour) -> bool:
    """Whether reservations are charged at all, beside pages in use."""
    return behaviour.cgroup_rsvd


def counts_by_node(behaviour: Behaviour) -> bool:
    """Whether a cgroup shows its pages in use by node: hugetlb.*.numa_stat."""
    return behaviour.cgroup_numa_stat is not NumaStat.NONE


class CgroupCounters:
    """What a cgroup counts of one page size, in pages, hierarchical, and its limits; a limit of None is none.

    `by_node` has its own pages in use by node (struct hugetlb_cgroup_per_node), not those of cgroups below. `changed`:
    the set that takes note of counters that change, for whoever shows them; None: none does.
    """

    __slots__ = ("by_node", "changed", "max_pages", "rsvd", "rsvd_max_pages", "usage")

    def __init__(self) -> None:
        """Nothing is charged, nothing is limited."""
        self.max_pages: int | None = None
        self.rsvd_max_pages: int | None = None
        self.usage = 0
        self.rsvd = 0
        self.by_node: dict[int, int] = {}
        self.changed: set[CgroupCounters] | None = None

    def add(self, *, usage: int = 0, rsvd: int = 0) -> None:
        """Count so many pages more."""
        self.usage += usage
        self.rsvd += rsvd
        if self.changed is not None:
            self.changed.add(self)

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


class HugetlbCgroup:
    """A cgroup. `counters` has those of each page size, by its page_shift.

    `subtree_control`: it hands the controller on to children, or has done so, and therefore takes no tasks (the rule
    against internal processes, cgroup_migrate_vet_dst in kernel/cgroup/cgroup.c). `mems`: cpuset.mems, empty where the
    nodes are those of the cgroup above.
    """

    __slots__ = ("children", "counters", "mems", "parent", "subtree_control", "tasks")

    lock = Lock("page_counter", single=True)
    """No lock: a counter changes in one step (mm/page_counter.c)."""

    def __init__(self, parent: HugetlbCgroup | None, hstates: Iterable[HState]) -> None:
        """An empty cgroup below `parent` (None: below the root) without limits, on a machine with these pools."""
        self.parent = parent
        self.counters = {hstate.page_shift: CgroupCounters() for hstate in hstates}
        self.mems: Placement = ()
        self.children = 0
        self.tasks = 0
        self.subtree_control = False
        if parent is not None:
            parent.children += 1
            parent.subtree_control = True

    def of(self, hstate: HState) -> CgroupCounters:
        """The counters of this pool's pages."""
        return self.counters[hstate.page_shift]

    @takes(lock)
    def charge_usage(self, hstate: HState, pages: int) -> bool:
        """hugetlb_cgroup_charge_cgroup: False, and no change, where a limit here or above forbids it."""
        level: HugetlbCgroup | None = self
        while level is not None:
            counters = level.of(hstate)
            if counters.max_pages is not None and counters.usage + pages > counters.max_pages:
                return False
            level = level.parent
        self._add_usage(hstate, pages)
        return True

    @takes(lock)
    def uncharge_usage(self, hstate: HState, pages: int) -> None:
        """hugetlb_cgroup_uncharge_folio."""
        self._add_usage(hstate, -pages)

    def _add_usage(self, hstate: HState, pages: int) -> None:
        level: HugetlbCgroup | None = self
        while level is not None:
            level.of(hstate).add(usage=pages)
            level = level.parent

    @takes(lock)
    def charge_rsvd(self, hstate: HState, pages: int) -> bool:
        """hugetlb_cgroup_charge_cgroup_rsvd: False, and no change, where a limit here or above forbids it."""
        level: HugetlbCgroup | None = self
        while level is not None:
            counters = level.of(hstate)
            if counters.rsvd_max_pages is not None and counters.rsvd + pages > counters.rsvd_max_pages:
                return False
            level = level.parent
        self._add_rsvd(hstate, pages)
        return True

    @takes(lock)
    def uncharge_rsvd(self, hstate: HState, pages: int) -> None:
        """hugetlb_cgroup_uncharge_counter and its kin. A removed cgroup keeps its reservations until they go."""
        self._add_rsvd(hstate, -pages)

    def _add_rsvd(self, hstate: HState, pages: int) -> None:
        level: HugetlbCgroup | None = self
        while level is not None:
            level.of(hstate).add(rsvd=pages)
            level = level.parent

    def count_on(self, hstate: HState, nid: int, pages: int) -> None:
        """Add `pages` to its pages on node `nid`."""
        by_node = self.of(hstate).by_node
        by_node[nid] = by_node.get(nid, 0) + pages

    def rmdir(self) -> Outcome:
        """rmdir(2): EBUSY with tasks or children. Pages in use go to the parent, reservations stay.

        Both count hierarchically, so the ancestors' counters do not show the difference.
        """
        if self.tasks or self.children:
            return Outcome.EBUSY
        if self.parent is not None:
            self.parent.children -= 1
        return Outcome.OK
