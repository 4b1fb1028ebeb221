"""The pool of one page size, `struct hstate`: its counters, and how pages and promises enter and leave it.

Counters are signed and in huge pages: an underflow shows as a negative number where the kernel prints 2^64 - n. Each
but one is also kept per NUMA node: a promise belongs to no node. How a pool is resized is in `resize`. mm/hugetlb.c,
6.18.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from hugeresv.model.locks import allocate, hugetlb_lock, portions, takes

if TYPE_CHECKING:
    from hugeresv.model.mempolicy import Placement

MAX_PAGE_SHIFT = 22


class HStateNode:
    """What a pool has on one node: its pages, and how many of them are free, and surplus."""

    __slots__ = ("free_huge_pages", "nr_huge_pages", "surplus_huge_pages")

    def __init__(self, nr_huge_pages: int) -> None:
        """All free."""
        self.nr_huge_pages = nr_huge_pages
        self.free_huge_pages = nr_huge_pages
        self.surplus_huge_pages = 0


class Cursor:
    """Whose turn it is among the nodes: next_nid_to_alloc, or next_nid_to_free. It outlives the call that moved it."""

    __slots__ = ("next_nid",)

    def __init__(self, next_nid: int) -> None:
        """At this node."""
        self.next_nid = next_nid

    def find(self, nodes: Placement, fits: Callable[[int], bool]) -> int | None:
        """The next of `nodes` (ascending) that fits, in one round. To be looked at is a node's turn, fit or not."""
        for _ in nodes:
            nid = next((nid for nid in nodes if nid >= self.next_nid), nodes[0])
            self.next_nid = next((other for other in nodes if other > nid), nodes[0])
            if fits(nid):
                return nid
        return None


