"""The operations of a bound as the table has them: one for both processes, with the pages that it should concern."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from hugeresv.scenario import operation as op
from hugeresv.search.explore.learn import Ground


class Moves(NamedTuple):
    """An operation as made by each process, by the numbers of moves; one of no process is made by the first alone."""

    moves: tuple[int, ...]
    frame: tuple[int, ...] | None
    """The positions of a view that it should concern; None: all."""


def steps_of(here: Ground) -> list[Moves]:
    """The operations of a bound, those of the second process with the same ones of the first."""
    first, *rest = here.model.bound.names
    moves = here.model.moves
    numbers = {move.operation: number for number, move in enumerate(moves)}
    steps = []
    for number, move in enumerate(moves):
        if move.call.task not in (None, first):
            continue
        of_process = not isinstance(move.operation, op.FileSpan | op.Ftruncate) and move.call.task is not None
        twins = (numbers[_renamed(move.operation, {first: name, name: first})] for name in rest if of_process)
        steps.append(Moves((number, *twins), _frame(here, move.operation)))
    return steps


def _renamed(operation: op.Operation, names: dict[str, str]) -> op.Operation:
    """The same operation with other processes."""
    changed = {name: names.get(getattr(operation, name)) for name in ("proc", "child") if hasattr(operation, name)}
    return replace(operation, **{name: value for name, value in changed.items() if value is not None})


def _frame(here: Ground, operation: op.Operation) -> tuple[int, ...] | None:
    """The cgroup and the pages that an operation names: it should concern no others of the same process."""
    position = here.cutter.position
    match operation:
        case op.Touch():
            return 0, position(operation.map, operation.page or 0)
        case op.Mremap():
            return None
        case op.Span():
            assert operation.pages is not None
            first = position(operation.map, operation.page or 0)
            return 0, *range(first, first + operation.pages)
        case op.Mmap():
            return 0, *here.cutter.spans[operation.map]
        case op.Fallocate() | op.Ftruncate() | op.SetNrHugepages():
            return (0,)
    return None
