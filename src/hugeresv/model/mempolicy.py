"""Memory policies: on which nodes a page is looked for, and in which order. mm/mempolicy.c, 6.18.

A page comes from the first node of a `Placement` that has one (`HState.take_page`). What a policy makes of the nodes is
in `_placement`, and there is no other rule, whether the mapping is shared or private and the page promised or not. A
promise knows no node: the nodes of the policy may have no page for it though others do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hugeresv.model.behaviour import GatherNode

if TYPE_CHECKING:
    from hugeresv.model.hugetlb_cgroup import HugetlbCgroup
    from hugeresv.model.machine import Machine
    from hugeresv.model.process import Process
    from hugeresv.model.vma import Vma
    from hugeresv.words import PolicyMode

Placement = tuple[int, ...]
"""The nodes that a page may come from, the best one first."""


class MemPolicy(NamedTuple):
    """A policy other than the default: its nodes, ascending, and the nodes that its maker's cpuset had then."""

    mode: PolicyMode
    nodes: Placement
    mems: Placement


def fault_nodes(machine: Machine, task: Process, vma: Vma, index: int) -> Placement:
    """Where a page for file index `index` of `vma` comes from: as its policy says, else as that of the task does."""
    policy = vma.policy or task.policy
    if policy is None and task.cgroup is None:
        return machine.nearest[task.node]
    mems = mems_allowed(machine, task.cgroup)
    return tuple(nid for nid in _placement(machine, policy, task.node, index) if nid in mems)


def migration_nodes(machine: Machine, task: Process, vma: Vma, index: int) -> Placement:
    """Where mbind(2) moves that page to (alloc_migration_target_by_mpol): as a fault, but PREFERRED_MANY has no others.

    A fault under it looks at its nodes first and at all of them then; a migration looks once.
    """
    nodes, policy = fault_nodes(machine, task, vma, index), vma.policy or task.policy
    return _only(nodes, policy.nodes) if policy is not None and policy.mode == "preferred_many" else nodes


def _placement(machine: Machine, policy: MemPolicy | None, here: int, index: int) -> Placement:
    """The nodes in the order of a policy, for a page with this index in its file and a CPU on node `here`.

    All but BIND reach every node in the end, so that they fail only where there is no page at all.
    """
    nearest = machine.nearest
    if policy is None:
        return nearest[here]
    match policy.mode:
        case "bind":
            return _only(nearest[here], policy.nodes)
        case "preferred":
            return nearest[policy.nodes[0]]
        case "preferred_many":
            return tuple(dict.fromkeys((*_only(nearest[here], policy.nodes), *nearest[here])))
        case "interleave" | "weighted_interleave":
            return nearest[policy.nodes[index % len(policy.nodes)]]
    return nearest[here]


def gathering_nodes(machine: Machine, task: Process) -> Placement:
    """gather_surplus_pages: where surplus pages for promises come from, the best node first.

    That is the one nearest to the CPU, or the lowest number. A kernel that does not ask which nodes a BIND policy
    allows makes pages that the request cannot have.
    """
    rule = machine.behaviour.gather_node
    if task.policy is None and task.cgroup is None and rule is not GatherNode.LOWEST_ALLOWED:
        return machine.nearest[task.node]
    if rule is GatherNode.LOWEST_ALLOWED:
        return allowed_nodes(machine, task)
    if rule is GatherNode.LOCAL_ANY:
        return _only(machine.nearest[task.node], mems_allowed(machine, task.cgroup))
    return _only(machine.nearest[task.node], allowed_nodes(machine, task))


def allowed_nodes(machine: Machine, task: Process) -> Placement:
    """allowed_mems_nr: the nodes whose free pages a request of `task` must not exceed, ascending.

    Its cpuset's, and of these those of a BIND policy of the task; there is no VMA yet whose policy could be asked.
    """
    if task.policy is None and task.cgroup is None:
        return machine.nodes
    mems = mems_allowed(machine, task.cgroup)
    if task.policy is not None and task.policy.mode == "bind":
        return _only(mems, task.policy.nodes) or mems
    return mems


def policy_nodes(machine: Machine, task: Process) -> Placement:
    """init_nodemask_of_mempolicy: the nodes that a write of `task` to nr_hugepages_mempolicy is about, ascending."""
    if task.policy is None:
        return machine.nodes
    return (task.node,) if task.policy.mode == "local" else task.policy.nodes


def mems_allowed(machine: Machine, cgroup: HugetlbCgroup | None) -> Placement:
    """cpuset_current_mems_allowed, ascending: what a cpuset has of the nodes above it, all of these if nothing."""
    if cgroup is None:
        return machine.nodes
    above = mems_allowed(machine, cgroup.parent)
    return _only(above, cgroup.mems) or above


def _only(nodes: Placement, wanted: Placement) -> Placement:
    """Those of `nodes` that are wanted, in their order."""
    return tuple(nid for nid in nodes if nid in wanted)


def nearest_first(nodes: Placement) -> dict[int, Placement]:
    """For each node all of them in order of distance, where one is as far as another (find_next_best_node)."""
    return {nid: nodes[place:] + nodes[:place] for place, nid in enumerate(nodes)}