class HState:
    """One page size's pool. What no promise claims is free_huge_pages - resv_huge_pages, on whichever node it is."""

    __slots__ = (
        "demote_shift",
        "free_huge_pages",
        "is_numa",
        "nodes",
        "nr_huge_pages",
        "nr_overcommit_huge_pages",
        "page_shift",
        "resv_huge_pages",
        "surplus_huge_pages",
        "to_alloc",
        "to_free",
    )

    lock = hugetlb_lock

    def __init__(
        self, page_bytes: int, nr_huge_pages: int | Mapping[int, int], nr_overcommit_huge_pages: int = 0
    ) -> None:
        """A pool of free pages: a number is on node 0, or one for each node's number.

        ValueError unless the size is a power of two >= 4096, there is a node, and the counts are >= 0.
        """
        if page_bytes < 4096 or page_bytes & (page_bytes - 1):
            raise ValueError(f"page size {page_bytes} bytes is not a power of two of at least 4096")
        numbers = {0: nr_huge_pages} if isinstance(nr_huge_pages, int) else dict(sorted(nr_huge_pages.items()))
        if not numbers or min(numbers.values()) < 0 or nr_overcommit_huge_pages < 0:
            raise ValueError(f"negative pool size: {nr_huge_pages} pages, overcommit {nr_overcommit_huge_pages}")
        self.page_shift = page_bytes.bit_length() - 1
        self.nr_huge_pages = sum(numbers.values())
        self.free_huge_pages = self.nr_huge_pages
        self.resv_huge_pages = 0
        self.surplus_huge_pages = 0
        self.nr_overcommit_huge_pages = nr_overcommit_huge_pages
        self.nodes = {nid: HStateNode(number) for nid, number in numbers.items()}
        self.is_numa = len(numbers) > 1
        """Whether there are several nodes: then pages can move, and it matters which page tables map them."""
        self.to_alloc = Cursor(next(iter(self.nodes)))
        self.to_free = Cursor(next(iter(self.nodes)))
        self.demote_shift: int | None = None
        """Of the page size that a page is demoted to; None: pages of this size are not demoted."""

    @property
    def page_bytes(self) -> int:
        """Size of a huge page in bytes."""
        return 1 << self.page_shift

    @property
    def is_gigantic(self) -> bool:
        """hstate_is_gigantic: larger than what the buddy allocator has (MAX_PAGE_ORDER 10, 4 MiB)."""
        return self.page_shift > MAX_PAGE_SHIFT

    @property
    def persistent_huge_pages(self) -> int:
        """persistent_huge_pages: the pages that are no surplus."""
        return self.nr_huge_pages - self.surplus_huge_pages

    def acct_memory(
        self, delta: int, gather: Placement = (), allowed: Placement = (), *, lets_go: bool = False
    ) -> bool:
        """hugetlb_acct_memory: promise `delta` pages more, or -`delta` fewer. False is ENOMEM: nothing is promised.

        Two tests, not one: what is missing must be obtainable as surplus, and the request alone must not exceed the
        free pages of the `allowed` nodes, promised or not. Only the second still refuses a large request while
        resv_huge_pages is wrapped. Surplus pages come from the nodes `gather`. Both are all nodes where none is given.
        `lets_go`: promises and their surplus pages do not come, or go, in one step: others run in between.
        """
        return delta == 0 or self._account(delta, gather or tuple(self.nodes), allowed, lets_go=lets_go)

    @takes(lock)
    def _account(self, delta: int, gather: Placement, allowed: Placement, *, lets_go: bool) -> bool:
        """hugetlb_acct_memory, for a number that is not 0."""
        if delta < 0:
            self._return_unused_surplus(-delta, lets_go=lets_go)
            return True
        if not self._gather_surplus(delta, gather[0], lets_go=lets_go):
            return False
        if delta > self._free_on(allowed):
            self._return_unused_surplus(delta)
            return False
        return True

    def _free_on(self, allowed: Placement) -> int:
        """allowed_mems_nr: the free pages of some nodes."""
        if not allowed or len(allowed) == len(self.nodes):
            return self.free_huge_pages
        return sum(self.nodes[nid].free_huge_pages for nid in allowed)

    def _gather_surplus(self, delta: int, nid: int, *, lets_go: bool) -> bool:
        """gather_surplus_pages: promise `delta` pages, and get all that they lack as surplus pages; or neither.

        What is free counts wherever it is, so that there may be nothing to gather for who is kept from it. Pages are
        allocated without the lock, so that what is lacking is counted anew each time. They enter the pool together with
        the promises: no call can take them in between.
        """
        needed = self.resv_huge_pages + delta - self.free_huge_pages
        fresh, more = 0, True
        while needed > fresh and more:
            with self.lock.dropped:
                got = self._allocate_surplus(nid, needed - fresh)
            more = got == needed - fresh
            fresh += got
            needed = self.resv_huge_pages + delta - self.free_huge_pages
        enough = needed <= fresh
        added = max(needed, 0) if enough else 0
        if added:
            self.count(nid, free=added)
        if enough and not lets_go:
            self.resv_huge_pages += delta
        if fresh > added:
            self._drop_surplus(nid, fresh - added, lets_go=lets_go)
        if enough and lets_go:
            self.resv_huge_pages += delta
        return enough

    def _drop_surplus(self, nid: int, pages: int, *, lets_go: bool) -> None:
        """Surplus pages that are in no list go back, or into the pool where they are persistent pages meanwhile."""
        if lets_go:
            with self.lock.dropped:
                pass  # free_huge_page takes it
        gone = min(pages, self.nodes[nid].surplus_huge_pages)
        self.count(nid, nr=-gone, surplus=-gone, free=pages - gone)

    def _allocate_surplus(self, nid: int, pages: int) -> int:
        """alloc_surplus_hugetlb_folio, as often as it succeeds: how many of `pages` there are, counted, in no list."""
        fresh = 0
        for portion in portions(pages):
            if not allocate("surplus page") or not self._add_surplus(nid, portion):
                break
            fresh += portion
        return fresh

    @takes(lock)
    def _add_surplus(self, nid: int, pages: int) -> bool:
        """alloc_surplus_hugetlb_folio: fresh pages are counted; beyond the limit they go back instead."""
        if self.surplus_huge_pages + pages > self.nr_overcommit_huge_pages:
            return False
        self.count(nid, nr=pages, surplus=pages)
        return True

    def _return_unused_surplus(self, unused: int, *, lets_go: bool = False) -> None:
        """return_unused_surplus_pages: withdraw `unused` promises, and as many free surplus pages of any node."""
        self.resv_huge_pages -= unused
        pages = min(unused, self.surplus_huge_pages)
        if not lets_go:
            self.remove_free_pages(pages, tuple(self.nodes), _free_surplus, surplus=True)
            return
        for _ in range(pages):
            self.remove_free_pages(1, tuple(self.nodes), _free_surplus, surplus=True)
            with self.lock.dropped:
                pass  # cond_resched_lock

    def remove_free_pages(
        self, most: int, nodes: Placement, removable: Callable[[HStateNode], int], *, surplus: bool = False
    ) -> None:
        """remove_pool_hugetlb_folio, up to `most` times: free pages of `nodes` leave the pool, a page of each in turn.

        `removable` says how many a node has to give; `surplus`: they are counted off as surplus pages.
        """
        while most > 0:
            nid = self.to_free.find(nodes, lambda nid: removable(self.nodes[nid]) > 0)
            if nid is None:
                return
            pages = turn(nodes, most, removable(self.nodes[nid]))
            self.count(nid, nr=-pages, free=-pages, surplus=-pages if surplus else 0)
            most -= pages

    @takes(lock)
    def take_page(
        self, nodes: Placement = (), *, promised: bool, consumes: bool, fresh_consumes: bool
    ) -> tuple[int, bool] | None:
        """dequeue_hugetlb_folio_vma: take a page, from the first of `nodes` that has one; answers its node, and more.

        A free page, else a fresh surplus page; None where neither can be had. Unless the page is `promised` to the
        taker, free pages that back other promises are left alone, which looks at no node (dequeue_hugetlb_folio_vma,
        then alloc_buddy_hugetlb_folio_with_mpol). Whether it uses up a promise, which the answer repeats, is said of a
        page that was free, and of a fresh one.
        """
        nodes = nodes or tuple(self.nodes)
        if promised or self.free_huge_pages != self.resv_huge_pages:
            for nid in nodes:
                node = self.nodes[nid]
                if node.free_huge_pages > 0:
                    node.free_huge_pages -= 1
                    self.free_huge_pages -= 1
                    if consumes:
                        self.resv_huge_pages -= 1
                    return nid, consumes
        if self.surplus_huge_pages >= self.nr_overcommit_huge_pages:
            return None
        with self.lock.dropped:
            fresh = self._allocate_surplus(nodes[0], 1)
        if not fresh:
            return None
        if fresh_consumes:
            self.resv_huge_pages -= 1
        return nodes[0], fresh_consumes

    @takes(lock)
    def put_page(self, nid: int, *, promised: bool, stays: bool) -> None:
        """free_huge_folio, the pool's part: while its node has surplus, a page leaves the pool unless it `stays`.

        `promised`: it backs a promise again.
        """
        if promised:
            self.resv_huge_pages += 1
        node = self.nodes[nid]
        if node.surplus_huge_pages > 0 and not stays:
            self.count(nid, nr=-1, surplus=-1)
        else:
            node.free_huge_pages += 1
            self.free_huge_pages += 1

    @takes(lock)
    def dequeue_unpromised(self, nodes: Placement) -> int | None:
        """alloc_hugetlb_folio_nodemask: a free page for a page that moves, from the first of `nodes` that has one.

        Its node; None where there is none, or all free pages are promised.
        """
        if self.free_huge_pages == self.resv_huge_pages:
            return None
        nid = next((nid for nid in nodes if self.nodes[nid].free_huge_pages > 0), None)
        if nid is not None:
            self.count(nid, free=-1)
        return nid

    @takes(lock)
    def add_temporary(self, nid: int, *, persistent: bool) -> None:
        """alloc_migrate_hugetlb_folio: a fresh page for a page that moves is counted, whatever overcommit says.

        `persistent`: not as a surplus page, so that the pool seems to have one page more than it is to keep.
        """
        self.count(nid, nr=1, surplus=0 if persistent else 1)

    @takes(lock)
    def drop_temporary(self, nid: int, *, persistent: bool) -> None:
        """free_huge_folio: the fresh page goes, since the page that was to move stays."""
        self.count(nid, nr=-1, surplus=0 if persistent else -1)

    @takes(lock)
    def remove_temporary(self, old: int, nid: int, *, promised: bool, persistent: bool) -> None:
        """move_hugetlb_state: the page moved from `old` to a fresh one of `nid`, and with it a surplus page.

        `promised`: a promise that it was to become again.
        """
        self.count(old, nr=-1)
        surplus = next((each for each in (old, nid) if self.nodes[each].surplus_huge_pages > 0), None)
        if surplus is not None and not persistent:
            self.count(surplus, surplus=-1)
        elif surplus == old != nid:
            self.count(old, surplus=-1)
            self.count(nid, surplus=1)
        self.resv_huge_pages += promised

    def count(self, nid: int, *, nr: int = 0, free: int = 0, surplus: int = 0) -> None:
        """Count so many pages more on a node, and in all."""
        node = self.nodes[nid]
        node.nr_huge_pages += nr
        node.free_huge_pages += free
        node.surplus_huge_pages += surplus
        self.nr_huge_pages += nr
        self.free_huge_pages += free
        self.surplus_huge_pages += surplus


def _free_surplus(node: HStateNode) -> int:
    """What may be a surplus page and is free."""
    return min(node.free_huge_pages, node.surplus_huge_pages)


def turn(nodes: Placement, most: int, there: int) -> int:
    """How many of `most` pages a node gives or gets in its turn, of those that are `there`: one where others follow."""
    return 1 if len(nodes) > 1 else min(most, there)
