"""One contiguous piece of a mapping, `struct vm_area_struct`, and what a huge page VMA carries in vm_private_data.

The kernel packs the flags into the low bits of a pointer (the top bits of a count before 2.6.27); here they have names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hugeresv.model.base_page import PAGE_SHIFT
from hugeresv.model.i_mmap import Link

if TYPE_CHECKING:
    from hugeresv.model.address_space import AddressSpace
    from hugeresv.model.folio import Folio
    from hugeresv.model.inode import Inode
    from hugeresv.model.mempolicy import MemPolicy
    from hugeresv.model.resv_map import ResvMap
    from hugeresv.words import Prot

HPAGE_RESV_UNMAPPED = 1 << 62
"""The lower of the two flags above the count in vm_private_data, before 2.6.27."""


class Vma(Link):
    """Addresses `vm_start` and `vm_end` in bytes, half-open; `vm_pgoff` is the file index of `vm_start` in huge pages.

    `inode` is None for a mapping of ordinary pages, the only ones that can be `locked` (VM_LOCKED); `may_write` False
    for a segment attached read-only (VM_MAYWRITE). `policy` is that of mbind(2), None without. `page_table` has the
    entries of its address space for pages of its size. `anon_vma`: a private mapping has had a page of its own. The
    rest is vm_private_data of a private mapping:

    resv_map     the map that all pieces of one mmap share; None without a reservation (NORESERVE, a child, an orphan)
    owner        HPAGE_RESV_OWNER: belongs to the process that called mmap, and may use its reservation
    unmapped     HPAGE_RESV_UNMAPPED: a page was taken from it; a fault that finds no page fails from now on
    resv_count   the reservations left, where they are counted in the VMA itself (before 2.6.27)
    """

    __slots__ = (
        "anon_vma",
        "dontfork",
        "inode",
        "locked",
        "may_write",
        "mm",
        "noreserve",
        "owner",
        "page_shift",
        "page_table",
        "policy",
        "prot",
        "resv_count",
        "resv_map",
        "shared",
        "unmapped",
        "vm_end",
        "vm_pgoff",
        "vm_start",
    )

    def __init__(
        self,
        mm: AddressSpace,
        vm_start: int,
        vm_end: int,
        *,
        inode: Inode | None,
        vm_pgoff: int = 0,
        shared: bool = False,
        noreserve: bool = False,
        prot: Prot = "rw",
    ) -> None:
        """A VMA without a reservation, not yet in its address space."""
        self.before = self.behind = None
        self.mm = mm
        self.vm_start = vm_start
        self.vm_end = vm_end
        self.inode = inode
        self.page_shift = inode.hstate.page_shift if inode is not None else PAGE_SHIFT
        self.page_table = mm.page_table(self.page_shift)
        self.vm_pgoff = vm_pgoff
        self.shared = shared
        self.noreserve = noreserve
        self.prot: Prot = prot
        self.may_write = True
        self.locked = False
        self.dontfork = False
        self.anon_vma = False
        self.policy: MemPolicy | None = None
        self.clear_private_data()

    def clear_private_data(self) -> None:
        """reset_vma_resv_huge_pages, hugetlb_dup_vma_private: no map, no count and no flags; drops no reference."""
        self.resv_map: ResvMap | None = None
        self.owner = False
        self.unmapped = False
        self.resv_count = 0

    def count_down(self) -> None:
        """decrement_hugepage_resv_vma before 2.6.27: one reservation fewer is left.

        A count of 0 borrows from the flag above it, HPAGE_RESV_UNMAPPED, which from then on is set.
        """
        if self.resv_count == 0:
            self.unmapped = True
        self.resv_count = (self.resv_count - 1) % HPAGE_RESV_UNMAPPED

    def copy(self, mm: AddressSpace) -> Vma:
        """A copy of all fields, as vm_area_dup makes it: the copy takes no reference."""
        new = Vma.__new__(Vma)
        new.before = new.behind = None
        new.mm = mm
        new.vm_start = self.vm_start
        new.vm_end = self.vm_end
        new.inode = self.inode
        new.page_shift = self.page_shift
        new.page_table = self.page_table if mm is self.mm else mm.page_table(self.page_shift)
        new.vm_pgoff = self.vm_pgoff
        new.shared = self.shared
        new.noreserve = self.noreserve
        new.prot = self.prot
        new.may_write = self.may_write
        new.locked = self.locked
        new.dontfork = self.dontfork
        new.anon_vma = self.anon_vma
        new.policy = self.policy
        new.resv_map = self.resv_map
        new.owner = self.owner
        new.unmapped = self.unmapped
        new.resv_count = self.resv_count
        return new

    def pagecache_offset(self, address: int) -> int:
        """vma_pagecache_offset: the huge-page index of `address` in its file.

        vm_pgoff moves with vm_start when a VMA is split, so the index of an address never changes: this is why one
        reservation map serves all pieces of a mapping.
        """
        return ((address - self.vm_start) >> self.page_shift) + self.vm_pgoff

    def address_of(self, index: int) -> int:
        """The address in bytes of a file index, wherever it lies."""
        return self.vm_start + ((index - self.vm_pgoff) << self.page_shift)

    def present(self, first: int | None = None, end: int | None = None) -> Iterator[tuple[int, Folio]]:
        """(file index, folio) of what the VMA maps of file indices [first, end), ascending; by default of all.

        A shared VMA maps nothing where there is one node: its pages are in its file's cache (`Inode.cached_in`). The
        page table must not change meanwhile.
        """
        base = (self.vm_start >> self.page_shift) - self.vm_pgoff
        if first is None:
            first = self.vm_pgoff
        if end is None:
            end = self.end_index
        return self.page_table.items(first + base, end + base, base)

    @property
    def page_base(self) -> int:
        """The entry of the page table that belongs to file index 0; that of any other index lies as far from it."""
        return (self.vm_start >> self.page_shift) - self.vm_pgoff

    @property
    def first_index(self) -> int:
        """File index of the first page."""
        return self.vm_pgoff

    @property
    def end_index(self) -> int:
        """File index behind the last page."""
        return self.vm_pgoff + ((self.vm_end - self.vm_start) >> self.page_shift)
