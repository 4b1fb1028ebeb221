"""The address space of a process, `struct mm_struct`: its VMAs in address order and its page tables.

What is mapped is in `page_tables`; which tables there are, mapping something or not, is in `upper_tables`: only the
length that mremap(2) has moved depends on it, and they are kept where a kernel tells it as an int (`mremap`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from hugeresv.model.locks import Lock
from hugeresv.model.page_table import PageTable, keys_within

if TYPE_CHECKING:
    from hugeresv.model.vma import Vma

TASK_SIZE = (1 << 47) - 4096
"""End of the user address space in bytes (x86-64, four-level page tables)."""


PMD_TABLE_SHIFT, PUD_TABLE_SHIFT = 30, 39
"""What a table covers whose entries map 2 MiB each, and one whose entries map 1 GiB (x86-64)."""


def _covered(page_shift: int) -> int:
    """The bytes that a table with entries for pages of this size covers, as a binary logarithm."""
    return PMD_TABLE_SHIFT if page_shift < PMD_TABLE_SHIFT else PUD_TABLE_SHIFT


class AddressSpace:
    """VMAs never overlap. Mappings of huge pages never merge (VM_DONTEXPAND is in VM_SPECIAL), so neither do these."""

    __slots__ = ("page_tables", "starts", "upper_tables", "vmas")

    mmap_lock = Lock("mmap_lock")
    """mmap_sem before 5.8."""
    fault_mutex = Lock("hugetlb_fault_mutex")
    """One for each page of its private mappings, in kernels whose private faults have mutexes of their own."""

    def __init__(self) -> None:
        """Empty."""
        self.starts: list[int] = []
        self.vmas: list[Vma] = []
        self.page_tables: dict[int, PageTable] = {}
        self.upper_tables: dict[int, set[int]] = {PMD_TABLE_SHIFT: set(), PUD_TABLE_SHIFT: set()}
        """By the bytes that one of them covers, as a binary logarithm: the addresses shifted by that."""

    def page_table(self, page_shift: int) -> PageTable:
        """What is mapped of the pages of one size, by the binary logarithm of their bytes."""
        table = self.page_tables.get(page_shift)
        if table is None:
            table = self.page_tables[page_shift] = PageTable()
        return table

    def make_tables(self, address: int, page_shift: int) -> None:
        """huge_pte_alloc: the tables on the way to the entry of `address`, whether a page will be had or not."""
        self.upper_tables[PUD_TABLE_SHIFT].add(address >> PUD_TABLE_SHIFT)
        if page_shift < PMD_TABLE_SHIFT:
            self.upper_tables[PMD_TABLE_SHIFT].add(address >> PMD_TABLE_SHIFT)

    def has_table(self, address: int, page_shift: int) -> bool:
        """hugetlb_walk: whether the table that the entry of `address` would be in exists."""
        shift = _covered(page_shift)
        return address >> shift in self.upper_tables[shift]

    def copy_tables(self, parent: AddressSpace, start: int, end: int, page_shift: int) -> None:
        """copy_hugetlb_page_range: the tables in which the parent has entries for [start, end), empty ones too."""
        shift = _covered(page_shift)
        for number in keys_within(parent.upper_tables[shift], start >> shift, ((end - 1) >> shift) + 1):
            self.make_tables(number << shift, page_shift)

    def free_tables(self, start: int, end: int) -> None:
        """free_pgtables: tables of [start, end) go where no VMA is left in what they cover."""
        for shift, tables in self.upper_tables.items():
            if not self.vmas:
                tables.clear()
                continue
            for number in keys_within(tables, start >> shift, ((end - 1) >> shift) + 1):
                if not self.overlapping(number << shift, (number + 1) << shift):
                    tables.remove(number)

    def find(self, address: int) -> Vma | None:
        """The VMA that covers `address`."""
        position = bisect_right(self.starts, address) - 1
        if position >= 0:
            vma = self.vmas[position]
            if address < vma.vm_end:
                return vma
        return None

    def overlapping(self, start: int, end: int) -> list[Vma]:
        """The VMAs that have a byte in [start, end), in address order."""
        if start >= end:
            return []
        first = bisect_right(self.starts, start) - 1
        if first < 0 or self.vmas[first].vm_end <= start:
            first += 1
        return self.vmas[first : bisect_left(self.starts, end)]

    def insert(self, vma: Vma) -> None:
        """Add a VMA whose range is free."""
        position = bisect_left(self.starts, vma.vm_start)
        self.starts.insert(position, vma.vm_start)
        self.vmas.insert(position, vma)

    def remove(self, vma: Vma) -> None:
        """Take a VMA out."""
        position = bisect_left(self.starts, vma.vm_start)
        del self.starts[position], self.vmas[position]
