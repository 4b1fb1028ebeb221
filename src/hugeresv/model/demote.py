"""Demotion: a free huge page becomes smaller ones, on its node. mm/hugetlb.c (demote_store), 6.18."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.behaviour import Behaviour
    from hugeresv.model.hstate import HState
    from hugeresv.model.machine import Machine
    from hugeresv.model.mempolicy import Placement


def demote(machine: Machine, hstate: HState, count: int, *, node: int | None = None) -> Outcome:
    """A write of `count` to demote, or to that of one `node`: up to so many free pages that are not promised.

    ENOENT: pages of this size are not demoted. EBUSY: there is no free page, though one should be.
    """
    small = _demoted_to(machine, hstate)
    if small is None:
        return Outcome.ENOENT
    nodes = tuple(hstate.nodes) if node is None else (node,)
    with hstate.lock:
        while count > 0 and _is_available(machine.behaviour, hstate, node):
            done = _demote_pages(machine.behaviour, hstate, small, nodes, count)
            if done == 0:
                return Outcome.EBUSY
            count -= done
    return Outcome.OK


def set_demote_size(machine: Machine, hstate: HState, page_bytes: int) -> Outcome:
    """A write to demote_size. ENOENT: pages of this size are not demoted. EINVAL: not the size of a smaller pool."""
    if _demoted_to(machine, hstate) is None:
        return Outcome.ENOENT
    small = machine.hstate_of(page_bytes)
    if small is None or small.page_shift >= hstate.page_shift:
        return Outcome.EINVAL
    hstate.demote_shift = small.page_shift
    return Outcome.OK


def _demoted_to(machine: Machine, hstate: HState) -> HState | None:
    """The pool that gets the smaller pages; None: pages of this size are not demoted."""
    if hstate.demote_shift is None or not machine.behaviour.demotion:
        return None
    return machine.hstate_of(1 << hstate.demote_shift)


def _is_available(behaviour: Behaviour, hstate: HState, node: int | None) -> bool:
    """Whether a free page, of the `node` if one is given, is not promised.

    Promises have no node. A kernel that takes all of them from one node's free pages, unsigned, finds pages where there
    are fewer than that, and none where there are as many.
    """
    free = hstate.free_huge_pages if node is None else hstate.nodes[node].free_huge_pages
    if behaviour.demote_node_wraps:
        return free != hstate.resv_huge_pages
    return min(free, hstate.free_huge_pages - hstate.resv_huge_pages) > 0


def _demote_pages(behaviour: Behaviour, hstate: HState, small: HState, nodes: Placement, most: int) -> int:
    """demote_pool_huge_page: one page, or all up to `most`, in one round of the nodes; how many.

    Those of a batch are not asked for one by one: it takes promised pages too.
    """
    if not behaviour.demote_batch:
        most = 1
    done = 0

    def demote_on(nid: int) -> bool:
        nonlocal done
        pages = min(most - done, hstate.nodes[nid].free_huge_pages)
        hstate.count(nid, nr=-pages, free=-pages)
        _add(behaviour, small, nid, pages << (hstate.page_shift - small.page_shift))
        done += pages
        return done == most

    hstate.to_free.find(nodes, demote_on)
    return done


def _add(behaviour: Behaviour, small: HState, nid: int, pages: int) -> None:
    """The smaller pages are free. Where they come in as freed pages do, a node's surplus eats them first."""
    if behaviour.demote_feeds_surplus:
        eaten = min(pages, small.nodes[nid].surplus_huge_pages)
        small.count(nid, nr=pages - eaten, free=pages - eaten, surplus=-eaten)
        return
    small.count(nid, nr=pages, free=pages)
