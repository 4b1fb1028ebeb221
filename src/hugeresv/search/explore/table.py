"""The tabulated engine: every row is learned by one step of the real machine, and states are explored as numbers."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from hugeresv.errors import UnavailableError, UnsupportedError
from hugeresv.model.behaviour import Behaviour
from hugeresv.search.explore.arrays import Miss, NumpyLoop
from hugeresv.search.explore.bound import Bound
from hugeresv.search.explore.learn import Ground, Learned, Lesson, LookedAt, do_tasks, ground, learn, spread
from hugeresv.search.explore.numbers import Outgrown
from hugeresv.search.explore.pieces import JoinedRows, Lacking
from hugeresv.search.explore.plain import shortest
from hugeresv.search.explore.result import Exploration, Level, Progress, no_progress
from hugeresv.search.explore.rows import UNKNOWN, Aspect, Refuted
from hugeresv.search.explore.ways import Ways
from hugeresv.search.explore.witness import Broken, Witness, numbers_of
from hugeresv.shell import installs

if TYPE_CHECKING:
    from hugeresv.search.explore.compiled import CompiledLoop

_ASK, _ASK_FAR = 1 << 9, 1 << 13
"""Cases that lack a row, until they are learned: here, or where there is an executor."""
_WORTH_SPREADING = 500
"""Moves to be learned at once, from which on an executor is used."""
_BATCH = 250


class Lack(NamedTuple):
    """What is learned next, for an operation of a process in a state, by its place in the level."""

    place: int
    process: int
    operation: int
    lacking: Lacking


def loop_class(compiled: bool | None) -> type[CompiledLoop | NumpyLoop]:
    """The loop, compiled or not; by default compiled where numba is installed. UnavailableError: it is not."""
    if compiled is not False:
        try:
            from hugeresv.search.explore.compiled import CompiledLoop
        except ImportError as error:
            if compiled:
                raise UnavailableError(f"the compiled loop needs numba: {installs('numba')}") from error
        else:
            return CompiledLoop
    return NumpyLoop


@contextmanager
def _few_collections() -> Iterator[None]:
    """Look for garbage seldom: a machine has some thousand objects, and thousands of machines are kept."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _must_have_parts(here: Ground) -> None:
    """Raise UnsupportedError where an operation that can come first changes what no part has."""
    for move in here.model.moves:
        machine = here.model.start()
        if move.ready(machine):
            here.model.apply(machine, move)
            here.cutter.cut(machine)


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
                f"on {behaviour.name} answers depend on which mappings share a file, which the table does not know"
                " of moved mappings; use --engine plain"
            )
        self._behaviour, self._bound, self._progress, self._executor = behaviour, bound, progress, executor
        self._here = ground(behaviour, bound)
        _must_have_parts(self._here)
        # A page that is allocated for a file is charged to the first process's cgroup.
        by_one = bound.has_cgroup and "allocate" in bound.operations
        self._symmetric = symmetric and bound.processes == 2 and not by_one
        self._loop = loop_class(compiled)
        self.found = self._nothing_yet(set())
        self.learned = 0
        """Steps of the real machine that became rows."""
        self.spent = {"learning": 0.0, "checking": 0.0, "exploring": 0.0}
        """Seconds of CPU time of this process."""

    def run(self) -> Exploration:
        """Explore to the end of the bound or to the first finding; `found` grows meanwhile.

        UnsupportedError where the table turns out to have no place for what the operations lead to.
        """
        self._parts = self._here.cutter.cut(self._here.model.start())
        rows = JoinedRows(self._here, self._parts)
        while True:
            try:
                with _few_collections():
                    self._explore(rows)
            except Refuted as claim:
                without = rows.without(claim.operation)
                if without is None:
                    self.found = self._nothing_yet(set(), self.found.elsewhere)
                    raise UnsupportedError("an operation of this bound has no table; use --engine plain") from claim
                rows, reached = without, set()
            except Outgrown as outgrown:
                rows.widen(outgrown)
                reached = self.found.reached
            else:
                return self.found
            self.found = self._nothing_yet(reached, self.found.elsewhere)

    def _nothing_yet(self, reached: set[str], elsewhere: float = 0.0) -> Exploration:
        """What is known at the beginning of a search, and when it begins again."""
        about = (self._behaviour.name,), self._bound, "table", 1 + self._symmetric
        return Exploration(*about, reached=reached, elsewhere=elsewhere)

    def _explore(self, rows: JoinedRows) -> None:
        start = rows.layout.pack(*numbers_of(rows, self._parts))
        ways = Ways(self._here, rows.steps, start)
        known = LookedAt(self.found.reached, set())
        witness = Witness(self._here, self._bound, rows, ways, known)
        loop = self._loop(rows, start, symmetric=self._symmetric, ask=_ASK_FAR if self._executor else _ASK)
        self.found.engine = f"table, {loop.name}"
        self._rows, self._ways, self._known = rows, ways, known
        try:
            while len(ways.level):
                with self._timed("checking"):
                    witness.see()
                learning = self.spent["learning"]
                with self._timed("exploring"):
                    expanded = loop.expand(ways.level, self._resolve)
                self.spent["exploring"] -= self.spent["learning"] - learning
                with self._timed("checking"):
                    witness.check(expanded.transitions)
                ways.enter(expanded)
                self._told(expanded.transitions, len(loop))
        except Broken as broken:
            self._find(broken)
        self.found.complete = True

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        begin = time.process_time()
        yield
        self.spent[what] += time.process_time() - begin

    def _told(self, transitions: int, states: int) -> None:
        """A level is complete."""
        self.found.states = states
        self.found.transitions += transitions
        level = Level(self._ways.depth, len(self._ways.level), states, self.found.transitions)
        self.found.levels.append(level)
        self._progress(self.found)

    def _resolve(self, misses: Sequence[Miss]) -> None:
        """Learn until all cases are known."""
        todo = list(misses)
        with self._timed("learning"):
            while todo:
                unlike: dict[tuple[int, int], Lack] = {}
                unknown = []
                for place, process, case in todo:
                    lacking = self._rows.lacking(case)
                    if lacking is not None:
                        unknown.append((place, process, case))
                        unlike.setdefault(self._answers(lacking.case), Lack(place, process, case.operation, lacking))
                self._learn(list(unlike.values()))
                self._progress(self.found)
                todo = unknown

    def _answers(self, case: Aspect) -> tuple[int, int]:
        """What two cases have in common that one row may answer: the place, or the row with the other view."""
        row = self._rows.row(case)
        return (UNKNOWN, self._rows.place(case)) if row == UNKNOWN else (row, case.other)

    def _learn(self, batch: Sequence[Lack]) -> None:
        """Learn every case once, as a row."""
        far = self._executor is not None and len(batch) >= _WORTH_SPREADING
        for lack, (turned, learned) in zip(batch, (self._far if far else self._near)(batch), strict=True):
            self.learned += 1
            self.found.reached |= learned.reached
            if learned.violations:
                # Of an operation in pieces: whether it is the shortest that breaks something, is told without pieces.
                if lack.lacking.before:
                    raise Refuted(lack.operation)
                raise Broken(self._ways.first + lack.place, self._last(lack, turned), learned.violations)
            self._rows.add(lack.lacking.case, learned, turned ^ bool(lack.process))

    def _near(self, batch: Sequence[Lack]) -> Iterator[tuple[bool, Learned]]:
        """Each case learned here; and whether the processes have changed places in its machine."""
        for lack in batch:
            machine, turned = self._ways.machine(self._ways.first + lack.place)
            if lack.lacking.before:
                machine = machine.copy()
                for number in self._before(lack, turned):
                    self._here.model.apply(machine, self._here.model.moves[number])
            yield turned, learn(self._here, machine, self._here.model.moves[self._last(lack, turned)], self._known)

    def _far(self, batch: Sequence[Lack]) -> Iterator[tuple[bool, Learned]]:
        """The same where the executor is."""
        assert self._executor is not None
        turns, tasks = [], []
        for lack in batch:
            history, turned = self._ways.history(self._ways.first + lack.place)
            turns.append(turned)
            tasks.append(Lesson((*history, *self._before(lack, turned)), (self._last(lack, turned),)))
        batches = list(spread(tasks, _BATCH))
        about = ([each] * len(batches) for each in (self._behaviour, self._bound, frozenset(self.found.reached)))
        done = self._executor.map(do_tasks, *about, batches)
        return zip(turns, chain.from_iterable(map(self._of_batch, done)), strict=True)

    def _before(self, lack: Lack, turned: bool) -> list[int]:
        """The moves that are made first."""
        return [self._ways.move(operation, lack.process, turned) for operation in lack.lacking.before]

    def _last(self, lack: Lack, turned: bool) -> int:
        """The move that is learned."""
        return self._ways.move(lack.lacking.case.operation, lack.process, turned)

    def _of_batch(self, done: tuple[list[Learned], float]) -> list[Learned]:
        learned, seconds = done
        self.found.elsewhere += seconds
        return learned

    def _find(self, broken: Broken) -> None:
        history = self._ways.history(broken.where)[0] + [broken.move] * (broken.move >= 0)
        path = [self._here.model.moves[number] for number in history]
        self.found.finding = shortest(self._here.model, self.found.kernels, path, broken.violations)
