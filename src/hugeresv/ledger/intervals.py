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
    trusted: list[Sum] = []
    tight = list(bounds)
    for each in sums:
        trial = _propagate(tight, [*trusted, each])
        if trial is not None:
            trusted.append(each)
            tight = trial
    return tight


def _propagate(bounds: Sequence[Bounds], sums: Sequence[Sum]) -> list[Bounds] | None:
    """The fixpoint of all sums, the last of which is new; None where no numbers satisfy them all."""
    tight = list(bounds)
    users: dict[int, list[int]] = {}
    for index, each in enumerate(sums):
        for place in each.places:
            users.setdefault(place, []).append(index)
    waiting = {len(sums) - 1}
    while waiting:
        index = waiting.pop()
        moved = _apply(sums[index], tight)
        if moved is None:
            return None
        waiting |= {user for place in moved for user in users[place]} - {index}
    return tight


def _apply(total: Sum, bounds: list[Bounds]) -> list[int] | None:
    """Tighten the bounds in place by one sum. Returns the places that moved, None where the sum cannot be."""
    least = sum(bounds[place][0] for place in total.places)
    most = sum(bounds[place][1] for place in total.places)
    if (total.high is not None and least > total.high) or (total.low is not None and most < total.low):
        return None
    moved = []
    for place in total.places:
        low, high = bounds[place]
        others_least, others_most = least - low, most - high
        tighter = (
            low if total.low is None else max(low, total.low - others_most),
            high if total.high is None else min(high, total.high - others_least),
        )
        if tighter != (low, high):
            bounds[place] = tighter
            moved.append(place)
    return moved
