"""All states of a level at once, one operation after the other: the table's loop in numpy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from hugeresv.search.explore.numbers import Pairs
from hugeresv.search.explore.rows import (
    CELLS,
    CHANGE,
    FILES,
    FILES_BITS,
    KEEP,
    LINKS,
    LINKS_BITS,
    NOT_READY,
    OTHER,
    ROW_BITS,
    UNKNOWN,
    Aspect,
    Rows,
    split_leaf,
)

Miss = tuple[int, int, Aspect]
"""The position of a state in its level, whose operation it is, and the case that has no row."""

Resolve = Callable[[Sequence[Miss]], None]
"""Learns what is missing: afterwards all cases are known."""


class Expanded(NamedTuple):
    """The states of the next level, how each is reached first, and the number of transitions.

    `moves`: the operation times 4, plus 2 for the second process, plus 1 where the processes have changed places.
    """

    states: Any
    parents: Any
    moves: Any
    transitions: int


class NumpyLoop:
    """Goes from level to level, and knows all states that were seen."""

    name = "numpy"

    def __init__(self, rows: Rows, start: int, *, symmetric: bool, ask: int) -> None:
        """`symmetric`: of two states that differ by which process is which, only one is kept.

        `ask` is for a loop that can stop where it lacks rows; here all that a level lacks of one operation is learned.
        """
        self._rows = rows
        self._symmetric = symmetric
        self._seen = np.array([start], np.int64)
        self._views = _Sorted(rows.view_of)
        self._first_leaf = _Sorted(rows.first_leaf)
        self._other_after = _Sorted(rows.other_after)

    def __len__(self) -> int:
        return len(self._seen)

    def expand(self, level: Any, resolve: Resolve) -> Expanded:
        """The level after this one."""
        rows = self._rows
        found: list[tuple[Any, Any, Any]] = []
        transitions = 0
        parts = rows.layout.unpack(level)
        flipped = rows.flipped[parts[2]]
        twins = (parts[0] == parts[1]) & (parts[2] == flipped)
        for process in (0, 1):
            this, other = parts[process], parts[1 - process]
            links = flipped if process else parts[2]
            for operation in range(len(rows.steps)):
                if process and not rows.both[operation]:
                    continue
                able = rows.this_able[this, operation] & rows.other_able[other, operation]
                if process and self._symmetric:
                    able &= ~twins
                where = np.flatnonzero(able)
                if not len(where):
                    continue
                case = this[where], other[where], links[where], parts[3][where], parts[4][where]
                after, made = self._after(operation, case, where, process, resolve)
                transitions += int(made.sum())
                state, turned = self._canonical(after, process)
                codes = np.int64(operation * 4 + process * 2) + turned
                found.append((state[made], where[made], codes[made]))
        if not found:
            return Expanded(level[:0], level[:0], level[:0], transitions)
        states, parents, moves = (np.concatenate(column) for column in zip(*found, strict=True))
        states, first = np.unique(states, return_index=True)
        position = np.searchsorted(self._seen, states)
        position[position == len(self._seen)] = 0
        new = self._seen[position] != states
        self._seen = np.concatenate([self._seen, states[new]])
        self._seen.sort(kind="stable")
        return Expanded(states[new], parents[first[new]], moves[first[new]], transitions)

    def _after(
        self, operation: int, case: tuple[Any, ...], where: Any, process: int, resolve: Resolve
    ) -> tuple[tuple[Any, ...], Any]:
        """The parts afterwards, and where the operation stands for something."""
        while True:
            rows = self._rows
            this, other, links, files, counters = case
            row = self._row(operation, this, links, files, counters)
            made = row != NOT_READY
            lacking = row == UNKNOWN
            what = rows.rows[np.where(lacking, NOT_READY, row)]
            files_after = what[:, FILES]
            after = (
                self._views[rows.cells[this] & what[:, KEEP] | what[:, CELLS]],
                np.where(what[:, OTHER] == 0, other, self._other_after[other << ROW_BITS | row]),
                rows.links_patched[what[:, LINKS], links].astype(np.int64),
                np.where(files_after == UNKNOWN, files, files_after),
                rows.added[what[:, CHANGE], counters].astype(np.int64),
            )
            missing = made & (lacking | (after[0] < 0) | (after[1] < 0) | (after[2] < 0) | (after[4] < 0))
            if not missing.any():
                return after, made
            lost = np.flatnonzero(missing)
            columns = np.stack([part[lost] for part in case])
            _, first = np.unique(columns, axis=1, return_index=True)
            resolve(
                [
                    (int(where[i]), process, Aspect(operation, *(int(part[i]) for part in case)))
                    for i in lost[first].tolist()
                ]
            )

    def _row(self, operation: int, this: Any, links: Any, files: Any, counters: Any) -> Any:
        """The rows that answer; UNKNOWN where none was learned."""
        rows = self._rows
        piece, links_piece = rows.piece[this, operation].astype(np.int64), rows.links_piece[links, operation]
        place = (piece << LINKS_BITS | links_piece) << FILES_BITS | (files if rows.reads_files[operation] else 0)
        leaf = self._first_leaf[place]
        found = np.full(len(place), UNKNOWN, np.int64)
        todo = np.flatnonzero(leaf != UNKNOWN)
        while len(todo):
            guards, row, following = split_leaf(leaf[todo])
            holds = rows.holds[guards, counters[todo]]
            found[todo[holds]] = row[holds]
            todo, following = todo[~holds], following[~holds]
            leaf[todo] = rows.leaves[following]
            todo = todo[leaf[todo] != UNKNOWN]
        return found

    def _canonical(self, after: tuple[Any, ...], process: int) -> tuple[Any, Any]:
        """The state, the first process's view first; and whether the processes have changed places."""
        this, other, links, files, counters = after
        pack = self._rows.layout.pack
        turned = pack(other, this, self._rows.flipped[links], files, counters)
        straight = pack(this, other, links, files, counters)
        if process:
            straight, turned = turned, straight
        if not self._symmetric:
            return straight, np.zeros(len(straight), np.int64)
        return np.minimum(straight, turned), (turned < straight).astype(np.int64)


class _Sorted:
    """Pairs of numbers, to be looked up by arrays; what is missing is UNKNOWN."""

    def __init__(self, pairs: Pairs) -> None:
        """Follows `pairs`, which grow."""
        self._pairs = pairs
        self._sort()

    def _sort(self) -> None:
        self._pairs.fresh.clear()
        pairs = sorted(self._pairs.known.items())
        self._keys = np.array([key for key, _ in pairs], np.int64)
        self._values = np.array([value for _, value in pairs], np.int64)

    def __getitem__(self, keys: Any) -> Any:
        if self._pairs.fresh:
            self._sort()
        if not len(self._keys):
            return np.full(keys.shape, UNKNOWN, np.int64)
        position = np.searchsorted(self._keys, keys)
        position[position == len(self._keys)] = 0
        return np.where(self._keys[position] == keys, self._values[position], UNKNOWN)
