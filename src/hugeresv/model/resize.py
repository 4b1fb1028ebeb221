"""How many pages a pool has: writes to nr_hugepages, to that of one node, and to nr_overcommit_hugepages.

mm/hugetlb.c, 6.18.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.hstate import turn
from hugeresv.model.locks import allocate
from hugeresv.model.unsigned import unsigned
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.hstate import HState
    from hugeresv.model.mempolicy import Placement


def set_max_huge_pages(hstate: HState, count: int, *, node: int | None = None, nodes: Placement = ()) -> None:
    """A write of `count` to nr_hugepages (set_max_huge_pages): the persistent pages wanted, in all or on one `node`.

    Growth turns surplus pages into persistent ones, then allocates. Shrinking frees what nobody uses or was promised;
    what cannot be freed becomes surplus. All of this goes round the nodes that the write is about: `node`, or `nodes`
    (nr_hugepages_mempolicy), by default every one. The floor is compared unsigned: with a wrapped resv_huge_pages
    nothing is freed.
    """
    with hstate.lock:
        if node is not None:
            nodes = (node,)
            count += hstate.nr_huge_pages - hstate.nodes[node].nr_huge_pages
        nodes = nodes or tuple(hstate.nodes)
        if count > hstate.persistent_huge_pages:
            _adopt_surplus(hstate, count, nodes)
            _allocate(hstate, count, nodes)
        else:
            floor = max(count, unsigned(hstate.resv_huge_pages + hstate.nr_huge_pages - hstate.free_huge_pages))
            hstate.remove_free_pages(hstate.persistent_huge_pages - floor, nodes)
            _book_surplus(hstate, count, nodes)


def set_nr_overcommit(hstate: HState, count: int) -> Outcome:
    """A write of `count` to nr_overcommit_hugepages. EINVAL: gigantic pages."""
    if hstate.is_gigantic:
        return Outcome.EINVAL
    with hstate.lock:
        hstate.nr_overcommit_huge_pages = count
    return Outcome.OK


def _adopt_surplus(hstate: HState, count: int, nodes: Placement) -> None:
    """adjust_pool_surplus by -1: surplus pages become persistent ones, until there are `count` of these."""

    def surplus(nid: int) -> int:
        return hstate.nodes[nid].surplus_huge_pages

    while (missing := count - hstate.persistent_huge_pages) > 0:
        nid = hstate.to_alloc.find(nodes, lambda nid: surplus(nid) > 0)
        if nid is None:
            return
        hstate.count(nid, surplus=-turn(nodes, missing, surplus(nid)))


def _allocate(hstate: HState, count: int, nodes: Placement) -> None:
    """alloc_pool_huge_folio, which asks for memory without the lock: fresh pages, until `count` are persistent."""
    while (missing := count - hstate.persistent_huge_pages) > 0:
        nid = hstate.to_alloc.find(nodes, lambda _: True)
        assert nid is not None
        with hstate.lock.dropped:
            fresh = allocate("pool page")
        if not fresh:
            return
        pages = turn(nodes, missing, missing)
        hstate.count(nid, nr=pages, free=pages)


def _book_surplus(hstate: HState, count: int, nodes: Placement) -> None:
    """adjust_pool_surplus by 1: persistent pages that could not be freed become surplus, down to `count`."""

    def persistent(nid: int) -> int:
        return hstate.nodes[nid].nr_huge_pages - hstate.nodes[nid].surplus_huge_pages

    while (excess := hstate.persistent_huge_pages - count) > 0:
        nid = hstate.to_free.find(nodes, lambda nid: persistent(nid) > 0)
        if nid is None:
            return
        hstate.count(nid, surplus=turn(nodes, excess, persistent(nid)))
