"""A situation as a machine of the model. Everybody else is one opaque holder that holds still.

What that holder has, used pages and promises, is in the counters and nowhere else: nothing that is asked here makes it
give any of it back.
"""

from dataclasses import dataclass

from hugeresv.fit.situation import Situation
from hugeresv.model.address_space import AddressSpace
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.hstate import HState
from hugeresv.model.hugetlb_cgroup import HugetlbCgroup
from hugeresv.model.machine import Machine
from hugeresv.model.mount import Mount
from hugeresv.model.process import Process
from hugeresv.model.subpool import Subpool

MOUNT = "mount"
TASK = "task"


class NodesHState(HState):
    """A pool on several NUMA nodes, as a task meets it that is kept from some of them.

    Promises are counted for all nodes together. hugetlb_acct_memory holds a request against the free pages of the
    nodes in the task's cpuset and MPOL_BIND policy alone (allowed_mems_nr; cpuset from 2.6.27, policy from 5.10), and
    a fault takes no page from another (dequeue_hugetlb_folio_nodemask). Surplus pages come from nodes that the task
    may use: gather_surplus_pages picks these from 6.12 on; before, the local node, which a bound task is on.

    It lasts for one trial: a machine with it is neither copied nor compared.
    """

    __slots__ = ("free_elsewhere",)

    def __init__(self, page_bytes: int, nr_overcommit_huge_pages: int, free_elsewhere: int) -> None:
        """A pool without pages; `free_elsewhere` of those that it will have are out of the task's reach, and free."""
        super().__init__(page_bytes, 0, nr_overcommit_huge_pages)
        self.free_elsewhere = free_elsewhere

    @property
    def reachable_free(self) -> int:
        """Free pages on the nodes that the task may use."""
        return self.free_huge_pages - self.free_elsewhere


@dataclass(frozen=True, slots=True)
class World:
    """A machine, and the task in it that asks."""

    machine: Machine
    task: Process


def world_of(situation: Situation, behaviour: Behaviour) -> World:
    """The machine of a situation."""
    pool = situation.pool
    machine = Machine(behaviour, situation.page_bytes, 0)
    hstate = NodesHState(situation.page_bytes, situation.most_surplus, situation.free_elsewhere)
    hstate.nr_huge_pages = pool.total
    hstate.free_huge_pages = pool.free
    hstate.resv_huge_pages = pool.rsvd
    hstate.surplus_huge_pages = pool.surp
    if situation.grow:
        hstate.set_max_huge_pages(situation.persistent + situation.grow)
    machine.hstate = hstate
    if situation.mount is not None:
        limits = situation.mount
        subpool = Subpool(limits.size_pages, limits.min_size_pages)
        subpool.used_hpages = limits.used_pages
        subpool.rsv_hpages = limits.min_left_pages
        machine.mounts[MOUNT] = Mount(subpool)
    machine.processes[TASK] = task = Process(AddressSpace(hstate.page_shift), _cgroup(machine, situation))
    return World(machine, task)


def _cgroup(machine: Machine, situation: Situation) -> HugetlbCgroup | None:
    """The task's cgroup, with those above it."""
    cgroup = None
    for use in reversed(situation.cgroups):
        cgroup = HugetlbCgroup(cgroup, use.max_pages, use.rsvd_max_pages)
        cgroup.usage, cgroup.rsvd = use.usage_pages, use.rsvd_pages or 0
        machine.cgroups[use.path] = cgroup
    return cgroup
