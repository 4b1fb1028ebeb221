"""The nodes of a cgroup's members: cpuset.mems of cgroup v2. kernel/cgroup/cpuset.c, 6.18."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.mempolicy import mems_allowed
from hugeresv.model.migrate import migrate_mm, remap
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.behaviour import Behaviour
    from hugeresv.model.hugetlb_cgroup import HugetlbCgroup
    from hugeresv.model.machine import Machine
    from hugeresv.model.mempolicy import MemPolicy, Placement
    from hugeresv.model.process import Process


def set_mems(machine: Machine, cgroup: HugetlbCgroup, mems: Placement) -> Outcome:
    """A write to cpuset.mems; empty: the nodes of the cgroup above. Pages of members move to the new nodes.

    EINVAL: no such node. EBUSY: a kernel wants those of every child to be among them. ENOSPC: a kernel does not let a
    cgroup with members go back to none.
    """
    if not set(mems) <= set(machine.nodes):
        return Outcome.EINVAL
    if machine.behaviour.children_bind_mems and set(mems) != set(cgroup.mems):
        children = (child for child in machine.cgroups.values() if child.parent is cgroup)
        if not all(set(child.mems) <= set(mems) for child in children):
            return Outcome.EBUSY
    before = {task: mems_allowed(machine, task.cgroup) for task in list(machine.processes.values())}
    empties = not machine.behaviour.mems_can_be_emptied and bool(cgroup.mems) and not mems
    if empties and any(_is_in(task.cgroup, cgroup) for task in before):
        return Outcome.ENOSPC
    cgroup.mems = tuple(sorted(set(mems)))
    for task, old in before.items():
        _follow(machine, task, old)
    return Outcome.OK


def move_to(machine: Machine, task: Process, cgroup: HugetlbCgroup) -> Outcome:
    """A write to cgroup.procs: later charges go to `cgroup`, what was charged stays; pages move to its nodes."""
    before = mems_allowed(machine, task.cgroup)
    outcome = task.move_to(cgroup)
    if outcome is Outcome.OK:
        _follow(machine, task, before)
    return outcome


def _is_in(cgroup: HugetlbCgroup | None, above: HugetlbCgroup) -> bool:
    """Whether a cgroup is another one, or below it."""
    while cgroup is not None and cgroup is not above:
        cgroup = cgroup.parent
    return cgroup is above


def _follow(machine: Machine, task: Process, old: Placement) -> None:
    """cpuset_change_task_nodemask, cpuset_migrate_mm: a task's policies and pages follow it to other nodes."""
    new = mems_allowed(machine, task.cgroup)
    if new == old:
        return
    task.policy = _rebound(machine.behaviour, task.policy, new)
    with task.mm.mmap_lock:  # mpol_rebind_mm
        for vma in task.mm.vmas:
            vma.policy = _rebound(machine.behaviour, vma.policy, new)
    if machine.behaviour.cpuset_moves_pages:
        migrate_mm(machine, task.mm, old, new, move_all=True)


def _rebound(behaviour: Behaviour, policy: MemPolicy | None, mems: Placement) -> MemPolicy | None:
    """mpol_rebind_policy: for each node the one in its place in the new cpuset; preferred ones stay, or do not."""
    if policy is None or policy.mode == "local" or policy.mems == mems:
        return policy
    nodes = policy.nodes
    if behaviour.preferred_follows_cpuset or policy.mode not in ("preferred", "preferred_many"):
        nodes = tuple(sorted({remap(nid, policy.mems, mems) for nid in nodes}))
    return policy._replace(nodes=nodes, mems=mems)
