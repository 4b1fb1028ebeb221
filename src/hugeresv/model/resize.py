"""How many pages a pool has: writes to nr_hugepages, to that of one node, and to nr_overcommit_hugepages.

mm/hugetlb.c, 6.18.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.behaviour import ShrinkFloor
from hugeresv.model.hstate import turn
from hugeresv.model.locks import allocate
from hugeresv.model.mempolicy import mems_allowed, policy_nodes
from hugeresv.model.unsigned import unsigned
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.behaviour import Behaviour
    from hugeresv.model.hstate import HState, HStateNode
    from hugeresv.model.machine import Machine
    from hugeresv.model.mempolicy import Placement
    from hugeresv.model.process import Process


def set_max_huge_pages(
    machine: Machine, hstate: HState, count: int, *, node: int | None = None, task: Process | None = None
) -> Outcome:
    """A write of `count` to nr_hugepages (set_max_huge_pages): the persistent pages wanted, in all or on one `node`.

    Growth turns surplus pages into persistent ones, then allocates. Shrinking frees what is not used and not promised;
    what cannot be freed becomes surplus. All of this goes round the nodes that the write is about: `node`, those of the
    policy of `task` (which writes to nr_hugepages_mempolicy, and gets memory on the nodes of its cpuset alone), or
    every one. The floor is compared unsigned: with a wrapped resv_huge_pages nothing is freed.

    NODE_FULL: a kernel computes what the pool is to have with unsigned numbers, and a node has more surplus pages than
    pages: all memory of the `node` is to become huge pages.
    """
    with hstate.lock:
        if node is not None and machine.behaviour.node_surplus_wraps and _wraps(hstate, count, node):
            return Outcome.NODE_FULL
        nodes = mems = tuple(hstate.nodes)
        if task is not None:
            nodes, mems = policy_nodes(machine, task), mems_allowed(machine, task.cgroup)
        if node is not None:
            nodes = (node,)
            count = _target_of_all(machine.behaviour, hstate, count, node)
        if count > hstate.persistent_huge_pages:
            _adopt_surplus(hstate, count, nodes)
            _allocate(hstate, count, nodes, mems)
        else:
            floor = max(count, unsigned(_claimed(machine.behaviour, hstate)))
            removable = _free if machine.behaviour.shrink_takes_surplus_page else _free_persistent
            hstate.remove_free_pages(hstate.persistent_huge_pages - floor, nodes, removable)
            _book_surplus(hstate, count, nodes)
    return Outcome.OK


def set_nr_overcommit(machine: Machine, hstate: HState, count: int) -> Outcome:
    """A write of `count` to nr_overcommit_hugepages. EINVAL: there are no surplus gigantic pages."""
    if hstate.is_gigantic and not machine.behaviour.gigantic_overcommit:
        return Outcome.EINVAL
    if machine.behaviour.overcommit_set_unlocked:
        hstate.nr_overcommit_huge_pages = count
        return Outcome.OK
    with hstate.lock:
        hstate.nr_overcommit_huge_pages = count
    return Outcome.OK


def _target_of_all(behaviour: Behaviour, hstate: HState, count: int, node: int) -> int:
    """What the whole pool shall have for `node` to have `count` persistent pages."""
    if behaviour.node_write_counts_surplus:
        return count + hstate.nr_huge_pages - hstate.nodes[node].nr_huge_pages
    return count + hstate.persistent_huge_pages - _persistent_on(hstate, node)


def _wraps(hstate: HState, count: int, node: int) -> bool:
    """Whether `_target_of_all` is below 0, where a node's persistent pages are an unsigned int."""
    return count + hstate.persistent_huge_pages < _persistent_on(hstate, node) % (1 << 32)


def _persistent_on(hstate: HState, node: int) -> int:
    """A node's pages that are no surplus."""
    return hstate.nodes[node].nr_huge_pages - hstate.nodes[node].surplus_huge_pages


def _claimed(behaviour: Behaviour, hstate: HState) -> int:
    """The pages that a shrink must leave: those in use or promised, as persistent ones.

    A kernel that takes surplus pages in use for persistent ones leaves too many.
    """
    if behaviour.shrink_floor is ShrinkFloor.TOTAL:
        return hstate.resv_huge_pages + hstate.nr_huge_pages - hstate.free_huge_pages
    free, persistent = hstate.free_huge_pages, hstate.persistent_huge_pages
    if free > persistent:
        free = max(free - hstate.surplus_huge_pages, 0)
    return hstate.resv_huge_pages + persistent - free


def _free(node: HStateNode) -> int:
    """Any free page, though it may be all that a node's surplus is counted for."""
    return node.free_huge_pages


def _free_persistent(node: HStateNode) -> int:
    """Free pages beyond the node's surplus."""
    return min(node.free_huge_pages, node.nr_huge_pages - node.surplus_huge_pages)


def _adopt_surplus(hstate: HState, count: int, nodes: Placement) -> None:
    """adjust_pool_surplus by -1: surplus pages become persistent ones, until there are `count` of these."""

    def surplus(nid: int) -> int:
        return hstate.nodes[nid].surplus_huge_pages

    while (missing := count - hstate.persistent_huge_pages) > 0:
        nid = hstate.to_alloc.find(nodes, lambda nid: surplus(nid) > 0)
        if nid is None:
            return
        hstate.count(nid, surplus=-turn(nodes, missing, surplus(nid)))


def _allocate(hstate: HState, count: int, nodes: Placement, mems: Placement) -> None:
    """alloc_pool_huge_folio, which asks for memory without the lock: fresh pages, until `count` are persistent.

    A node that the writer's cpuset does not have gives none: it is the next one's turn.
    """
    while (missing := count - hstate.persistent_huge_pages) > 0:
        nid = hstate.to_alloc.find(nodes, lambda nid: nid in mems)
        if nid is None:
            return
        with hstate.lock.dropped:
            fresh = allocate("pool page")
        if not fresh:
            return
        pages = turn(nodes, missing, missing)
        hstate.count(nid, nr=pages, free=pages)


def _book_surplus(hstate: HState, count: int, nodes: Placement) -> None:
    """adjust_pool_surplus by 1: persistent pages that could not be freed become surplus, down to `count`."""
    while (excess := hstate.persistent_huge_pages - count) > 0:
        nid = hstate.to_free.find(nodes, lambda nid: _persistent_on(hstate, nid) > 0)
        if nid is None:
            return
        hstate.count(nid, surplus=turn(nodes, excess, _persistent_on(hstate, nid)))
