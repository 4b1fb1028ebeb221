"""The table's loop, compiled by numba: one state after the other, with a hash table of all that were seen.

It does what `arrays.NumpyLoop` does, and asks for rows that are missing in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit

from hugeresv.search.explore.arrays import Expanded, Resolve, unpack
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

_FREE = -1
"""What an unused place of a hash table holds."""
_CHUNK = 1 << 19
"""States that one call may find."""
_VIEW, _LINKS, _FILES, _COUNTERS = ((1 << bits) - 1 for bits in (VIEW_BITS, LINKS_BITS, FILES_BITS, COUNTERS_BITS))


_Function = TypeVar("_Function", bound=Callable[..., Any])
_compiled: Callable[[_Function], _Function] = njit(cache=True)


class CompiledLoop:
    """Goes from level to level, and knows all states that were seen."""

    name = "compiled"

    def __init__(self, rows: Rows, start: int, *, symmetric: bool, ask: int) -> None:
        """`symmetric`: of two states that differ by which process is which, only one is kept.

        `ask`: about how many cases are learned at once. Many states lack the same row, so fewer are asked for in vain
        where they are few.
        """
        self._rows = rows
        self._symmetric = symmetric
        self._count = 1
        self._seen = np.full(1 << 16, _FREE, np.int64)
        _add(self._seen, np.array([start], np.int64))
        self._row_of, self._other_after = _HashTable(rows.fresh_rows), _HashTable(rows.fresh_others)
        self._both = np.array([len(step.moves) > 1 for step in rows.steps])
        self._found: tuple[Any, Any, Any] = (
            np.empty(_CHUNK, np.int64),
            np.empty(_CHUNK, np.int64),
            np.empty(_CHUNK, np.int64),
        )
        self._misses = np.empty((ask + 2 * len(rows.steps), 3), np.int64)

    def __len__(self) -> int:
        return self._count

    def expand(self, level: Any, resolve: Resolve) -> Expanded:
        """The level after this one."""
        chunks: list[tuple[Any, ...]] = []
        transitions, begin = 0, 0
        while begin < len(level):
            todo = self._misses[:0]
            while True:
                new, missing, made, end = self._call(level, begin, todo)
                chunks.append(tuple(column[:new].copy() for column in self._found))
                transitions += made
                if not len(todo):
                    following = end
                if not missing:
                    break
                todo = self._misses[:missing].copy()
                self._ask(level, todo, resolve)
            begin = following
        states, parents, moves = (np.concatenate(column) for column in zip(*chunks, strict=True))
        return Expanded(states, parents, moves, transitions)

    def _call(self, level: Any, begin: int, todo: Any) -> tuple[int, int, int, int]:
        rows = self._rows
        while self._count * 2 + _CHUNK // 4 > len(self._seen):
            self._grow()
        most = min(_CHUNK, len(self._seen) * 3 // 4 - self._count)
        new, missing, made, end = _expand(
            level, begin, todo, self._both, rows.code, rows.reads_files, rows.piece, rows.links_piece, rows.flipped,
            rows.ready_this, rows.ready_other, *self._row_of.tables(), *self._other_after.tables(), rows.patch,
            rows.links_patch, rows.files_after, rows.change, rows.changes_other, rows.patched, rows.links_patched,
            rows.added, self._seen, self._symmetric, most, *self._found, self._misses,
        )  # fmt: skip
        self._count += new
        return new, missing, made, end

    def _ask(self, level: Any, misses: Any, resolve: Resolve) -> None:
        """Have each missing case learned once."""
        cases: dict[Aspect, tuple[int, int]] = {}
        for place, process, operation in misses.tolist():
            first, second, links, files, counters = (int(part) for part in unpack(level[place]))
            views = (second, first) if process else (first, second)
            flipped = int(self._rows.flipped[links]) if process else links
            cases.setdefault(Aspect(operation, *views, flipped, files, counters), (place, process))
        resolve([(place, process, case) for case, (place, process) in cases.items()])

    def _grow(self) -> None:
        old = self._seen
        self._seen = np.full(4 * len(old), _FREE, np.int64)
        _add(self._seen, old[old != _FREE])


class _HashTable:
    """Pairs of numbers in two arrays that compiled code can search."""

    def __init__(self, fresh: list[tuple[int, int]]) -> None:
        """Takes over what is new from `fresh`, again and again."""
        self._fresh = fresh
        self._count = 0
        self._keys = np.full(1 << 12, _FREE, np.int64)
        self._values = np.zeros(1 << 12, np.int64)

    def tables(self) -> tuple[Any, Any]:
        """Keys and values, up to date."""
        if self._fresh:
            pairs = np.array(self._fresh, np.int64)
            self._fresh.clear()
            self._count += len(pairs)
            if self._count * 2 > len(self._keys):
                used = self._keys != _FREE
                old = np.stack([self._keys[used], self._values[used]], 1)
                size = 1 << (4 * self._count).bit_length()
                self._keys, self._values = np.full(size, _FREE, np.int64), np.zeros(size, np.int64)
                _put(self._keys, self._values, old)
            _put(self._keys, self._values, pairs)
        return self._keys, self._values


@_compiled
def _place(keys: Any, key: int) -> int:
    """Where a key is, or would be."""
    mask = len(keys) - 1
    place: int = np.int64((np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(24)) & mask
    while keys[place] != key and keys[place] != _FREE:
        place = (place + 1) & mask
    return place


@_compiled
def _add(keys: Any, new: Any) -> None:
    for key in new:
        keys[_place(keys, key)] = key


@_compiled
def _put(keys: Any, values: Any, pairs: Any) -> None:
    for number in range(len(pairs)):
        place = _place(keys, pairs[number, 0])
        keys[place] = pairs[number, 0]
        values[place] = pairs[number, 1]


@_compiled
def _get(keys: Any, values: Any, key: int) -> int:
    place = _place(keys, key)
    if keys[place] != key:
        return UNKNOWN
    value: int = values[place]
    return value


@_compiled
def _pack(this: int, other: int, links: int, files: int, counters: int) -> int:
    views = (this << VIEW_BITS | other) << LINKS_BITS | links
    return (views << FILES_BITS | files) << COUNTERS_BITS | counters


@_compiled
def _expand(  # noqa: C901, PLR0912, PLR0915  compiled code passes no objects, and a call costs as much as a state
    level: Any, begin: int, todo: Any, both: Any, code: Any, reads_files: Any, piece: Any, links_piece: Any,
    flipped: Any, ready_this: Any, ready_other: Any, row_keys: Any, row_values: Any, other_keys: Any,
    other_values: Any, patch: Any, links_patch: Any, files_after: Any, change: Any, changes_other: Any, patched: Any,
    links_patched: Any, added: Any, seen: Any, symmetric: bool, most: int, states: Any, parents: Any, moves: Any,
    misses: Any,
) -> tuple[int, int, int, int]:  # fmt: skip
    """Expand the level from `begin` on, or the `todo` alone; how many are new, missing and made, and where it ended.

    It ends early where more than `most` states, or too many misses, could be found.
    """
    operations = len(code)
    some = len(todo) > 0
    new, missing, made = 0, 0, 0
    item, items = (0, len(todo)) if some else (begin, len(level))
    while item < items:
        if new + 2 * operations > most or missing + 2 * operations > len(misses):
            break
        place = todo[item, 0] if some else item
        state = level[place]
        counters = state & _COUNTERS
        files = (state >> COUNTERS_BITS) & _FILES
        first_links = (state >> (COUNTERS_BITS + FILES_BITS)) & _LINKS
        second = (state >> (COUNTERS_BITS + FILES_BITS + LINKS_BITS)) & _VIEW
        first = state >> (COUNTERS_BITS + FILES_BITS + LINKS_BITS + VIEW_BITS)
        for process in range(2):
            if some and process != todo[item, 1]:
                continue
            this, other, links = first, second, first_links
            if process:
                this, other, links = second, first, flipped[first_links]
                if symmetric and first == second and links == first_links:
                    continue
            for operation in range(operations):
                if some and operation != todo[item, 2]:
                    continue
                if process and not both[operation]:
                    continue
                if not (ready_this[operation, this] and ready_other[operation, other]):
                    continue
                row = UNKNOWN
                if piece[operation, this] >= 0 and links_piece[operation, links] >= 0:
                    key = (code[operation] << PIECE_BITS | piece[operation, this]) << LINKS_BITS
                    key = (key | links_piece[operation, links]) << FILES_BITS
                    key = (key | (files if reads_files[operation] else 0)) << COUNTERS_BITS | counters
                    row = _get(row_keys, row_values, key)
                    if row == NOT_READY:
                        continue
                if row != UNKNOWN:
                    this_after = np.int64(patched[patch[row], this])
                    links_after = np.int64(links_patched[links_patch[row], links])
                    counters_after = np.int64(added[change[row], counters])
                    other_after = other
                    if changes_other[row]:
                        other_after = _get(other_keys, other_values, row << VIEW_BITS | other)
                if row == UNKNOWN or this_after < 0 or links_after < 0 or counters_after < 0 or other_after < 0:
                    misses[missing, 0], misses[missing, 1], misses[missing, 2] = place, process, operation
                    missing += 1
                    continue
                made += 1
                files_now = files if files_after[row] == UNKNOWN else files_after[row]
                straight = _pack(this_after, other_after, links_after, files_now, counters_after)
                turned = straight
                if process or symmetric:
                    turned = _pack(other_after, this_after, flipped[links_after], files_now, counters_after)
                if process:
                    straight, turned = turned, straight
                state_after = min(straight, turned) if symmetric else straight
                where = _place(seen, state_after)
                if seen[where] == state_after:
                    continue
                seen[where] = state_after
                states[new], parents[new] = state_after, place
                moves[new] = operation * 4 + process * 2 + (1 if symmetric and turned < straight else 0)
                new += 1
        item += 1
    return new, missing, made, item
