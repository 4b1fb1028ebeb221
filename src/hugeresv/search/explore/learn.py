"""One step of the real machine, as a row of the table: what it changed, and what of the counters it asked.

Nothing here knows what an operation does. A task is plain data, so that it can be done in another process or on another
machine: a history, and the moves to be tried after it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any, NamedTuple

from hugeresv.invariants.check import check
from hugeresv.invariants.steps import check_step, levels
from hugeresv.invariants.violation import Violation
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.inode import Inode
from hugeresv.model.machine import Machine
from hugeresv.outcome import HANG
from hugeresv.play.play import RETURNS
from hugeresv.search.explore.bound import Bound
from hugeresv.search.explore.bounded_model import BoundedModel, PossibleCall
from hugeresv.search.explore.parts import OF_FILE, Cutter, Parts, count_with, counters
from hugeresv.search.explore.traced import Guard, Trace
from hugeresv.search.fuzz.states import STATES


class Learned(NamedTuple):
    """What a move did. `after` is None where it does not stand for anything; then no counter was changed.

    `reads_files`: whether it looked into a file that has a name.
    """

    after: Parts | None
    guards: tuple[Guard, ...]
    changes: tuple[int, ...]
    reads_files: bool
    violations: tuple[Violation, ...]
    reached: frozenset[str]


class Lesson(NamedTuple):
    """The moves to learn after a history; both by their numbers."""

    history: tuple[int, ...]
    moves: tuple[int, ...]


class Ground(NamedTuple):
    """A bounded model with what cuts its machines."""

    model: BoundedModel
    cutter: Cutter


@lru_cache(maxsize=4)
def ground(behaviour: Behaviour, bound: Bound) -> Ground:
    """Made once a process."""
    model = BoundedModel(behaviour, bound)
    return Ground(model, Cutter(bound, model.start()))


class LookedAt(NamedTuple):
    """What need not be looked for: interesting states that were reached, and parts of machines that were checked."""

    reached: set[str]
    checked: set[Parts]


def do_tasks(
    behaviour: Behaviour, bound: Bound, reached: AbstractSet[str], tasks: Sequence[Lesson]
) -> tuple[list[Learned], float]:
    """Every move of every task, learned, and the seconds of CPU time that it took; `reached` is known."""
    begin = time.thread_time()
    here, known = ground(behaviour, bound), LookedAt(set(reached), set())
    learned = [each for task in tasks for each in _do(here, known, task)]
    return learned, time.thread_time() - begin


def _do(here: Ground, known: LookedAt, task: Lesson) -> Iterator[Learned]:
    machine = here.model.start()
    for number in task.history:
        here.model.apply(machine, here.model.moves[number])
    for number in task.moves:
        yield learn(here, machine, here.model.moves[number], known)


def learn(here: Ground, machine: Machine, move: PossibleCall, known: LookedAt) -> Learned:
    """Make the move on a copy of `machine`, with numbers in the place of counters that note what is asked of them."""
    after = machine.copy()
    holders = list(counters(after))
    trace = Trace([getattr(*each) for each in holders])
    count_with(after, trace.numbers)
    watched = [*after.files.values()]
    _reads.clear()
    for inode in watched:
        inode.__class__ = _WatchedInode
    try:
        ready = move.ready(after)
        outcome = here.model.apply(after, move) if ready else None
    finally:
        for inode in watched:
            inode.__class__ = Inode
    reads_files = bool(_reads)
    changes = tuple(trace.change(place, getattr(*each)) for place, each in enumerate(holders))
    guards = tuple(trace.guards)
    if not ready:
        return Learned(None, guards, changes, reads_files, (), frozenset())
    count_with(after, [value + change for value, change in zip(trace.counters, changes, strict=True)])
    violations = check_step(move.operation, levels(machine), levels(after))
    if outcome is HANG:
        violations.insert(0, RETURNS)
    parts = here.cutter.cut(after)
    more, reached = looked_at(after, parts, known)
    return Learned(parts, guards, changes, reads_files, (*violations, *more), reached)


def looked_at(machine: Machine, parts: Parts, known: LookedAt) -> tuple[list[Violation], frozenset[str]]:
    """What a machine breaks, and the interesting states that it is in: once of all that have the same parts."""
    if parts in known.checked:
        return [], frozenset()
    known.checked.add(parts)
    states = frozenset(name for name, holds in STATES.items() if name not in known.reached and holds(machine))
    return check(machine), states


_reads: set[str] = set()
"""The fields of files that were asked for since it was cleared."""


class _WatchedInode(Inode):
    """A file that notes when a part of it is asked for, or set, that is not in a process's view."""

    __slots__ = ()


def _watched(name: str) -> property:
    field = getattr(Inode, name)

    def read(inode: _WatchedInode) -> Any:
        _reads.add(name)
        return field.__get__(inode)

    def write(inode: _WatchedInode, value: Any) -> None:
        _reads.add(name)
        field.__set__(inode, value)

    return property(read, write)


for _name in OF_FILE:
    setattr(_WatchedInode, _name, _watched(_name))


def spread(tasks: Iterable[Lesson], size: int) -> Iterator[list[Lesson]]:
    """Tasks in lists of about the same number of moves."""
    batch: list[Lesson] = []
    moves = 0
    for task in tasks:
        batch.append(task)
        moves += len(task.moves) + 1
        if moves >= size:
            yield batch
            batch, moves = [], 0
    if batch:
        yield batch
