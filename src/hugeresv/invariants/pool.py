"""The pool's counters against each other and against the pages in use."""

from collections.abc import Iterator

from hugeresv.ledger.census import Census


def reserved_pages_are_free(census: Census) -> Iterator[str]:
    """I2: 0 <= resv <= free, as signed numbers."""
    h = census.machine.hstate
    if h.resv_huge_pages < 0:
        yield f"resv_huge_pages is {h.resv_huge_pages}: more was withdrawn than promised"
    if h.resv_huge_pages > h.free_huge_pages:
        yield f"resv_huge_pages is {h.resv_huge_pages}, but free_huge_pages is {h.free_huge_pages}"


def pool_is_free_or_in_use(census: Census) -> Iterator[str]:
    """I3: nr = free + pages in use, and 0 <= surp <= nr (nr - surp is max_huge_pages by definition)."""
    h = census.machine.hstate
    free, in_use = h.free_huge_pages, len(census.folios)
    if h.nr_huge_pages != free + in_use:
        yield f"nr_huge_pages is {h.nr_huge_pages}, but free_huge_pages is {free} and {in_use} pages are in use"
    if not 0 <= h.surplus_huge_pages <= h.nr_huge_pages:
        yield f"surplus_huge_pages is {h.surplus_huge_pages} of nr_huge_pages {h.nr_huge_pages}"
