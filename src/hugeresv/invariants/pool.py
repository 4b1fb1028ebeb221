"""The pools' counters against each other and against the pages in use."""

from collections import Counter
from collections.abc import Iterator

from hugeresv.invariants.cgroups import pages_by_node
from hugeresv.ledger.census import Census
from hugeresv.plain import are, count_of


def reserved_pages_are_free(census: Census) -> Iterator[str]:
    """I2: 0 <= resv <= free, as signed numbers."""
    for pool in census.pools:
        h = pool.hstate
        if h.resv_huge_pages < 0:
            yield f"{pool.where}resv_huge_pages is {h.resv_huge_pages}: more was withdrawn than promised"
        if h.resv_huge_pages > h.free_huge_pages:
            yield f"{pool.where}resv_huge_pages is {h.resv_huge_pages}, but free_huge_pages is {h.free_huge_pages}"


def pool_is_free_or_in_use(census: Census) -> Iterator[str]:
    """I3: nr = free + pages in use, and 0 <= surp <= nr (nr - surp is max_huge_pages by definition)."""
    for pool in census.pools:
        h, in_use = pool.hstate, len(pool.folios)
        if h.nr_huge_pages != h.free_huge_pages + in_use:
            yield (
                f"{pool.where}nr_huge_pages is {h.nr_huge_pages}, but free_huge_pages is {h.free_huge_pages}"
                f" and {count_of(in_use, 'page', 'is')} in use"
            )
        if not 0 <= h.surplus_huge_pages <= h.nr_huge_pages:
            yield f"{pool.where}surplus_huge_pages is {h.surplus_huge_pages} of nr_huge_pages {h.nr_huge_pages}"


def nodes_add_up(census: Census) -> Iterator[str]:
    """I13: on each node 0 <= surp <= nr and 0 <= free <= nr, and all nodes together are the pool.

    Of one node nothing is said that I3 does not say of the pool. What cgroups count by node is the pages there, too.
    """
    yield from pages_by_node(census)
    for pool in census.pools:
        h = pool.hstate
        if not h.is_numa:
            continue
        for name in ("nr_huge_pages", "free_huge_pages", "surplus_huge_pages"):
            total, parts = getattr(h, name), [getattr(node, name) for node in h.nodes.values()]
            if total != sum(parts):
                yield f"{pool.where}{name} is {total}, but the nodes have {' + '.join(map(str, parts))}"
        for nid, node in h.nodes.items():
            nr, free, surplus = node.nr_huge_pages, node.free_huge_pages, node.surplus_huge_pages
            if not 0 <= surplus <= nr:
                yield f"{pool.where}node {nid} has {count_of(surplus, 'surplus page')} of {nr}"
            if not 0 <= free <= nr:
                yield f"{pool.where}node {nid} has {count_of(free, 'free page')} of {nr}"


def pages_are_on_their_nodes(census: Census) -> Iterator[str]:
    """I14: the pages in use on a node are its pages that are not free."""
    for pool in census.pools:
        if not pool.hstate.is_numa:
            continue
        in_use = Counter(folio.nid for folio in pool.folios)
        for nid, node in pool.hstate.nodes.items():
            nr, free, used = node.nr_huge_pages, node.free_huge_pages, in_use[nid]
            if used != nr - free:
                yield f"{pool.where}node {nid} has {count_of(nr, 'page')}, {free} free, but {used} {are(used)} in use"
