"""The pool of one page size, `struct hstate`: its counters, and how pages and promises enter and leave it.

Counters are signed and in huge pages: an underflow shows as a negative number where the kernel prints 2^64 - n. The
kernel's per-node counts are left out: this is a machine of one node. mm/hugetlb.c, 6.18.
"""

from hugeresv.model.unsigned import unsigned
from hugeresv.outcome import Outcome

MAX_PAGE_SHIFT = 22


class HState:
    """One page size's pool. What no promise claims is free_huge_pages - resv_huge_pages."""

    __slots__ = (
        "free_huge_pages",
        "nr_huge_pages",
        "nr_overcommit_huge_pages",
        "page_shift",
        "resv_huge_pages",
        "surplus_huge_pages",
    )

    def __init__(self, page_bytes: int, nr_huge_pages: int, nr_overcommit_huge_pages: int = 0) -> None:
        """A pool of free pages. ValueError unless the size is a power of two >= 4096 and the counts are >= 0."""
        if page_bytes < 4096 or page_bytes & (page_bytes - 1):
            raise ValueError(f"page size {page_bytes} bytes is not a power of two of at least 4096")
        if nr_huge_pages < 0 or nr_overcommit_huge_pages < 0:
            raise ValueError(f"negative pool size: {nr_huge_pages} pages, overcommit {nr_overcommit_huge_pages}")
        self.page_shift = page_bytes.bit_length() - 1
        self.nr_huge_pages = nr_huge_pages
        self.free_huge_pages = nr_huge_pages
        self.resv_huge_pages = 0
        self.surplus_huge_pages = 0
        self.nr_overcommit_huge_pages = 0 if self.is_gigantic else nr_overcommit_huge_pages

    @property
    def page_bytes(self) -> int:
        """Size of a huge page in bytes."""
        return 1 << self.page_shift

    @property
    def is_gigantic(self) -> bool:
        """hstate_is_gigantic: larger than what the buddy allocator has (MAX_PAGE_ORDER 10, 4 MiB): never surplus."""
        return self.page_shift > MAX_PAGE_SHIFT

    @property
    def reachable_free(self) -> int:
        """Free pages that the task at work may take: on a machine of one node, all of them."""
        return self.free_huge_pages

    def set_nr_overcommit(self, count: int) -> Outcome:
        """A write of `count` to nr_overcommit_hugepages. EINVAL: gigantic pages."""
        if self.is_gigantic:
            return Outcome.EINVAL
        self.nr_overcommit_huge_pages = count
        return Outcome.OK

    def acct_memory(self, delta: int) -> bool:
        """hugetlb_acct_memory: promise `delta` pages more, or -`delta` fewer. False is ENOMEM: nothing is promised.

        Two tests, not one: what is missing must be obtainable as surplus, and the request alone must not exceed the
        free pages that can be reached. Only the second still refuses a large request while resv_huge_pages is wrapped.
        """
        if delta > 0:
            if not self._gather_surplus(delta):
                return False
            self.resv_huge_pages += delta
            if delta > self.reachable_free:
                self._return_unused_surplus(delta)
                return False
        elif delta < 0:
            self._return_unused_surplus(-delta)
        return True

    def _gather_surplus(self, delta: int) -> bool:
        """gather_surplus_pages: all that `delta` more promises lack, as surplus pages, or none."""
        needed = self.resv_huge_pages + delta - self.free_huge_pages
        if needed <= 0:
            return True
        if self.surplus_huge_pages + needed > self.nr_overcommit_huge_pages:
            return False
        self.nr_huge_pages += needed
        self.free_huge_pages += needed
        self.surplus_huge_pages += needed
        return True

    def _return_unused_surplus(self, unused: int) -> None:
        """return_unused_surplus_pages: withdraw `unused` promises, and as many free surplus pages with them."""
        self.resv_huge_pages -= unused
        pages = min(unused, self.surplus_huge_pages, self.free_huge_pages)
        self.nr_huge_pages -= pages
        self.free_huge_pages -= pages
        self.surplus_huge_pages -= pages

    def take_page(self, *, promised: bool) -> bool:
        """Take one page out of the pool for use: a free one, else a fresh surplus page. False if there is neither.

        Unless the page is `promised` to the taker, free pages that back other promises are left alone
        (dequeue_hugetlb_folio_vma, then alloc_buddy_hugetlb_folio_with_mpol).
        """
        if self.reachable_free > 0 and (promised or self.free_huge_pages != self.resv_huge_pages):
            self.free_huge_pages -= 1
            return True
        if self.surplus_huge_pages < self.nr_overcommit_huge_pages:
            self.surplus_huge_pages += 1
            self.nr_huge_pages += 1
            return True
        return False

    def put_page(self, *, stays: bool) -> None:
        """free_huge_folio, the pool's part: while there is surplus, a freed page leaves the pool unless it `stays`."""
        if self.surplus_huge_pages > 0 and not stays:
            self.surplus_huge_pages -= 1
            self.nr_huge_pages -= 1
        else:
            self.free_huge_pages += 1

    def set_max_huge_pages(self, count: int) -> None:
        """A write of `count` to nr_hugepages (set_max_huge_pages): the persistent pages wanted.

        Growth turns surplus pages into persistent ones, then allocates. Shrinking frees what nobody uses or was
        promised; what cannot be freed becomes surplus. The floor is compared unsigned: with a wrapped resv_huge_pages
        nothing is freed.
        """
        persistent = self.nr_huge_pages - self.surplus_huge_pages
        if count > persistent:
            adopted = min(self.surplus_huge_pages, count - persistent)
            self.surplus_huge_pages -= adopted
            fresh = count - persistent - adopted
            self.nr_huge_pages += fresh
            self.free_huge_pages += fresh
            return
        claimed = unsigned(self.resv_huge_pages + self.nr_huge_pages - self.free_huge_pages)
        floor = max(count, claimed)
        freed = max(0, min(persistent - floor, self.free_huge_pages))
        self.nr_huge_pages -= freed
        self.free_huge_pages -= freed
        self.surplus_huge_pages += persistent - freed - count
