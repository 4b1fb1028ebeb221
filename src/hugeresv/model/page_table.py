"""The page table of an address space, for the pages of one size: huge page number -> folio.

Two levels as on x86-64, where a page of PMD entries maps 1 GiB: a range costs what is present in it or the tables it
spans, never the length of a sparse mapping. Holds what private mappings map; a shared mapping's pages are in its
inode's cache.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from hugeresv.model.locks import Lock, takes

if TYPE_CHECKING:
    from hugeresv.model.folio import Folio

_BITS = 9
_MASK = (1 << _BITS) - 1
PTRS_PER_TABLE = 1 << _BITS
"""Entries of one table."""


class PageTable:
    """Entries by huge page number, the address divided by the page size."""

    __slots__ = ("tables",)

    lock = Lock("page_table_lock")
    """huge_pte_lock: a walk over a range takes it for one entry after the other."""

    def __init__(self) -> None:
        """An empty table."""
        self.tables: dict[int, dict[int, Folio]] = {}

    @takes(lock)
    def get(self, number: int) -> Folio | None:
        """huge_ptep_get: the folio mapped there, if any."""
        table = self.tables.get(number >> _BITS)
        return table.get(number & _MASK) if table is not None else None

    @takes(lock)
    def set(self, number: int, folio: Folio) -> None:
        """set_huge_pte_at: map `folio` there, whatever was mapped before."""
        table = self.tables.get(number >> _BITS)
        if table is None:
            table = self.tables[number >> _BITS] = {}
        table[number & _MASK] = folio

    @takes(lock)
    def clear(self, number: int, only: Folio | None = None) -> Folio | None:
        """huge_ptep_get_and_clear: map nothing there. What was mapped; None: nothing, or not `only`, and it stays.

        Who has seen an entry without the lock finds out here whether it is still there.
        """
        table = self.tables.get(number >> _BITS)
        folio = None if table is None else table.get(number & _MASK)
        if table is None or folio is None or (only is not None and folio is not only):
            return None
        del table[number & _MASK]
        if not table:
            del self.tables[number >> _BITS]
        return folio

    @takes(lock)
    def replace(self, number: int, old: Folio, new: Folio) -> bool:
        """huge_ptep_clear_flush: map `new` there, if `old` is still mapped there. Then one entry fewer maps `old`."""
        table = self.tables.get(number >> _BITS)
        if table is None or table.get(number & _MASK) is not old:
            return False
        table[number & _MASK] = new
        old.mapcount -= 1
        return True

    def at(self, number: int) -> Folio | None:
        """The folio mapped there, for a caller that holds the lock."""
        table = self.tables.get(number >> _BITS)
        return None if table is None else table.get(number & _MASK)

    @takes(lock)
    def copy_entry(self, number: int, source: PageTable) -> None:
        """copy_hugetlb_page_range: map what `source` maps there, if anything, for a child."""
        with source.lock:
            folio = source.at(number)
        if folio is not None:
            self.tables.setdefault(number >> _BITS, {})[number & _MASK] = folio
            folio.mapcount += 1

    @takes(lock)
    def move(self, number: int, folio: Folio, nid: int) -> int | None:
        """try_to_migrate, remove_migration_ptes: `folio` is on another node now; where it was. None: not mapped."""
        table = self.tables.get(number >> _BITS)
        if table is None or table.get(number & _MASK) is not folio:
            return None
        old, folio.nid = folio.nid, nid
        return old

    def items(self, first: int, end: int, less: int = 0) -> Iterator[tuple[int, Folio]]:
        """(number - `less`, folio) of what is mapped in [first, end), ascending. The table must stay as it is."""
        tables = self.tables
        low, high = first >> _BITS, (end - 1) >> _BITS
        if low == high and low not in tables:
            return
        for key in keys_within(tables, low, high + 1):
            table, base = tables[key], key << _BITS
            shown = base - less
            for slot in keys_within(table, first - base, end - base):
                yield shown + slot, table[slot]


def keys_within(table: Collection[int], first: int, end: int) -> list[int]:
    """What `table` has in [first, end), ascending; costs what the smaller of range and table does."""
    if end - first <= len(table):
        return [key for key in range(first, end) if key in table]
    return sorted(key for key in table if first <= key < end)
