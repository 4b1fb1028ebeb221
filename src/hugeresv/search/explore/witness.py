"""The table held against the real machine, all along.

Every view, and every combination of counters, is compared when it first appears, and every invariant is asked there;
and one of a thousand transitions that are counted is made on the machine, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

import numpy as np

from hugeresv.invariants.violation import Violation
from hugeresv.model.machine import Machine
from hugeresv.search.explore.bound import Bound
from hugeresv.search.explore.learn import Ground, LookedAt, looked_at
from hugeresv.search.explore.parts import Parts, counted
from hugeresv.search.explore.parts import turned as as_second
from hugeresv.search.explore.rows import UNKNOWN, Aspect, Refuted, Rows
from hugeresv.search.explore.ways import Ways
from hugeresv.search.fuzz.states import STATES

CHECKED_OF = 1_000
"""One of so many transitions is stepped on the real machine, too."""
_WALK, _COMPARED = 32, 4
"""Most steps of one walk; counters are compared after each, and everything after so many."""


_FILES, _COUNTERS = 3, 4
OF_TWO_PARTS = {"hole in a shared mapping's promise": _FILES, "page shared while a mount has minimum left": _COUNTERS}
"""Interesting states that a view has together with files or counters, by the place of that part in a state."""
_PAIR_BITS = 32


class Broken(Exception):  # noqa: N818  not an error: the search is over
    """An invariant is broken after a move in a state; -1: in the state itself."""

    def __init__(self, where: int, move: int, violations: Sequence[Violation]) -> None:
        super().__init__(where, move, violations)
        self.where, self.move, self.violations = where, move, violations


Numbered = tuple[int, int, int, int, int]
"""Both views, links, files and counters, by their numbers."""


class TableStep(NamedTuple):
    """An operation of a process, and the state after it; None: it stands for nothing."""

    process: int
    operation: int
    after: Numbered | None


class Witness:
    """Watches one search."""

    def __init__(self, here: Ground, bound: Bound, rows: Rows, ways: Ways, known: LookedAt) -> None:
        """`known`: what need not be looked for; it grows."""
        self._here, self._names, self._rows, self._ways, self._known = here, bound.names, rows, ways, known
        self._random = Random(0)
        self._unchecked = 0
        self._seen = [np.zeros(1, np.bool_) for _ in range(4)]
        """Which views, links, files and counters were seen on a machine."""
        self._pairs = {name: np.empty(0, np.int64) for name, part in OF_TWO_PARTS.items() if _can_be(part, bound)}

    def see(self) -> None:
        """Compare what appears for the first time in the last level."""
        columns = self._rows.layout.unpack(self._ways.level)
        for place in self._firsts(columns):
            where = self._ways.first + place
            stood = self._ways.machine(where)
            parts = self._here.cutter.cut(stood.machine)
            numbers = numbers_of(self._rows, as_second(parts) if stood.turned else parts)
            if numbers != tuple(int(column[place]) for column in columns):
                raise Refuted(self._culprit(where))
            violations, reached = looked_at(stood.machine, parts, self._known)
            if violations:
                raise Broken(where, -1, violations)
            self._known.reached.update(reached)
            for process, view in enumerate(numbers[:2]):
                if not self._seen[0][view]:
                    self._seen[0][view] = True
                    self._note_able(view, stood.machine, process ^ stood.turned)
            for seen, number in zip(self._seen[1:], numbers[2:], strict=True):
                seen[number] = True

        self._see_pairs(columns)

    def _see_pairs(self, columns: Sequence[Any]) -> None:
        """Look for the interesting states that neither part has alone, wherever two parts are together at first."""
        for name in self._pairs:
            column = OF_TWO_PARTS[name]
            if name in self._known.reached:
                continue
            for view in columns[:2]:
                pairs, places = np.unique(view << _PAIR_BITS | columns[column], return_index=True)
                new = ~np.isin(pairs, self._pairs[name])
                self._pairs[name] = np.concatenate([self._pairs[name], pairs[new]])
                machines = (self._ways.machine(self._ways.first + place).machine for place in places[new].tolist())
                if any(map(STATES[name], machines)):
                    self._known.reached.add(name)
                    break

    def _firsts(self, columns: Sequence[Any]) -> Iterator[int]:
        """The positions in the level of states with something new."""
        rows = self._rows
        sizes = len(rows.views), len(rows.links), len(rows.files), len(rows.counters)
        for kind, size in enumerate(sizes):
            if size > len(self._seen[kind]):
                self._seen[kind] = np.concatenate([self._seen[kind], np.zeros(size, np.bool_)])
        for column, kind in zip(columns, (0, 0, 1, 2, 3), strict=True):
            places = np.flatnonzero(~self._seen[kind][column])
            _, first = np.unique(column[places], return_index=True)
            for place in places[first].tolist():
                if not self._seen[kind][column[place]]:
                    yield place

    def _note_able(self, view: int, machine: Machine, process: int) -> None:
        """Which operations a view lets its process make, and which the other."""
        moves, names = self._here.model.moves, self._names
        name = names[process] if process < len(names) else None

        def holds(move: int) -> bool:
            return all(need.holds(machine) for need in moves[move].needs if need.proc is not None and need.proc == name)

        this, other = [], []
        for step in self._rows.steps:
            last = len(step.moves) - 1
            this.append((process <= last or last == 0) and holds(step.moves[min(process, last)]))
            other.append(last == 0 or holds(step.moves[1 - process]))
        self._rows.note_able(view, this, other)

    def check(self, transitions: int) -> None:
        """Make one of a thousand transitions on the real machine, walking from states of the last level at random."""
        self._unchecked += transitions
        while transitions and self._unchecked >= CHECKED_OF:
            self._walk(self._random.randrange(len(self._ways.level)))

    def _walk(self, place: int) -> None:
        """Go a way on the table, and then on the machine."""
        way = list(self._way(self._rows.layout.unpack(int(self._ways.level[place]))))
        self._unchecked -= CHECKED_OF * max(len(way), 1)
        wrong = self._differs(place, way, _COMPARED)
        if wrong is not None:
            first = self._differs(place, way, 1)
            raise Refuted(wrong if first is None else first)

    def _way(self, numbers: Numbered) -> Iterator[TableStep]:
        """Operations of either process, drawn, as long as the table knows them."""
        rows, seen = self._rows, self._seen[0]
        for _ in range(_WALK):
            first, second = numbers[:2]
            if max(first, second) >= len(seen) or not (seen[first] and seen[second]):
                return
            process = self._random.randrange(len(self._names))
            this, other = (second, first) if process else (first, second)
            count = int(rows.able_count[this])
            operation = int(rows.able[this, self._random.randrange(count)]) if count else 0
            if not count or not rows.other_able[other, operation] or (process and not rows.both[operation]):
                continue
            case = self._case(operation, process, numbers)
            row = rows.known(case)
            if row == UNKNOWN:
                return
            after = self._after(process, case, row)
            yield TableStep(process, operation, after)
            numbers = after or numbers

    def _case(self, operation: int, process: int, numbers: Numbered) -> Aspect:
        first, second, links, files, counters = numbers
        if process:
            return Aspect(operation, second, first, int(self._rows.flipped[links]), files, counters)
        return Aspect(operation, first, second, links, files, counters)

    def _after(self, process: int, case: Aspect, row: int) -> Numbered | None:
        """What becomes of the state that `_case` was made of; None: the operation stands for nothing."""
        after = self._rows.after(case, row)
        if after is None or not process:
            return after
        this, other, links, files, counters = after
        return other, this, int(self._rows.flipped[links]), files, counters

    def _culprit(self, where: int) -> int:
        """The first operation on the way to a state of which a row says what the machine does not do."""
        machine, turned, operation = self._here.model.start(), False, 0
        for code in self._ways.codes(where):
            operation, process = code >> 2, code >> 1 & 1
            case = self._case(operation, process, self._numbers(machine, turned))
            row = self._rows.known(case)
            self._here.model.apply(machine, self._here.model.moves[self._ways.move(operation, process, turned)])
            if row != UNKNOWN and self._after(process, case, row) != self._numbers(machine, turned):
                break
            turned ^= bool(code & 1)
        return operation

    def _differs(self, place: int, way: Sequence[TableStep], every: int) -> int | None:
        """The operation after which the machine is not what the table says; all is compared after so many steps."""
        stood = self._ways.machine(self._ways.first + place)
        machine, turned = stood.machine.copy(), stood.turned
        for number, (process, operation, after) in enumerate(way, 1):
            move = self._here.model.moves[self._ways.move(operation, process, turned)]
            if move.ready(machine) != (after is not None):
                return operation
            if after is None:
                continue
            self._here.model.apply(machine, move)
            if number % every and number < len(way):
                if counted(machine) != self._rows.counters.values[after[-1]]:
                    return operation
            elif self._numbers(machine, turned) != after:
                return operation
        return None

    def _numbers(self, machine: Machine, turned: bool) -> Numbered:
        parts = self._here.cutter.cut(machine)
        return numbers_of(self._rows, as_second(parts) if turned else parts)


def _can_be(part: int, bound: Bound) -> bool:
    """Whether there is anything of which `OF_TWO_PARTS` tells: files, or a minimum among the counters."""
    return bool(bound.shared if part == _FILES else bound.min_size)


def numbers_of(rows: Rows, parts: Parts) -> Numbered:
    """The numbers of a machine's parts."""
    views = [rows.view(view) for view in parts.views]
    other = views[1] if len(views) > 1 else rows.empty
    return views[0], other, rows.link(parts.links), rows.files.number(parts.files), rows.count(parts.counters)
