"""The NUMA nodes that a process's cpuset and memory policy leave it."""

from typing import NamedTuple

from hugeresv.errors import InputError
from hugeresv.ledger.observation import PoolUse
from hugeresv.model.mempolicy import MemPolicy, Placement
from hugeresv.sources.proc.files import read_if_there
from hugeresv.sources.proc.meminfo import memory_bytes
from hugeresv.sources.proc.task import LARGEST_CPU, Task, parse_list
from hugeresv.words import PolicyMode


class Places(NamedTuple):
    """What decides on which nodes a task's pages may be: see Situation."""

    mems: Placement
    policy: MemPolicy | None
    bound_after: MemPolicy | None


def places_of(pool: PoolUse, task: Task, bound: frozenset[int], *, after: bool) -> Places:
    """Of a task. `bound`: the nodes of an MPOL_BIND policy in place of its own, if any.

    `after`: it is that of each mapping, set when the mapping is made. A policy of the task's own that has no node of
    its cpuset counts for nothing (policy_mbind_nodemask); such a one cannot be made (mbind(2) is EINVAL), and is an
    InputError.
    """
    nodes = frozenset(node.node for node in pool.nodes)
    unknown = bound - nodes
    if unknown:
        raise InputError(
            f"there is no NUMA node {min(unknown)} with huge pages; there are {spell_nodes(nodes) or 'none'}"
        )
    allowed = nodes if task.cpuset is None else nodes & task.cpuset
    if nodes and not allowed:
        raise InputError(f"no node of the process's cpuset has huge pages: they are on {spell_nodes(nodes)}")
    if bound and not allowed & bound:
        raise InputError(f"mbind(2) to node {spell_nodes(bound)} is EINVAL: the cpuset has {spell_nodes(allowed)}")
    mems = () if allowed == nodes else tuple(sorted(allowed))
    own = None
    if task.policy is not None:
        own = _policy(task.policy.mode, task.policy.nodes & allowed, allowed)
    asked = _policy("bind", bound & allowed, allowed)
    return Places(mems, own, asked) if after else Places(mems, asked or own, None)


def cpu_nodes(sys_root: str, pool: PoolUse, task: Task) -> Placement:
    """The nodes with a CPU that a task may run on, ascending; none where there is one node, or that is not shown."""
    found = []
    for each in pool.nodes if len(pool.nodes) > 1 else ():
        path = f"{sys_root}/devices/system/node/node{each.node}/cpulist"
        there = parse_list(read_if_there(path).strip(), path, LARGEST_CPU)
        if there if task.cpus is None else there & task.cpus:
            found.append(each.node)
    return tuple(found)


def _policy(mode: PolicyMode, nodes: frozenset[int], allowed: frozenset[int]) -> MemPolicy | None:
    """A policy; none without a node that can be used, for then it counts for nothing."""
    return MemPolicy(mode, tuple(sorted(nodes)), tuple(sorted(allowed))) if nodes or mode == "local" else None


def growing_node(sys_root: str, pool: PoolUse, nodes: frozenset[int]) -> tuple[int, int] | None:
    """The node of `nodes` with the most free memory, and its persistent pages; None where all nodes are in it."""
    allowed = [node for node in pool.nodes if node.node in nodes]
    if len(allowed) == len(pool.nodes):
        return None
    best = max(allowed, key=lambda node: (_free_kB(sys_root, node.node), -node.node))
    return best.node, best.total - best.surp


def spell_nodes(nodes: frozenset[int]) -> str:
    """A list for people: `0, 2`."""
    return ", ".join(map(str, sorted(nodes)))


def _free_kB(sys_root: str, node: int) -> int:
    """MemFree of a node; 0 where it is not shown."""
    path = f"{sys_root}/devices/system/node/node{node}/meminfo"
    try:
        return (memory_bytes(path, "MemFree") or 0) >> 10
    except OSError:
        return 0
