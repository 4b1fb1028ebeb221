"""A process: an address space, and the cgroup that pays for what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.address_space import AddressSpace
    from hugeresv.model.hugetlb_cgroup import HugetlbCgroup


class Process:
    """A task of one thread."""

    __slots__ = ("cgroup", "mm")

    def __init__(self, mm: AddressSpace, cgroup: HugetlbCgroup | None) -> None:
        """A process in `cgroup` (None: the root)."""
        self.mm = mm
        self.cgroup = cgroup
        if cgroup is not None:
            cgroup.tasks += 1

    def move_to(self, cgroup: HugetlbCgroup) -> Outcome:
        """Later charges go to `cgroup`; what was charged stays where it is. EBUSY: the cgroup takes no tasks."""
        if cgroup.subtree_control:
            return Outcome.EBUSY
        self.leave_cgroup()
        self.cgroup = cgroup
        cgroup.tasks += 1
        return Outcome.OK

    def leave_cgroup(self) -> None:
        """The process counts in no cgroup but the root."""
        if self.cgroup is not None:
            self.cgroup.tasks -= 1
        self.cgroup = None
