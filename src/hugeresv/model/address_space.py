"""The address space of a process, `struct mm_struct`: its VMAs in address order and its page tables."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from hugeresv.model.locks import Lock
from hugeresv.model.page_table import PageTable

if TYPE_CHECKING:
    from hugeresv.model.vma import Vma

TASK_SIZE = (1 << 47) - 4096
"""End of the user address space in bytes (x86-64, four-level page tables)."""


class AddressSpace:
    """VMAs never overlap. Mappings of huge pages never merge (VM_DONTEXPAND is in VM_SPECIAL), so neither do these."""

    __slots__ = ("page_tables", "starts", "vmas")

    mmap_lock = Lock("mmap_lock")
    """mmap_sem before 5.8."""
    fault_mutex = Lock("hugetlb_fault_mutex")
    """One for each page of its private mappings, in kernels whose private faults have mutexes of their own."""

    def __init__(self) -> None:
        """Empty."""
        self.starts: list[int] = []
        self.vmas: list[Vma] = []
        self.page_tables: dict[int, PageTable] = {}

    def page_table(self, page_shift: int) -> PageTable:
        """What is mapped of the pages of one size, by the binary logarithm of their bytes."""
        table = self.page_tables.get(page_shift)
        if table is None:
            table = self.page_tables[page_shift] = PageTable()
        return table

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
