"""The page table of an address space: huge page number -> folio.

Two levels as on x86-64, where a page of PMD entries maps 1 GiB: a range costs what is present in it or the tables it
spans, never the length of a sparse mapping. Holds what private mappings map; a shared mapping's pages are in its
inode's cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hugeresv.model.folio import Folio

_BITS = 9
_MASK = (1 << _BITS) - 1
PTRS_PER_TABLE = 1 << _BITS
"""Entries of one table."""


class PageTable:
    """Entries by huge page number, the address divided by the page size."""

    __slots__ = ("tables",)

    def __init__(self) -> None:
        """An empty table."""
        self.tables: dict[int, dict[int, Folio]] = {}

    def get(self, number: int) -> Folio | None:
        """The folio mapped there, if any."""
        table = self.tables.get(number >> _BITS)
        return table.get(number & _MASK) if table is not None else None

    def set(self, number: int, folio: Folio) -> None:
        """Map `folio` there, whatever was mapped before."""
        table = self.tables.get(number >> _BITS)
        if table is None:
            table = self.tables[number >> _BITS] = {}
        table[number & _MASK] = folio

    def clear(self, number: int) -> None:
        """Map nothing there. KeyError if nothing was."""
        table = self.tables[number >> _BITS]
        del table[number & _MASK]
        if not table:
            del self.tables[number >> _BITS]

    def items(self, first: int, end: int) -> Iterator[tuple[int, Folio]]:
        """(number, folio) of what is mapped in [first, end), ascending. The table must not change meanwhile."""
        low, high = first >> _BITS, (end - 1) >> _BITS
        if high - low < len(self.tables):
            keys = [key for key in range(low, high + 1) if key in self.tables]
        else:
            keys = sorted(key for key in self.tables if low <= key <= high)
        for key in keys:
            base = key << _BITS
            for slot, folio in sorted(self.tables[key].items(), key=_slot):
                if first <= base + slot < end:
                    yield base + slot, folio


def _slot(item: tuple[int, Folio]) -> int:
    return item[0]
