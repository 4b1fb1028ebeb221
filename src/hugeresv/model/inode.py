"""A hugetlbfs file, `struct inode` and its address_space: size, page cache, reservation map, and who maps it.

Every huge page mapping has one: an anonymous mapping and a SysV segment have an inode of their own on the kernel's
internal mount, without a subpool. fs/hugetlbfs/inode.c, 6.18.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.i_mmap import IMmap
from hugeresv.model.locks import Lock, takes
from hugeresv.model.page_table import keys_within
from hugeresv.model.resv_map import ResvMap

if TYPE_CHECKING:
    from hugeresv.model.folio import Folio
    from hugeresv.model.hstate import HState
    from hugeresv.model.subpool import Subpool
    from hugeresv.model.vma import Vma


class Inode:
    """Sizes and indices in huge pages; no page of the cache lies at or behind `cache_end`.

    `shm_locked`: a segment that counts as locked memory of its user.

    `handles` counts descriptors and segment ids, `vmas` the VMAs: with neither, the file goes.

    `i_mmap` has the private VMAs; the shared ones only where there are several NUMA nodes. A shared VMA's pages are
    found through the page cache whether its page table has them or not, which nothing can tell but migration; a private
    VMA's page table matters.
    """

    __slots__ = (
        "cache_end",
        "handles",
        "hstate",
        "i_mmap",
        "i_size",
        "page_cache",
        "resv_map",
        "shm_locked",
        "subpool",
        "sysv",
        "vmas",
    )

    i_rwsem = Lock("i_rwsem")
    i_mmap_rwsem = Lock("i_mmap_rwsem")
    fault_mutex = Lock("hugetlb_fault_mutex")
    i_pages = Lock("i_pages")
    """One for each index of the file (hugetlb_fault_mutex_hash)."""

    def __init__(self, hstate: HState, subpool: Subpool | None = None, i_size: int = 0, *, sysv: bool = False) -> None:
        """An empty file without users, of the pages of one pool; `sysv`: it is a SysV segment's."""
        self.hstate = hstate
        self.subpool = subpool
        self.i_size = i_size
        self.sysv = sysv
        self.shm_locked = False
        self.cache_end = 0
        self.page_cache: dict[int, Folio] = {}
        self.resv_map = ResvMap()
        self.i_mmap = IMmap()
        self.vmas = 0
        self.handles = 0

    @property
    def in_use(self) -> bool:
        """Whether anybody has it open, attached or mapped."""
        return bool(self.vmas or self.handles)

    def cached_in(self, first: int, end: int) -> list[int]:
        """The indices in [first, end) that have a page, ascending; costs what the smaller of range and cache does."""
        return keys_within(self.page_cache, first, min(end, self.cache_end))

    @takes(i_pages)
    def add_to_page_cache(self, index: int, folio: Folio) -> None:
        """hugetlb_add_to_page_cache: the folio is the file's, no longer anonymous."""
        folio.anon = False
        folio.restore_reserve = False
        folio.mapcount = 0
        self._store(index, folio)

    @takes(i_pages)
    def remove_from_page_cache(self, index: int) -> Folio:
        """hugetlb_delete_from_page_cache: the folio there is the file's no more."""
        return self._erase(index)

    def _store(self, index: int, folio: Folio) -> None:
        self.page_cache[index] = folio
        if index >= self.cache_end:
            self.cache_end = index + 1

    def _erase(self, index: int) -> Folio:
        return self.page_cache.pop(index)

    @takes(i_mmap_rwsem)
    def attach(self, vma: Vma, after: Vma | None = None) -> None:
        """vma_link_file: a VMA maps this file; fork puts the child's `after` its parent's, before what came later."""
        self.vmas += 1
        if self._tells(vma):
            self.i_mmap.insert(vma, after)

    @takes(i_mmap_rwsem)
    def detach(self, vma: Vma) -> None:
        """unlink_file_vma: a VMA maps this file no more."""
        self.vmas -= 1
        if self._tells(vma):
            self.i_mmap.remove(vma)

    @takes(i_mmap_rwsem)
    def split(self, vma: Vma, upper: Vma) -> None:
        """vma_prepare, vma_complete: `vma` ends where `upper` begins, and both are in the tree as newcomers."""
        self.vmas += 1
        if not self._tells(vma):
            vma.vm_end = upper.vm_start
            return
        self.i_mmap.remove(vma)
        vma.vm_end = upper.vm_start
        self.i_mmap.insert(vma)
        self.i_mmap.insert(upper)

    def _tells(self, vma: Vma) -> bool:
        """Whether it matters what the page table of `vma` maps."""
        return not vma.shared or self.hstate.is_numa
