"""resv_huge_pages against the promises that it counts, and the pages that must be there to keep them."""

from collections.abc import Iterator, Sequence

from hugeresv.ledger.census import Census
from hugeresv.ledger.promise import Promise, as_ranges, ranges_text
from hugeresv.plain import count_of

_ITEMS_SHOWN = 20


def sum_of_promises(census: Census) -> Iterator[str]:
    """I1: resv = the sum of |L(m) - C(m)| over private maps, |R(i)| - |P(i)| over inodes and rsv(s) over subpools.

    L(m) is what owners' VMAs of the map still cover, C(m) what has consumed its reservation; R(i) is an inode's
    reservation map and P(i) its page cache, which must lie within it.
    """
    for pool in census.pools:
        resv = pool.hstate.resv_huge_pages
        if resv != pool.promised:
            yield (
                f"{pool.where}resv_huge_pages is {resv}, but the promises add up to {pool.promised}"
                f" ({resv - pool.promised:+d})" + items(pool.promises)
            )
    for inode, name in census.files.items():
        outside = sorted(index for index in inode.page_cache if index not in inode.resv_map.regions)
        if outside:
            yield f"{name} has pages that its reservation map does not have: {ranges_text(as_ranges(outside))}"


def promises_can_be_kept(census: Census) -> Iterator[str]:
    """I8, as far as it can be counted: for every promise there is a free page, whatever resv_huge_pages says."""
    for pool in census.pools:
        free = pool.hstate.free_huge_pages
        if pool.promised > free:
            yield (
                f"{pool.where}{count_of(pool.promised, 'page', 'is')} promised, but free_huge_pages is {free}"
                + items(pool.promises)
            )


def items(promises: Sequence[Promise]) -> str:
    """The promises one a line, below what they are to explain."""
    lines = [f"\n  {promise.pages:+d} {promise}" for promise in promises[:_ITEMS_SHOWN]]
    rest = promises[_ITEMS_SHOWN:]
    if rest:
        lines.append(f"\n  {sum(promise.pages for promise in rest):+d} in {count_of(len(rest), 'more promise')}")
    return "".join(lines)
