"""The table held against the real machine, all along.

Every view, and every combination of counters, is compared when it first appears, and every invariant is asked there;
and one of a thousand transitions that are counted is made on the machine, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

import numpy as np

from hugeresv.invariants.check import check
from hugeresv.invariants.violation import Violation
from hugeresv.model.machine import Machine
from hugeresv.search.explore.bound import Bound
from hugeresv.search.explore.learn import Ground, unreached
from hugeresv.search.explore.parts import Parts, counted
from hugeresv.search.explore.rows import Aspect, Refuted, Rows
from hugeresv.search.explore.ways import Stood, Ways

CHECKED_OF = 1_000
"""One of so many transitions is stepped on the real machine, too."""
_WALK, _COMPARED = 32, 4
"""Most steps of one walk; counters are compared after each, and everything after so many."""


class Broken(Exception):  # noqa: N818  not an error: the search is over
    """An invariant is broken after a move in a state; -1: in the state itself."""

    def __init__(self, where: int, move: int, violations: Sequence[Violation]) -> None:
        super().__init__(where, move, violations)
        self.where, self.move, self.violations = where, move, violations


Numbered = tuple[int, int, int, int, int]
"""Both views, links, files and counters, by their numbers."""


class Step(NamedTuple):
    """An operation of a process, and the state by it, this process's view first; None: it stands for nothing."""

    process: int
    operation: int
    after: Numbered | None


class Witness:
    """Watches one search."""

    def __init__(self, here: Ground, bound: Bound, rows: Rows, ways: Ways, reached: set[str]) -> None:
        """`reached`: interesting states that were seen; it grows."""
        self._here, self._names, self._rows, self._ways, self._reached = here, bound.names, rows, ways, reached
        self._random = Random(0)
        self._unchecked = 0
        self._known = [np.zeros(1, np.bool_) for _ in range(4)]
        """Which views, links, files and counters were seen on a machine."""

    def see(self) -> None:
        """Compare what appears for the first time in the last level."""
        columns = self._rows.layout.unpack(self._ways.level)
        for place in self._firsts(columns):
            where = self._ways.first + place
            stood = self._ways.machine(where)
            numbers = numbers_of(self._rows, self._ways.parts(stood))
            if numbers != tuple(int(column[place]) for column in columns):
                raise Refuted(self._ways.parent(where)[1] >> 2)
            violations = check(stood.machine)
            if violations:
                raise Broken(where, -1, violations)
            self._reached |= unreached(stood.machine, self._reached)
            for process, view in enumerate(numbers[:2]):
                if not self._known[0][view]:
                    self._known[0][view] = True
                    self._note_able(view, stood.machine, process ^ stood.turned)
            for known, number in zip(self._known[1:], numbers[2:], strict=True):
                known[number] = True

    def _firsts(self, columns: Sequence[Any]) -> Iterator[int]:
        """The positions in the level of states with something new."""
        rows = self._rows
        sizes = len(rows.views), len(rows.links), len(rows.files), len(rows.counters)
        for kind, size in enumerate(sizes):
            if size > len(self._known[kind]):
                self._known[kind] = np.concatenate([self._known[kind], np.zeros(size, np.bool_)])
        for column, kind in zip(columns, (0, 0, 1, 2, 3), strict=True):
            places = np.flatnonzero(~self._known[kind][column])
            _, first = np.unique(column[places], return_index=True)
            for place in places[first].tolist():
                if not self._known[kind][column[place]]:
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

    def _way(self, numbers: Numbered) -> Iterator[Step]:
        """Operations of either process, drawn, as long as the table knows them."""
        rows, known = self._rows, self._known[0]
        for _ in range(_WALK):
            first, second, links, files, counters = numbers
            if max(first, second) >= len(known) or not (known[first] and known[second]):
                return
            process = self._random.randrange(len(self._names))
            this, other = (second, first) if process else (first, second)
            able = rows.able[this, : rows.able_count[this]]
            able = able[rows.other_able[other, able] & (rows.both[able] | (process == 0))]
            if not len(able):
                return
            operation = int(able[self._random.randrange(len(able))])
            case = Aspect(operation, this, other, int(rows.flipped[links]) if process else links, files, counters)
            if not rows.known(case):
                return
            after = rows.after(case)
            yield Step(process, operation, after)
            numbers = after or numbers

    def _differs(self, place: int, way: Sequence[Step], every: int) -> int | None:
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
            turned ^= bool(process)
            if number % every and number < len(way):
                if counted(machine) != self._rows.counters.values[after[-1]]:
                    return operation
            elif numbers_of(self._rows, self._ways.parts(Stood(machine, turned))) != after:
                return operation
        return None


def numbers_of(rows: Rows, parts: Parts) -> Numbered:
    """The numbers of a machine's parts."""
    views = [rows.view(view) for view in parts.views]
    other = views[1] if len(views) > 1 else rows.empty
    return views[0], other, rows.link(parts.links), rows.files.number(parts.files), rows.count(parts.counters)
