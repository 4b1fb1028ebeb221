"""Whole numbers that are known in bounds, and what sums of them tell: bounds are tightened until nothing moves.

If a + b = 5, 0 <= a <= 9 and 2 <= b <= 3, then 2 <= a <= 3. That is all the reasoning there is: no number is guessed.
"""

from collections.abc import Sequence
from typing import NamedTuple

Bounds = tuple[int, int]
"""The least and the greatest that a number may be."""


class Sum(NamedTuple):
    """The numbers at `places` add up to `low` at least and to `high` at most; None: no such limit."""

    places: Sequence[int]
    low: int | None
    high: int | None


def tighten(bounds: Sequence[Bounds], sums: Sequence[Sum]) -> list[Bounds]:
    """The tightest bounds that the sums allow, taken one by one.

    The sums stand in the order in which they are trusted: one that contradicts those before it is left out.
    """
    trusted = _Trusted(bounds)
    for each in sums:
        trusted.add(each)
    return trusted.bounds


class _Trusted:
    """Bounds that are as tight as the sums so far allow.

    What each sum's numbers add up to at least and at most is kept up to date, and how far apart the bounds of each of
    them are at most: a sum with as much room as that can move none of them, and costs nothing.
    """

    def __init__(self, bounds: Sequence[Bounds]) -> None:
        self.bounds = list(bounds)
        self._sums: list[Sum] = []
        self._least: list[int] = []
        self._most: list[int] = []
        self._widest: list[int] = []
        self._users: dict[int, list[int]] = {}

    def add(self, total: Sum) -> None:
        """Tighten by one more sum and all before it; nothing happens where no numbers satisfy them all."""
        self._enter(total)
        before: dict[int, Bounds] = {}
        waiting = {len(self._sums) - 1}
        while waiting:
            index = waiting.pop()
            if not self._is_possible(index):
                self._undo(before)
                return
            if self._can_move(index):
                waiting |= self._apply(index, before)

    def _enter(self, total: Sum) -> None:
        self._sums.append(total)
        self._least.append(sum(self.bounds[place][0] for place in total.places))
        self._most.append(sum(self.bounds[place][1] for place in total.places))
        self._widest.append(self._width(total))
        for place in total.places:
            self._users.setdefault(place, []).append(len(self._sums) - 1)

    def _undo(self, before: dict[int, Bounds]) -> None:
        """Bounds as they were before the last sum, which is forgotten."""
        for place, bounds in before.items():
            self._set(place, bounds)
        for place in self._sums.pop().places:
            self._users[place].pop()
        for kept in (self._least, self._most, self._widest):
            kept.pop()

    def _is_possible(self, index: int) -> bool:
        _, low, high = self._sums[index]
        return (high is None or self._least[index] <= high) and (low is None or low <= self._most[index])

    def _can_move(self, index: int) -> bool:
        _, low, high = self._sums[index]
        rooms = [high - self._least[index]] if high is not None else []
        rooms += [self._most[index] - low] if low is not None else []
        return any(self._widest[index] > room for room in rooms)

    def _apply(self, index: int, before: dict[int, Bounds]) -> set[int]:
        """Tighten by one sum. Returns the sums that have to be looked at again."""
        total = self._sums[index]
        least, most = self._least[index], self._most[index]
        waiting: set[int] = set()
        for place in total.places:
            low, high = self.bounds[place]
            tighter = (
                low if total.low is None else max(low, total.low - most + high),
                high if total.high is None else min(high, total.high - least + low),
            )
            if tighter != (low, high):
                before.setdefault(place, (low, high))
                self._set(place, tighter)
                waiting.update(self._users[place])
        self._widest[index] = self._width(total)
        return waiting - {index}

    def _set(self, place: int, bounds: Bounds) -> None:
        (low, high), (new_low, new_high) = self.bounds[place], bounds
        self.bounds[place] = bounds
        for user in self._users[place]:
            self._least[user] += new_low - low
            self._most[user] += new_high - high
            self._widest[user] = max(self._widest[user], new_high - new_low)

    def _width(self, total: Sum) -> int:
        return max((self.bounds[place][1] - self.bounds[place][0] for place in total.places), default=0)
