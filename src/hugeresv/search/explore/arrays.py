"""All states of a level at once, one operation after the other: the table's loop in numpy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from hugeresv.search.explore.rows import (
    COUNTERS_BITS,
    FILES_BITS,
    LINKS_BITS,
    NOT_READY,
    PIECE_BITS,
    UNKNOWN,
    VIEW_BITS,
    Aspect,
    Rows,
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


def pack(this: Any, other: Any, links: Any, files: Any, counters: Any) -> Any:
    """A state in one number, also of arrays."""
    views = (this << VIEW_BITS | other) << LINKS_BITS | links
    return (views << FILES_BITS | files) << COUNTERS_BITS | counters


def unpack(state: Any) -> tuple[Any, Any, Any, Any, Any]:
    """The numbers of a state's parts, also of arrays."""
    counters, state = state & (1 << COUNTERS_BITS) - 1, state >> COUNTERS_BITS
    files, state = state & (1 << FILES_BITS) - 1, state >> FILES_BITS
    links, state = state & (1 << LINKS_BITS) - 1, state >> LINKS_BITS
    return state >> VIEW_BITS, state & (1 << VIEW_BITS) - 1, links, files, counters


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
        self._row_of = _Sorted(rows.row_of)
        self._other_after = _Sorted(rows.other_after)

    def __len__(self) -> int:
        return len(self._seen)

    def expand(self, level: Any, resolve: Resolve) -> Expanded:
        """The level after this one."""
        found: list[tuple[Any, Any, Any]] = []
        transitions = 0
        parts = unpack(level)
        flipped = self._rows.flipped[parts[2]]
        twins = (parts[0] == parts[1]) & (parts[2] == flipped)
        for process in (0, 1):
            this, other = parts[process], parts[1 - process]
            links = flipped if process else parts[2]
            for operation, step in enumerate(self._rows.steps):
                if process >= len(step.moves):
                    continue
                able = self._rows.ready_this[operation, this] & self._rows.ready_other[operation, other]
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
            piece, links_piece = rows.piece[operation, this], rows.links_piece[operation, links]
            reads = files if rows.reads_files[operation] else 0
            key = ((rows.code[operation] << PIECE_BITS | piece) << LINKS_BITS | links_piece) << FILES_BITS | reads
            row = np.where((piece < 0) | (links_piece < 0), UNKNOWN, self._row_of[key << COUNTERS_BITS | counters])
            made = row != NOT_READY
            row = np.where(row < 0, NOT_READY, row)
            keeps = rows.changes_other[row] == 0
            other_after = np.where(keeps, other, self._other_after[row << VIEW_BITS | other])
            files_after = rows.files_after[row]
            after = (
                rows.patched[rows.patch[row], this].astype(np.int64),
                other_after,
                rows.links_patched[rows.links_patch[row], links].astype(np.int64),
                np.where(files_after == UNKNOWN, files, files_after),
                rows.added[rows.change[row], counters].astype(np.int64),
            )
            missing = made & ((row == NOT_READY) | (after[0] < 0) | (after[1] < 0) | (after[2] < 0) | (after[4] < 0))
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

    def _canonical(self, after: tuple[Any, ...], process: int) -> tuple[Any, Any]:
        """The state, the first process's view first; and whether the processes have changed places."""
        this, other, links, files, counters = after
        turned = pack(other, this, self._rows.flipped[links], files, counters)
        straight = pack(this, other, links, files, counters)
        if process:
            straight, turned = turned, straight
        if not self._symmetric:
            return straight, np.zeros(len(straight), np.int64)
        return np.minimum(straight, turned), (turned < straight).astype(np.int64)


class _Sorted:
    """A dictionary of numbers, to be looked up by arrays; what is missing is UNKNOWN."""

    def __init__(self, source: dict[int, int]) -> None:
        """Follows `source`, which only grows."""
        self._source = source
        self._keys = np.empty(0, np.int64)
        self._values = np.empty(0, np.int64)

    def __getitem__(self, keys: Any) -> Any:
        if len(self._source) != len(self._keys):
            pairs = sorted(self._source.items())
            self._keys = np.array([key for key, _ in pairs], np.int64)
            self._values = np.array([value for _, value in pairs], np.int64)
        if not len(self._keys):
            return np.full(keys.shape, UNKNOWN, np.int64)
        position = np.searchsorted(self._keys, keys)
        position[position == len(self._keys)] = 0
        return np.where(self._keys[position] == keys, self._values[position], UNKNOWN)
