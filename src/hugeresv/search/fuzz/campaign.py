"""A campaign: many random scenarios in lockstep on two kernels, until a budget is used up or enough was found.

Scenarios are numbered; number and seed decide what each is, whoever runs it. They are handed out in batches, to this
process or to any `concurrent.futures.Executor`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field, replace
from itertools import count

from hugeresv.errors import InputError
from hugeresv.kernels.grammar import open_kernel
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.protocol import Kernel
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.presets import LINUX_6_18
from hugeresv.scenario.scenario import Scenario
from hugeresv.search.fuzz.generate import Coverage, generate
from hugeresv.search.fuzz.shrink import shrink
from hugeresv.search.lockstep import Divergence, first_difference

BATCH = 20
"""Scenarios handed out at once."""


@dataclass(frozen=True, slots=True)
class Budget:
    """When to stop, whichever comes first; None: no limit."""

    scenarios: int | None = None
    steps: int | None = None
    seconds: float | None = None
    findings: int = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """A scenario on which the kernels differ, as short as it could be made, and where it came from."""

    scenario: Scenario
    divergence: Divergence
    origin: str
    steps_before: int
    """Length of the scenario that was drawn."""


@dataclass(slots=True)
class Tally:
    """What was done so far, with what it reached."""

    scenarios: int = 0
    steps: int = 0
    coverage: Coverage = field(default_factory=Coverage)
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add another's numbers to these."""
        self.scenarios += other.scenarios
        self.steps += other.steps
        self.coverage.add(other.coverage)
        self.findings += other.findings

    def exhausts(self, budget: Budget, seconds: float) -> bool:
        """Whether to stop."""
        return (
            (budget.scenarios is not None and self.scenarios >= budget.scenarios)
            or (budget.steps is not None and self.steps >= budget.steps)
            or (budget.seconds is not None and seconds >= budget.seconds)
            or len(self.findings) >= budget.findings
        )


Progress = Callable[[Tally, float], None]
"""Called after every batch with what was done so far and the seconds it took."""


def fuzz(
    left: str,
    right: str,
    *,
    seed: str,
    length: int,
    budget: Budget,
    progress: Progress,
    executor: Executor | None = None,
) -> Tally:
    """Run scenarios of up to `length` steps on two kernels by name; with an executor, several batches at once.

    Raises as `open_kernel` does. A real kernel that only one user can have at a time takes no executor.
    """
    begin = time.monotonic()
    tally = Tally()
    batches = (
        _here(left, right, seed, length)
        if executor is None
        else _spread(executor, left, right, seed, length, workers=_workers(executor))
    )
    for batch in batches:
        tally.add(batch)
        seconds = time.monotonic() - begin
        progress(tally, seconds)
        if tally.exhausts(budget, seconds):
            break
    return tally


def _here(left: str, right: str, seed: str, length: int) -> Iterator[Tally]:
    """Batches in this process, on kernels that are opened once."""
    with open_kernel(left) as first, open_kernel(right) as second:
        for number in count(step=BATCH):
            yield run_batch(first, second, seed, number, length)


def _spread(executor: Executor, left: str, right: str, seed: str, length: int, workers: int) -> Iterator[Tally]:
    """Batches as they are finished, with twice as many under way as there are workers."""
    numbers = count(step=BATCH)
    pending: set[Future[Tally]] = set()
    try:
        while True:
            while len(pending) < 2 * workers:
                pending.add(executor.submit(run_named_batch, left, right, seed, next(numbers), length))
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        for future in pending:
            future.cancel()


def _workers(executor: Executor) -> int:
    """How many calls the executor runs at once, where it says so."""
    return int(getattr(executor, "_max_workers", 1))


def run_named_batch(left: str, right: str, seed: str, number: int, length: int) -> Tally:
    """`run_batch` on kernels by name."""
    with open_kernel(left) as first, open_kernel(right) as second:
        return run_batch(first, second, seed, number, length)


def run_batch(left: Kernel, right: Kernel, seed: str, number: int, length: int) -> Tally:
    """The scenarios from `number` on, up to the first finding."""
    tally = Tally()
    real = left.real or right.real
    for drawn in range(number, number + BATCH):
        origin = f"{seed}:{drawn}"
        scenario = generate(origin, length, _guide(left, real), tally.coverage, may_hang=not real)
        tally.scenarios += 1
        tally.steps += len(scenario.steps)
        divergence = first_difference(scenario, left, right)
        if divergence is not None:
            tally.findings.append(_shrunk(scenario, divergence, left, right, origin))
            break
    return tally


def _guide(left: Kernel, real: bool) -> Behaviour:
    """What says which names are bound while a scenario is drawn: the left kernel's own rules where it is a model.

    With a real kernel beside it a step must not hang, so the guide knows of every way to hang.
    """
    behaviour = left.behaviour if isinstance(left, ModelKernel) else LINUX_6_18
    return replace(behaviour, steal_at_owner_address=True) if real else behaviour


def _shrunk(scenario: Scenario, divergence: Divergence, left: Kernel, right: Kernel, origin: str) -> Finding:
    """The shortest scenario that still tells the kernels apart."""

    def differs(candidate: Scenario) -> bool:
        try:
            return first_difference(candidate, left, right) is not None
        except InputError:
            return False

    short = shrink(replace(scenario, steps=scenario.steps[: divergence.number]), differs)
    found = first_difference(short, left, right)
    return Finding(short, found or divergence, origin, len(scenario.steps))
