"""The pages of a mapping as they were last seen, of which a part can be put in the place of another."""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, groupby
from operator import itemgetter
from typing import NamedTuple

from hugeresv.kernels.protocol import PageState

Stretch = tuple[PageState, int]
"""A state, and how many neighbouring pages are in it."""

PageRange = tuple[int, int]
"""Pages [first, end)."""

NEAR = 80
"""How many runs on either side of a change are near it: together more than a terminal has columns for."""


class PageRun(NamedTuple):
    """Neighbouring pages of a mapping that are alike."""

    state: PageState
    pages: int
    changed: bool
    """Whether the step changed their state; False also for a mapping that was not seen before."""


class Part(NamedTuple):
    """The runs of a mapping around what changed first, or from its start; and how many pages lie before and behind."""

    before: int
    runs: tuple[PageRun, ...]
    after: int


class PageRuns:
    """Runs in order, neighbours never in the same state. To replace a part costs what there is in it."""

    __slots__ = ("_ends", "_runs", "shared")

    def __init__(self, shared: bool, stretches: Iterable[Stretch]) -> None:
        """`stretches` from page 0 on."""
        self.shared = shared
        self._runs = [PageRun(state, pages, False) for state, pages in stretches]
        self._ends = list(accumulate(run.pages for run in self._runs))

    @property
    def total(self) -> int:
        """All pages."""
        return self._ends[-1] if self._ends else 0

    def replace(self, first: int, stretches: Sequence[Stretch]) -> list[PageRange]:
        """Put `stretches` where as many pages are from page `first` on; the ranges whose state that changes."""
        end = first + sum(pages for _, pages in stretches)
        changed = changes(self.within(first, end), stretches, first)
        if changed:
            self.put(first, end, stretches)
        return changed

    def put(self, first: int, end: int, stretches: Iterable[Stretch]) -> tuple[int, int, list[PageRun]]:
        """Put `stretches` in the place of pages [first, end): from which run on how many give way to which."""
        left, right = bisect_right(self._ends, first), bisect_left(self._ends, end)
        left, right = max(left - 1, 0), min(right + 1, len(self._ends) - 1)
        start, stop = self._start(left), self._ends[right]
        around = chain(self.within(start, first), stretches, self.within(end, stop))
        new = PageRuns(self.shared, _merged(around))
        self._ends[left : right + 1] = [start + each for each in new._ends]
        self._runs[left : right + 1] = new._runs
        return left, right + 1 - left, new._runs

    def part(self, changed: Sequence[PageRange]) -> Part:
        """All runs, or where there are many those near the first change."""
        if len(self._ends) <= 2 * NEAR:
            left, right = 0, len(self._ends)
        else:
            middle = bisect_right(self._ends, changed[0][0]) if changed else 0
            left = max(min(middle - NEAR, len(self._ends) - 2 * NEAR), 0)
            right = left + 2 * NEAR
        return Part(self._start(left), tuple(self._marked(left, right, changed)), self.total - self._start(right))

    def _marked(self, left: int, right: int, changed: Sequence[PageRange]) -> list[PageRun]:
        """The runs from `left` to `right`, cut where what changed begins and ends."""
        start, end = self._start(left), self._start(right)
        inside = [(first, last) for first, last in changed if first < end and last > start]
        if not inside:
            return self._runs[left:right]
        first = bisect_right(self._ends, inside[0][0], left, right)
        behind = min(bisect_left(self._ends, inside[-1][1], left, right) + 1, right)
        return [*self._runs[left:first], *self._cut(first, behind, inside), *self._runs[behind:right]]

    def _cut(self, left: int, right: int, changed: Iterable[PageRange]) -> Iterator[PageRun]:
        ranges = iter(changed)
        first = last = at = self._start(left)
        for run, end in zip(self._runs[left:right], self._ends[left:right], strict=True):
            while at < end:
                if last <= at:
                    first, last = next(ranges, (sys.maxsize, sys.maxsize))
                stop = min(last if first <= at else first, end)
                yield PageRun(run.state, stop - at, first <= at)
                at = stop

    def __iter__(self) -> Iterator[Stretch]:
        return self.within(0, self.total)

    def within(self, first: int, end: int) -> Iterator[Stretch]:
        """What is at pages [first, end)."""
        left, right = bisect_right(self._ends, first), bisect_left(self._ends, end) + 1
        at = first
        for run, stop in zip(self._runs[left:right], self._ends[left:right], strict=True):
            if at < (stop := min(stop, end)):
                yield run.state, stop - at
                at = stop

    def _start(self, run: int) -> int:
        return self._ends[run - 1] if run else 0


def changes(before: Iterable[Stretch], after: Iterable[Stretch], start: int = 0) -> list[PageRange]:
    """Where `after`, from page `start` on, is in another state than `before`, which is a hole beyond its end."""
    old = chain(before, [(PageState.HOLE, sys.maxsize)])
    old_state, old_left = next(old)
    found: list[PageRange] = []
    at = start
    for state, pages in after:
        end = at + pages
        while at < end:
            length = min(end - at, old_left)
            if state is not old_state:
                first = found.pop()[0] if found and found[-1][1] == at else at
                found.append((first, at + length))
            at += length
            old_left -= length
            if not old_left:
                old_state, old_left = next(old)
    return found


def joined(ranges: Iterable[PageRange]) -> list[PageRange]:
    """Ranges in order, those that meet as one."""
    found: list[PageRange] = []
    for first, end in sorted(ranges):
        if found and first <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((first, end))
    return found


def _merged(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    """Neighbours in the same state as one."""
    for state, group in groupby(stretches, key=itemgetter(0)):
        yield state, sum(pages for _, pages in group)
