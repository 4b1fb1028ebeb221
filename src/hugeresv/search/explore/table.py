"""The tabulated engine: every row is learned by one step of the real machine, and states are explored as numbers.

What the table says is held against the real machine all along: every view, and every combination of counters, when it
first appears, and one transition for a thousand that are counted.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from itertools import chain
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from hugeresv.errors import UnavailableError, UnsupportedError
from hugeresv.invariants.check import check
from hugeresv.invariants.violation import Violation
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.machine import Machine
from hugeresv.search.explore.arrays import Expanded, Miss, NumpyLoop, pack, unpack
from hugeresv.search.explore.bound import Bound
from hugeresv.search.explore.learn import Learned, Lesson, do_tasks, ground, learn, spread
from hugeresv.search.explore.parts import Parts
from hugeresv.search.explore.plain import shortest
from hugeresv.search.explore.result import Exploration, Level, Progress, no_progress
from hugeresv.search.explore.rows import COUNTERS_BITS, UNKNOWN, Aspect, Refuted, Rows
from hugeresv.search.fuzz.states import reached

if TYPE_CHECKING:
    from hugeresv.search.explore.compiled import CompiledLoop

CHECKED_OF = 1_000
"""One of so many transitions is stepped on the real machine, too."""
_WALK = 32
"""Most steps of one walk."""
_MACHINES_KEPT = 20_000
_ASK, _ASK_FAR = 1 << 9, 1 << 13
"""Cases that lack a row, until they are learned: here, or where there is an executor."""
_WORTH_SPREADING = 500
"""Moves to be learned at once, from which on an executor is used."""
_BATCH = 250


class _Found(Exception):  # noqa: N818  not an error: the search is over
    """A step that breaks an invariant."""

    def __init__(self, where: int, move: int, violations: Sequence[Violation]) -> None:
        super().__init__(where, move, violations)
        self.where, self.move, self.violations = where, move, violations


def loop_class(compiled: bool | None) -> type[CompiledLoop | NumpyLoop]:
    """The loop, compiled or not; by default compiled where numba is installed. UnavailableError: it is not."""
    if compiled is not False:
        try:
            from hugeresv.search.explore.compiled import CompiledLoop
        except ImportError as error:
            if compiled:
                raise UnavailableError("the compiled loop needs numba: pip install 'hugeresv[explore-fast]'") from error
        else:
            return CompiledLoop
    return NumpyLoop


class TableSearch:
    """One kernel, one or two processes."""

    def __init__(
        self,
        behaviour: Behaviour,
        bound: Bound,
        progress: Progress = no_progress,
        *,
        executor: Executor | None = None,
        symmetric: bool = True,
        compiled: bool | None = None,
    ) -> None:
        """`executor`: where rows are learned when there are many. `compiled`: the loop, None: where numba is installed.

        UnsupportedError for what has no place in a table.
        """
        if bound.processes > 2:
            raise UnsupportedError("the table is for one or two processes; use --engine plain for more")
        if behaviour.steal_at_owner_address and "mremap" in bound.operations:
            raise UnsupportedError(
                f"on {behaviour.name} it matters which mappings have a file in common, which the table does not know"
                " where mappings are moved; use --engine plain"
            )
        self._behaviour, self._bound, self._progress, self._executor = behaviour, bound, progress, executor
        self._here = ground(behaviour, bound)
        # A page that is allocated for a file is charged to the first process's cgroup.
        by_one = bound.has_cgroup and "allocate" in bound.operations
        self._symmetric = symmetric and bound.processes == 2 and not by_one
        self._loop = loop_class(compiled)
        self.found = self._nothing_yet()
        self.learned = 0
        """Steps of the real machine that became rows."""
        self.spent = {"learning": 0.0, "checking": 0.0}
        """Seconds of CPU time, of all of it."""

    def run(self) -> Exploration:
        """Explore to the end of the bound or to the first finding; `found` grows meanwhile."""
        whole: set[int] = set()
        while True:
            try:
                self._explore(whole)
            except Refuted as claim:
                if claim.operation in whole:
                    raise UnsupportedError("an operation of this bound has no table; use --engine plain") from claim
                whole.add(claim.operation)
                self.found = self._nothing_yet()
            else:
                return self.found

    def _nothing_yet(self) -> Exploration:
        return Exploration((self._behaviour.name,), self._bound, "table", 1 + self._symmetric)

    def _explore(self, whole: set[int]) -> None:
        machine = self._here.model.start()
        parts = self._here.cutter.cut(machine)
        rows = self._rows = Rows(self._here, parts, whole)
        self._both = np.array([len(step.moves) > 1 for step in rows.steps])
        self._random = Random(0)
        self._unchecked = 0
        self._witnessed: list[set[int]] = [set() for _ in range(4)]
        start = np.array([pack(*(np.int64(number) for number in self._numbers(parts)))], np.int64)
        loop = self._loop(rows, int(start[0]), symmetric=self._symmetric, ask=_ASK_FAR if self._executor else _ASK)
        self.found.engine = f"table, {loop.name}"
        self._machines: dict[int, tuple[Machine, bool]] = {0: (machine, False)}
        self._levels: list[Expanded] = [Expanded(start, np.array([-1]), np.array([-1]), 0)]
        self._starts = [0]
        try:
            while len(self._levels[-1].states):
                with self._timed("checking"):
                    self._witness()
                expanded = loop.expand(self._levels[-1].states, self._resolve)
                with self._timed("checking"):
                    self._check(expanded.transitions)
                self._enter(expanded, len(loop))
        except _Found as found:
            self._find(found)
        self.found.complete = True

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        begin = time.process_time()
        yield
        self.spent[what] += time.process_time() - begin

    def _numbers(self, parts: Parts) -> tuple[int, int, int, int, int]:
        rows = self._rows
        views = [rows.view(view) for view in parts.views]
        other = views[1] if len(views) > 1 else rows.empty
        return views[0], other, rows.link(parts.links), rows.files.number(parts.files), rows.count(parts.counters)

    def _enter(self, expanded: Expanded, states: int) -> None:
        """A level is complete."""
        first = self._starts[-1]
        self._starts.append(first + len(self._levels[-1].states))
        self._levels.append(expanded._replace(parents=expanded.parents + first))
        self.found.states = states
        self.found.transitions += expanded.transitions
        level = Level(len(self._levels) - 1, len(expanded.states), states, self.found.transitions)
        self.found.levels.append(level)
        self._progress(self.found)

    # The real machine of a state.

    def _machine(self, where: int) -> tuple[Machine, bool]:
        """The machine of a state, not to be changed, and whether the processes have changed places in it."""
        way = []
        at = where
        while at not in self._machines:
            way.append(at)
            at = self._parent(at)[0]
        machine, turned = self._machines[at]
        if way:
            machine = machine.copy()
            for at in reversed(way):
                code = self._parent(at)[1]
                self._here.model.apply(machine, self._here.model.moves[self._move(code >> 2, code >> 1 & 1, turned)])
                turned ^= bool(code & 1)
            if len(self._machines) > _MACHINES_KEPT:
                self._machines = {0: self._machines[0]}
            self._machines[where] = machine, turned
        return machine, turned

    def _parent(self, where: int) -> tuple[int, int]:
        """The state before, and the move, as `Expanded.moves` has it."""
        level = bisect_right(self._starts, where) - 1
        place = where - self._starts[level]
        return int(self._levels[level].parents[place]), int(self._levels[level].moves[place])

    def _move(self, operation: int, process: int, turned: bool) -> int:
        """The number of the move that is the operation of a process."""
        moves = self._rows.steps[operation].moves
        return moves[min(process ^ turned, len(moves) - 1)]

    def _history(self, where: int) -> list[int]:
        """The moves that lead to a state."""
        way = []
        while where:
            where, code = self._parent(where)
            way.append(code)
        turned, history = False, []
        for code in reversed(way):
            history.append(self._move(code >> 2, code >> 1 & 1, turned))
            turned ^= bool(code & 1)
        return history

    def _parts(self, machine: Machine, turned: bool) -> Parts:
        """The machine in parts, the canonical first process first."""
        parts = self._here.cutter.cut(machine)
        if not turned:
            return parts
        return parts._replace(views=parts.views[::-1], links=tuple(sorted((b, a) for a, b in parts.links)))

    # Holding the table against it.

    def _witness(self) -> None:
        """See every view, and all other parts, that appear for the first time, on a real machine."""
        first = self._starts[-1]
        columns = unpack(self._levels[-1].states)
        firsts: dict[int, None] = {}
        for column, known in zip(columns, (0, 0, 1, 2, 3), strict=True):
            numbers, places = np.unique(column, return_index=True)
            for number, place in zip(numbers.tolist(), places.tolist(), strict=True):
                if number not in self._witnessed[known]:
                    firsts[place] = None
        for place in firsts:
            machine, turned = self._machine(first + place)
            numbers = self._numbers(self._parts(machine, turned))
            if numbers != tuple(int(column[place]) for column in columns):
                raise Refuted(self._parent(first + place)[1] >> 2)
            violations = check(machine)
            if violations:
                raise _Found(first + place, -1, violations)
            self.found.reached.update(reached(machine))
            for process in (0, 1):
                if numbers[process] not in self._witnessed[0]:
                    self._note_ready(numbers[process], machine, process ^ turned)
            for known, number in zip((0, 0, 1, 2, 3), numbers, strict=True):
                self._witnessed[known].add(number)

    def _note_ready(self, number: int, machine: Machine, process: int) -> None:
        """Which operations a view lets its process make, and which the other."""
        moves, names = self._here.model.moves, self._bound.names

        def holds(move: int) -> bool:
            name = names[process] if process < len(names) else None
            return all(need.holds(machine) for need in moves[move].needs if need.proc is not None and need.proc == name)

        for operation, step in enumerate(self._rows.steps):
            last = len(step.moves) - 1
            this = process <= last or last == 0
            self._rows.note_ready(
                operation,
                number,
                this=this and holds(step.moves[min(process, last)]),
                other=last == 0 or holds(step.moves[1 - process]),
            )

    def _check(self, transitions: int) -> None:
        """Make one of a thousand transitions on the real machine, walking from states of the last level at random."""
        self._unchecked += transitions
        while transitions and self._unchecked >= CHECKED_OF:
            self._walk(self._random.randrange(len(self._levels[-1].states)))

    def _walk(self, place: int) -> None:
        """Compare table and machine step by step, as long as the table knows the way."""
        machine, turned = self._machine(self._starts[-1] + place)
        machine = machine.copy()
        numbers = tuple(int(part) for part in unpack(self._levels[-1].states[place]))
        for _ in range(_WALK):
            step = self._any_step(numbers)
            if step is None:
                return
            process, operation, case = step
            self._unchecked -= CHECKED_OF
            after = self._rows.after(case)
            move = self._here.model.moves[self._move(operation, process, turned)]
            if move.ready(machine) != (after is not None):
                raise Refuted(operation)
            if after is None:
                continue
            self._here.model.apply(machine, move)
            turned ^= bool(process)
            if self._numbers(self._parts(machine, turned)) != after:
                raise Refuted(operation)
            numbers = after

    def _any_step(self, numbers: tuple[int, ...]) -> tuple[int, int, Aspect] | None:
        """An operation of either process that the table knows in a state; None where the state is none it has met."""
        rows = self._rows
        this, other, links, files, counters = numbers
        process = self._random.randrange(len(self._bound.names))
        views = (other, this) if process else (this, other)
        if not self._witnessed[0].issuperset(views):
            return None
        able = np.flatnonzero(rows.ready_this[:, views[0]] & rows.ready_other[:, views[1]])
        if process:
            able = able[self._both[able]]
        if not len(able):
            return None
        operation = int(able[self._random.randrange(len(able))])
        case = Aspect(operation, *views, int(rows.flipped[links]) if process else links, files, counters)
        return (process, operation, case) if rows.known(case) else None

    # Learning.

    def _resolve(self, misses: Sequence[Miss]) -> None:
        """Learn until all cases are known."""
        todo = list(misses)
        with self._timed("learning"):
            self._learn_all(todo)

    def _learn_all(self, todo: list[Miss]) -> None:
        while todo := [miss for miss in todo if not self._rows.known(miss[2])]:
            unlike: dict[tuple[int, int], Miss] = {}
            for miss in todo:
                unlike.setdefault(self._lack(miss[2]), miss)
            batch = list(unlike.values())
            for (place, process, case), learned in zip(batch, self._learn(batch), strict=True):
                self.learned += 1
                where, turned = self._starts[-1] + place, self._turned(place)
                self.found.reached |= learned.reached
                if learned.violations:
                    raise _Found(where, self._move(case.operation, process, turned), learned.violations)
                self._rows.add(case, learned, turned ^ bool(process))
            self._progress(self.found)

    def _lack(self, case: Aspect) -> tuple[int, int]:
        """What two cases have in common that one row may answer: the key without counters, or with the other view."""
        key = self._rows.key(case)
        if key in self._rows.row_of:
            return key, case.other
        return key >> COUNTERS_BITS, UNKNOWN

    def _turned(self, place: int) -> bool:
        return self._machine(self._starts[-1] + place)[1]

    def _learn(self, batch: Sequence[Miss]) -> list[Learned]:
        first = self._starts[-1]
        if self._executor is None or len(batch) < _WORTH_SPREADING:
            learned = []
            for place, process, case in batch:
                machine, turned = self._machine(first + place)
                move = self._here.model.moves[self._move(case.operation, process, turned)]
                learned.append(learn(self._here, machine, move))
            return learned
        tasks = [
            Lesson(tuple(self._history(first + place)), (self._move(case.operation, process, self._turned(place)),))
            for place, process, case in batch
        ]
        batches = list(spread(tasks, _BATCH))
        done = self._executor.map(do_tasks, [self._behaviour] * len(batches), [self._bound] * len(batches), batches)
        return list(chain.from_iterable(chain.from_iterable(done)))

    def _find(self, found: _Found) -> None:
        history = self._history(found.where) + [found.move] * (found.move >= 0)
        path = [self._here.model.moves[number] for number in history]
        self.found.finding = shortest(self._here.model, self.found.kernels, path, found.violations)
