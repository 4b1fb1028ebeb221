"""The locks of a scenario's calls, one after the other: no two need to cross for a lock that is missing to be seen.

L1: a call uses something without a lock that its rule names (`together.rules`). L2: two tasks use the same thing, one
of them writing, and have no lock in common, whatever the rule says: then the rule is wrong. L3: a call that holds a
spin lock asks for memory, or for a lock that sleeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from hugeresv.calls.call import Call
from hugeresv.calls.resolve import resolve
from hugeresv.errors import InputError
from hugeresv.kernels.model.calls import task_of
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.model.session import ModelSession
from hugeresv.model import locks
from hugeresv.model.locks import LockOf, kernel_name
from hugeresv.outcome import ENDINGS
from hugeresv.play.play import apply_step, at_step
from hugeresv.scenario.decode import caller_of
from hugeresv.scenario.scenario import Scenario, Step, Together
from hugeresv.together.rules import NO_LOCKS, SPIN_LOCKS, LockRule, guards_of, missing_locks
from hugeresv.together.watch import watching

NOBODY = "nobody"
"""Who makes the calls of no process."""


class Use(NamedTuple):
    """A use of something, in a step, by a task that holds locks: `(name, whose, alone)`."""

    step: int
    task: str
    call: str
    written: bool
    held: tuple[tuple[str, str, bool], ...]

    def __str__(self) -> str:
        held = " and ".join(f"{name} of {whose}{'' if alone else ' (read)'}" for name, whose, alone in self.held)
        how = "writes" if self.written else "reads"
        return f"step {self.step}: {self.task}'s {self.call} {how} it under {held or 'no lock'}"


@dataclass(slots=True)
class Datum:
    """What a lock protects, and who has used it."""

    thing: str
    name: str
    guard: LockRule
    uses: list[Use] = field(default_factory=list)

    @property
    def common(self) -> frozenset[tuple[str, str]]:
        """The locks that every use has; one that is held with other readers excludes no reader."""
        held = [
            frozenset((name, whose) for name, whose, alone in use.held if alone or not use.written) for use in self.uses
        ]
        return frozenset.intersection(*held) if held else frozenset()


class Fault(NamedTuple):
    """A rule that was broken (L1, L3), or is wrong (L2), and the uses that show it."""

    name: str
    message: str
    uses: tuple[Use, ...]


def judge_locks(scenario: Scenario, kernel: ModelKernel) -> list[Fault]:
    """What is wrong with the locks of a scenario's calls; those at once are made one after the other."""
    monitor = _Monitor(kernel)
    with kernel.start(scenario.pool, scenario.cgroups, scenario.pools or ()) as session:
        session.during = monitor.during
        try:
            _make_calls(scenario, session, monitor)
        finally:
            locks.dismiss(monitor)
    return monitor.faults()


def _make_calls(scenario: Scenario, session: ModelSession, monitor: _Monitor) -> None:
    """Every step, or all up to one that ends the scenario."""
    for number, step in enumerate(scenario.steps, 1):
        block = step.operation
        if isinstance(block, Together):
            _check_switch(session, number, block)
        for each in block.steps if isinstance(block, Together) else (step,):
            monitor.begin(number, each)
            monitor.machine = session.machine
            if apply_step(session, number, replace(each, fails=None)).outcome in ENDINGS:
                return


def _check_switch(session: ModelSession, number: int, block: Together) -> None:
    """InputError for an order that there is not, though the calls are made one after the other here."""
    if block.switch is not None:
        from hugeresv.kernels.model.at_once import block_of, named_order

        calls = [resolve(step.operation, session.names) for step in block.steps]
        with at_step(number):
            named_order(block_of(block, session.machine.copy(), calls), block.switch)


