"""What has become of a thing, as a film says it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import chain
from typing import Any

from hugeresv.kernels.protocol import PageState
from hugeresv.play.pages import PageRange, Stretch

Change = tuple[Any, ...]
"""A thing and its new value, or what of a list is replaced; without either it is gone."""

STATES = tuple(PageState)
"""A page's state is its place here."""

_NUMBERS = {state: number for number, state in enumerate(STATES)}

_SHORT = 8
"""A list of no more items is given whole."""


def flat(stretches: Iterable[Stretch]) -> list[int]:
    """Runs of pages as a film has them: state, pages, state, pages and so on."""
    return list(chain.from_iterable((_NUMBERS[state], pages) for state, pages in stretches))


def difference(before: Any, now: Any) -> Iterable[Any]:
    """A value whole, or where in a list it differs."""
    if not isinstance(before, list) or not isinstance(now, list) or len(now) <= _SHORT:
        return (now,)
    left = _alike(before, now)
    most = min(len(before), len(now)) - left
    right = _alike(before[len(before) - most :][::-1], now[len(now) - most :][::-1]) if most else 0
    return left, len(before) - left - right, now[left : len(now) - right]


def replaced(edges: list[int], first: int, end: int, ranges: Iterable[PageRange]) -> tuple[int, int, list[int]]:
    """`ranges` are what of [first, end) is inside from now on: from which edge on how many give way to which.

    `edges` are ranges as from, to, from, to, …; those that meet become one.
    """
    left, right = bisect_left(edges, first), bisect_right(edges, end)
    inside = [*ranges]
    if left & 1:
        left -= 1
        inside.insert(0, (edges[left], first))
    if right & 1:
        inside.append((end, edges[right]))
        right += 1
    found: list[int] = []
    for f, t in inside:
        if found and found[-1] == f:
            found[-1] = t
        else:
            found += (f, t)
    return left, right - left, found


def _alike(left: list[Any], right: list[Any]) -> int:
    """How many items at their beginnings are the same; found by halves, since whole slices are compared fast."""
    low, high = 0, min(len(left), len(right))
    if left[:high] == right[:high]:
        return high
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
