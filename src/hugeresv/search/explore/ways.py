"""How each state of a search was reached first, and its machine, which is made again when it is asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from hugeresv.model.machine import Machine
from hugeresv.search.explore.arrays import Expanded
from hugeresv.search.explore.learn import Ground
from hugeresv.search.explore.steps import Moves

_MACHINES_KEPT = 20_000


class Stood(NamedTuple):
    """The machine of a state, which is not to be changed, and whether the processes have changed places in it."""

    machine: Machine
    turned: bool


class Ways:
    """The levels of a search; a state is known by its place, counted from the first one."""

    def __init__(self, here: Ground, steps: Sequence[Moves], start: int) -> None:
        """`start`: the number of the first state."""
        self._here, self._steps = here, steps
        self._machines = {0: Stood(here.model.start(), False)}
        self._parents, self._moves = [np.array([-1])], [np.array([-1])]
        self._firsts = [0]
        self.level: Any = np.array([start], np.int64)
        """The states that the last operations led to."""

    @property
    def first(self) -> int:
        """The place of the first state of the last level."""
        return self._firsts[-1]

    @property
    def depth(self) -> int:
        """How many operations lead to the last level."""
        return len(self._firsts) - 1

    def enter(self, expanded: Expanded) -> None:
        """Add a level."""
        self._parents.append(expanded.parents + self.first)
        self._moves.append(expanded.moves)
        self._firsts.append(self.first + len(self.level))
        self.level = expanded.states

    def move(self, operation: int, process: int, turned: bool) -> int:
        """The number of the move that is the operation of a process."""
        moves = self._steps[operation].moves
        return moves[min(process ^ turned, len(moves) - 1)]

    def machine(self, where: int) -> Stood:
        """The machine of a state."""
        way = []
        at = where
        while at not in self._machines:
            at, code = self.parent(at)
            way.append(code)
        machine, turned = stood = self._machines[at]
        if way:
            machine = machine.copy()
            for code in reversed(way):
                number = self.move(code >> 2, code >> 1 & 1, turned)
                self._here.model.apply(machine, self._here.model.moves[number])
                turned ^= bool(code & 1)
            if len(self._machines) > _MACHINES_KEPT:
                self._machines = {0: self._machines[0]}
            stood = self._machines[where] = Stood(machine, turned)
        return stood

    def history(self, where: int) -> tuple[list[int], bool]:
        """The moves that lead to a state, and whether the processes have changed places after them."""
        turned, moves = False, []
        for code in self.codes(where):
            moves.append(self.move(code >> 2, code >> 1 & 1, turned))
            turned ^= bool(code & 1)
        return moves, turned

    def codes(self, where: int) -> list[int]:
        """The same as `Expanded.moves` has them."""
        way = []
        while where:
            where, code = self.parent(where)
            way.append(code)
        return way[::-1]

    def parent(self, where: int) -> tuple[int, int]:
        """The state before, and the move, as `Expanded.moves` has it."""
        level = bisect_right(self._firsts, where) - 1
        place = where - self._firsts[level]
        return int(self._parents[level][place]), int(self._moves[level][place])
