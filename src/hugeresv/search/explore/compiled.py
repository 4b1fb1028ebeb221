"""The table's loop, compiled by numba: one state after the other, with a hash table of all that were seen.

It does what `arrays.NumpyLoop` does, and asks for rows that are missing in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit

from hugeresv.search.explore.arrays import Expanded, Resolve
from hugeresv.search.explore.numbers import Pairs
from hugeresv.search.explore.rows import (
    CELLS,
    CHANGE,
    FILES,
    FILES_BITS,
    KEEP,
    LINKS,
    LINKS_BITS,
    NEXT_BITS,
    NOT_READY,
    OTHER,
    ROW_BITS,
    UNKNOWN,
    Aspect,
    Rows,
)

_FREE = -1
"""What an unused place of a hash table holds."""
_CHUNK = 1 << 19
"""States that one call may find."""

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
        self._views, self._leaves, self._others = map(_HashTable, (rows.view_of, rows.first_leaf, rows.other_after))
        self._found: tuple[Any, Any, Any] = (
            np.empty(_CHUNK, np.int64),
            np.empty(_CHUNK, np.int64),
            np.empty(_CHUNK, np.int64),
        )
        self._after = np.empty((2, 2 * len(rows.steps)), np.int64)
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
            level, begin, todo, *rows.layout, rows.both, rows.able, rows.able_count, rows.other_able, rows.reads_files,
            rows.piece, rows.links_piece, rows.flipped, self._leaves.table(), rows.leaves, rows.holds, rows.rows,
            rows.cells, self._views.table(), self._others.table(), rows.links_patched, rows.added, self._seen,
            self._symmetric, most, self._after, *self._found, self._misses,
        )  # fmt: skip
        self._count += new
        return new, missing, made, end

    def _ask(self, level: Any, misses: Any, resolve: Resolve) -> None:
        """Have each missing case learned once."""
        places, processes, operations = misses.T
        first, second, links, files, counters = self._rows.layout.unpack(level[places])
        this, other = np.where(processes, second, first), np.where(processes, first, second)
        links = np.where(processes, self._rows.flipped[links], links)
        columns = (operations, this, other, links, files, counters)
        cases = zip(*(column.tolist() for column in columns), strict=True)
        asked: dict[Aspect, tuple[int, int]] = {}
        for case, place, process in zip(cases, places.tolist(), processes.tolist(), strict=True):
            asked.setdefault(Aspect(*case), (place, process))
        resolve([(place, process, case) for case, (place, process) in asked.items()])

    def _grow(self) -> None:
        old = self._seen
        self._seen = np.full(4 * len(old), _FREE, np.int64)
        _add(self._seen, old[old != _FREE])


class _HashTable:
    """Pairs of numbers in an array that compiled code can search."""

    def __init__(self, pairs: Pairs) -> None:
        """Follows `pairs`, which grow."""
        self._pairs = pairs
        self._fill()

    def _fill(self) -> None:
        self._pairs.fresh.clear()
        size = 1 << max(10, (2 * len(self._pairs.known)).bit_length() + 1)
        self._table = np.full((size, 2), _FREE, np.int64)
        if self._pairs.known:
            _put(self._table, np.array([*self._pairs.known.items()], np.int64))

    def table(self) -> Any:
        """Keys beside values, up to date."""
        if self._pairs.fresh:
            if 2 * len(self._pairs.known) > len(self._table):
                self._fill()
            else:
                _put(self._table, np.array(self._pairs.fresh, np.int64))
                self._pairs.fresh.clear()
        return self._table


@_compiled
def _home(key: int, size: int) -> int:
    """Where a key is looked for first; every bit of the key counts, also those above the size of the table."""
    mixed = (np.uint64(key) ^ (np.uint64(key) >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
    place: int = np.int64(mixed >> np.uint64(32)) & (size - 1)
    return place


@_compiled
def _add(keys: Any, new: Any) -> None:
    for key in new:
        place = _home(key, len(keys))
        while keys[place] != key and keys[place] != _FREE:
            place = (place + 1) & (len(keys) - 1)
        keys[place] = key


@_compiled
def _put(table: Any, pairs: Any) -> None:
    for number in range(len(pairs)):
        key = pairs[number, 0]
        place = _home(key, len(table))
        while table[place, 0] != key and table[place, 0] != _FREE:
            place = (place + 1) & (len(table) - 1)
        table[place, 0], table[place, 1] = key, pairs[number, 1]


@_compiled
def _get(table: Any, key: int) -> int:
    place = _home(key, len(table))
    while table[place, 0] != key:
        if table[place, 0] == _FREE:
            return UNKNOWN
        place = (place + 1) & (len(table) - 1)
    value: int = table[place, 1]
    return value


@_compiled
def _expand(  # noqa: C901, PLR0912, PLR0915  compiled code passes no objects, and a call costs as much as a state
    level: Any, begin: int, todo: Any, view_bits: int, links_bits: int, files_bits: int, counters_bits: int, both: Any,
    able: Any, able_count: Any, other_able: Any, reads_files: Any, piece: Any, links_piece: Any, flipped: Any,
    first_leaf: Any, leaves: Any, holds: Any, rows: Any, cells: Any, views: Any, others: Any, links_patched: Any,
    added: Any, seen: Any, symmetric: bool, most: int, after: Any, states: Any, parents: Any, moves: Any, misses: Any,
) -> tuple[int, int, int, int]:  # fmt: skip
    """Expand the level from `begin` on, or the `todo` alone; how many are new, missing and made, and where it ended.

    It ends early where more than `most` states, or too many misses, could be found. `after`: room for what becomes of
    one state; the table of all that were seen is asked for these together, so that the machine waits for memory once.
    """
    operations = len(both)
    counters_mask, files_mask = (1 << counters_bits) - 1, (1 << files_bits) - 1
    links_mask, view_mask, seen_mask = (1 << links_bits) - 1, (1 << view_bits) - 1, len(seen) - 1
    row_mask, next_mask = (1 << ROW_BITS) - 1, (1 << NEXT_BITS) - 1
    some = len(todo) > 0
    new, missing, made = 0, 0, 0
    item, items = (0, len(todo)) if some else (begin, len(level))
    while item < items:
        if new + 2 * operations > most or missing + 2 * operations > len(misses):
            break
        place = todo[item, 0] if some else item
        state = level[place]
        counters = state & counters_mask
        files = (state >> counters_bits) & files_mask
        first_links = (state >> (counters_bits + files_bits)) & links_mask
        second = (state >> (counters_bits + files_bits + links_bits)) & view_mask
        first = state >> (counters_bits + files_bits + links_bits + view_bits)
        found = 0
        for process in range(2):
            if some and process != todo[item, 1]:
                continue
            this, other, links = first, second, first_links
            if process:
                this, other, links = second, first, np.int64(flipped[first_links])
                if symmetric and first == second and links == first_links:
                    continue
            for number in range(able_count[this]):
                operation = able[this, number]
                if some and operation != todo[item, 2]:
                    continue
                if (process and not both[operation]) or not other_able[other, operation]:
                    continue
                key = np.int64(piece[this, operation]) << LINKS_BITS | np.int64(links_piece[links, operation])
                leaf = _get(first_leaf, key << FILES_BITS | (files if reads_files[operation] else 0))
                while leaf != UNKNOWN and not holds[leaf >> (ROW_BITS + NEXT_BITS), counters]:
                    leaf = leaves[leaf & next_mask]
                row = (leaf >> NEXT_BITS) & row_mask
                this_after = links_after = counters_after = other_after = UNKNOWN
                if leaf != UNKNOWN:
                    if row == NOT_READY:
                        continue
                    this_after = _get(views, cells[this] & rows[row, KEEP] | rows[row, CELLS])
                    links_after = np.int64(links_patched[rows[row, LINKS], links])
                    counters_after = np.int64(added[rows[row, CHANGE], counters])
                    other_after = _get(others, other << ROW_BITS | row) if rows[row, OTHER] else other
                if this_after < 0 or links_after < 0 or counters_after < 0 or other_after < 0:
                    misses[missing, 0], misses[missing, 1], misses[missing, 2] = place, process, operation
                    missing += 1
                    continue
                made += 1
                files_after = files if rows[row, FILES] == UNKNOWN else rows[row, FILES]
                rest = files_after << counters_bits | counters_after
                straight = ((this_after << view_bits | other_after) << links_bits | links_after) << (
                    files_bits + counters_bits
                ) | rest
                turned = straight
                if process or symmetric:
                    turned = (
                        (other_after << view_bits | this_after) << links_bits | np.int64(flipped[links_after])
                    ) << (files_bits + counters_bits) | rest
                if process:
                    straight, turned = turned, straight
                after[0, found] = min(straight, turned) if symmetric else straight
                after[1, found] = operation * 4 + process * 2 + (1 if symmetric and turned < straight else 0)
                found += 1
        for number in range(found):
            state = after[0, number]
            where = _home(state, len(seen))
            while seen[where] != state:
                if seen[where] == _FREE:
                    seen[where] = state
                    states[new], parents[new], moves[new] = state, place, after[1, number]
                    new += 1
                    break
                where = (where + 1) & seen_mask
        item += 1
    return new, missing, made, item
