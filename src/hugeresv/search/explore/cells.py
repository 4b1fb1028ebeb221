"""A view in one number: a few bits for each cell, so that what an operation leaves alone is a mask."""

from __future__ import annotations

from collections.abc import Sequence

from hugeresv.errors import UnsupportedError
from hugeresv.search.explore.numbers import STATE_BITS, Numbers
from hugeresv.search.explore.parts import Cell, View

_MOST_BITS = 12
"""Of a cell; where there are many cells, each has fewer."""


class Cells:
    """Every position of a view has numbers of its own for what was seen there; nothing (None) is 0."""

    def __init__(self, positions: int) -> None:
        """UnsupportedError for more positions than a number has bits."""
        self._bits = min(_MOST_BITS, STATE_BITS // positions)
        if not self._bits:
            raise UnsupportedError(f"{positions} pages are too many for the table; use --engine plain")
        self._numbers: list[Numbers[Cell]] = []
        for _ in range(positions):
            self._numbers.append(Numbers("kinds of pages", self._bits))
            self._numbers[-1].number(None)

    def pack(self, view: View) -> int:
        """A view in one number."""
        packed = 0
        for position, cell in enumerate(view):
            if cell is not None:
                packed |= self._numbers[position].number(cell) << position * self._bits
        return packed

    def unpack(self, packed: int) -> View:
        """The view again."""
        mask = (1 << self._bits) - 1
        return tuple(
            numbers.values[packed >> position * self._bits & mask] for position, numbers in enumerate(self._numbers)
        )

    def mask(self, positions: Sequence[int] | None) -> int:
        """All bits of these positions; of None, of all."""
        places = range(len(self._numbers)) if positions is None else positions
        return sum(((1 << self._bits) - 1) << position * self._bits for position in places)