class _Monitor:
    """Notes every use, with the locks that are held at that moment."""

    def __init__(self, kernel: ModelKernel) -> None:
        self._guards = guards_of(kernel.behaviour)
        self._missing = missing_locks(kernel.behaviour)
        self._data: dict[tuple[str, str, str], Datum] = {}
        self._broken: dict[tuple[str, str, str], Fault] = {}
        self._held: list[tuple[LockOf, bool]] = []
        self._names: dict[int, str] = {}
        self._step = 0
        self._task = NOBODY
        self._call = ""
        self._fails: int | None = None
        self._asked = 0
        self.machine: Any = None

    def begin(self, number: int, step: Step) -> None:
        """The next call."""
        self._step, self._task, self._call = number, caller_of(step) or NOBODY, step.operation.op
        self._fails = step.fails
        self._asked = 0

    @contextmanager
    def during(self, call: Call) -> Iterator[None]:
        """While a call is carried out, its process there already."""
        self._held = []
        task_of(self.machine, call)
        locks.ensure(self)
        with watching(self.machine, self.use) as self._names:
            yield

    def acquire(self, lock: LockOf, *, alone: bool) -> None:
        """It is free: one call runs at a time."""
        if lock.name not in self._missing:
            if lock.name not in (*SPIN_LOCKS, *NO_LOCKS):
                self._sleeps(f"for {lock.name}")
            self._held.append((self._named(lock), alone))

    def release(self, lock: LockOf, *, alone: bool) -> None:
        """It is free again."""
        if lock.name not in self._missing:
            self._held.remove((self._named(lock), alone))

    def allocate(self, what: str) -> bool:
        """There is memory, unless the step says that this allocation fails."""
        self._sleeps(f"for memory ({what})")
        self._asked += 1
        return self._asked != self._fails

    def _sleeps(self, asked: str) -> None:
        """A call asks for what it may have to wait for."""
        spin = next((lock for lock, _ in self._held if lock.name in SPIN_LOCKS), None)
        if spin is not None:
            message = f"{self._task}'s {self._call} holds {spin.name}, a spin lock, and asks {asked}: it may sleep"
            self._broken.setdefault((spin.name, asked, self._call), Fault("L3", message, ()))

    def asserted(self, lock: LockOf, function: Callable[..., Any]) -> None:
        """Note where a lock is not held that has to be."""
        wanted = self._named(lock)
        if not any(wanted.meets(held) and alone for held, alone in self._held):
            name = kernel_name(function)
            use = Use(self._step, self._task, self._call, True, self._spelt())
            message = f"{name} is called without {lock.name}, which it has to be called with"
            self._broken.setdefault((name, lock.name, self._call), Fault("L1", message, (use,)))

    def returned(self, function: Callable[..., Any], arguments: tuple[Any, ...], value: object) -> None:
        """Of no interest."""

    def use(self, thing: object, cls: str, field: str, written: bool) -> None:
        """Note it, and whether the rule is kept."""
        guard = self._guards.get((cls, field))
        if guard is None:
            return
        name = self._name(thing)
        use = Use(self._step, self._task, self._call, written, self._spelt())
        datum = self._data.setdefault((name, cls, field), Datum(name, field, guard))
        datum.uses.append(use)
        if not guard.kept(self._held, name, written=written) and not (guard.reads and not written):
            message = f"{field} of {name} is used without {guard.text} (since {guard.since}: {guard.source})"
            self._broken.setdefault((name, field, self._call), Fault("L1", message, (use,)))

    def _spelt(self) -> tuple[tuple[str, str, bool], ...]:
        return tuple((lock.name, str(lock.owner or "the kernel"), alone) for lock, alone in self._held)

    def faults(self) -> list[Fault]:
        """What is wrong, rules that were broken first."""
        found = list(self._broken.values())
        for datum in self._data.values():
            tasks = {use.task for use in datum.uses}
            written = any(use.written for use in datum.uses)
            if len(tasks) > 1 and written and not datum.common and not datum.guard.reads:
                first = {use.task: use for use in reversed(datum.uses)}
                rule = f"each keeps the rule ({datum.guard.text}), which does not keep them apart"
                message = (
                    f"{datum.name} of {datum.thing} is used by {len(tasks)} tasks that have no lock in common: {rule}"
                )
                found.append(Fault("L2", message, tuple(sorted(first.values()))))
        return found

    def _named(self, lock: LockOf) -> LockOf:
        return lock if lock.owner is None else LockOf(lock.name, self._name(lock.owner), lock.of)

    def _name(self, thing: object) -> str:
        return self._names.get(id(thing), f"what step {self._step} has made")


def needs_model(kernel: object, name: str) -> ModelKernel:
    """The kernel, if it is a behaviour of the model. Raises InputError."""
    if not isinstance(kernel, ModelKernel):
        raise InputError(f"{name}: only a behaviour of the model knows its locks and its allocations")
    return kernel
