"""The plain engine: breadth first on the real machine. It knows no rule, no operation and no state: the reference.

Two machines are the same state where `Machine.key` is equal: no later operation can tell them apart. Only the machines
of one level are kept, and of every state how it was reached.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

from hugeresv.invariants.check import check
from hugeresv.invariants.steps import Levels, check_step, levels
from hugeresv.invariants.violation import Violation
from hugeresv.model.machine import Machine
from hugeresv.outcome import HANG, Outcome
from hugeresv.plain import count_of
from hugeresv.play.play import RETURNS
from hugeresv.search.explore.bounded_model import BoundedModel, PossibleCall
from hugeresv.search.explore.result import Exploration, Level, Progress, Shortest, no_progress
from hugeresv.search.fuzz.states import STATES

_TOLD_EVERY = 5_000
"""Transitions between two reports of progress."""

Machines = tuple[Machine, ...]
"""The machine of each kernel, in the same history."""


class PlainSearch:
    """One kernel, or two side by side: then the question is where their answers differ, and no invariant is asked."""

    def __init__(self, models: Sequence[BoundedModel], progress: Progress = no_progress) -> None:
        """Models of one bound."""
        self._models = models
        self._progress = progress
        self._reached_by: list[tuple[int, PossibleCall]] = []
        """How each state but the first was reached: from which, by which move."""
        self.found = Exploration(tuple(model.behaviour.name for model in models), models[0].bound, "plain")
        start = tuple(model.start() for model in models)
        self._seen: dict[Hashable, int] = {_key(start): 0}
        self._level = [(0, start)]
        self._look(start)

    def run(self, most: int | None = None) -> Exploration:
        """Explore to the end of the bound or to the first finding; `found` grows meanwhile.

        It stops before a level that could take the transitions above `most`, and goes on there when it is run again.
        """
        moves = len(self._models[0].moves)
        while self._level and self.found.finding is None:
            if most is not None and self.found.transitions + len(self._level) * moves > most:
                return self.found
            self._level = list(self._expanded(self._level))
            self.found.states = len(self._seen)
            level = Level(len(self.found.levels) + 1, len(self._level), len(self._seen), self.found.transitions)
            self.found.levels.append(level)
            self._progress(self.found)
        self.found.complete = True
        return self.found

    def _expanded(self, level: list[tuple[int, Machines]]) -> Iterator[tuple[int, Machines]]:
        """The states that are one operation further, until something is found."""
        moves = tuple(zip(*(model.moves for model in self._models), strict=True))
        for number, machines in level:
            before = levels(machines[0])
            for move in moves:
                if not move[0].ready(machines[0]):
                    continue
                after, outcomes = self._made(machines, move)
                self._count()
                wrong = self._wrong(move[0], before, after, outcomes)
                if wrong is not None:
                    self._find(number, move[0], wrong)
                    return
                new = len(self._seen)
                if self._seen.setdefault(_key(after), new) != new:
                    continue
                violations = check(after[0]) if len(after) == 1 else []
                if violations:
                    self._find(number, move[0], violations)
                    return
                self._reached_by.append((number, move[0]))
                self._look(after)
                yield new, after

    def _made(self, machines: Machines, moves: Sequence[PossibleCall]) -> tuple[Machines, list[Outcome]]:
        after = tuple(machine.copy() for machine in machines)
        made = zip(self._models, after, moves, strict=True)
        return after, [model.apply(machine, move) for model, machine, move in made]

    def _wrong(
        self, move: PossibleCall, before: Levels, after: Machines, outcomes: Sequence[Outcome]
    ) -> list[Violation] | None:
        """What the step itself did that no step may do; of two kernels, whether they differ: then there is no name."""
        if len(after) > 1:
            return [] if outcomes[0] != outcomes[1] or _shown(after[0]) != _shown(after[1]) else None
        violations = check_step(move.operation, before, levels(after[0]))
        if outcomes[0] is HANG:
            violations = [RETURNS, *violations]
        return violations or None

    def _count(self) -> None:
        self.found.transitions += 1
        self.found.states = len(self._seen)
        if self.found.transitions % _TOLD_EVERY == 0:
            self._progress(self.found)

    def _look(self, machines: Machines) -> None:
        """Note the interesting states that no machine was in before."""
        for name, holds in STATES.items():
            if name not in self.found.reached and any(map(holds, machines)):
                self.found.reached.add(name)

    def _find(self, number: int, move: PossibleCall, violations: Sequence[Violation]) -> None:
        path = [*self._path(number), move]
        self.found.finding = shortest(self._models[0], self.found.kernels, path, violations)

    def _path(self, number: int) -> list[PossibleCall]:
        path: list[PossibleCall] = []
        while number:
            number, move = self._reached_by[number - 1]
            path.append(move)
        return path[::-1]


def shortest(
    model: BoundedModel, kernels: Sequence[str], path: Sequence[PossibleCall], violations: Sequence[Violation]
) -> Shortest:
    """A finding, with its history as a scenario."""
    names = ", ".join(dict.fromkeys(violation.name for violation in violations))
    if len(kernels) > 1:
        title = f"{' and '.join(kernels)} differ after {count_of(len(path), 'operation')}, and after no fewer."
    else:
        title = f"{kernels[0]} violates {names} after {count_of(len(path), 'operation')}, and after no fewer."
    return Shortest(model.scenario(path, title), len(path), tuple(violations))


def _key(machines: Machines) -> Hashable:
    return machines[0].key() if len(machines) == 1 else tuple(machine.key() for machine in machines)


def _shown(machine: Machine) -> Hashable:
    """What a user sees of a machine: counters, what is used of mounts that have a maximum, and cgroups."""
    now = levels(machine)
    used = [now.subpools[key][0] for key, mount in machine.mounts.items() if mount.subpool and mount.subpool.max_hpages]
    return tuple(pool[:-1] for pool in now.pools), tuple(used), tuple(now.cgroups.values())
