"""A campaign: many random scenarios in lockstep on two kernels, until a budget is used up or enough was found.

Scenarios are numbered; number and seed decide what each is, whoever runs it. They are handed out in batches, to this
process or to any `concurrent.futures.Executor`.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count

from hugeresv.errors import UnavailableError
from hugeresv.kernels.grammar import open_kernel, parse_kernel
from hugeresv.kernels.protocol import Kernel
from hugeresv.model.behaviour import Behaviour
from hugeresv.scenario.scenario import Scenario
from hugeresv.search.confirm import HANG_SECONDS, confirm
from hugeresv.search.fresh import SHORTEN_HANG_SECONDS, SHORTEN_SECONDS, going_on, impatient
from hugeresv.search.fuzz.difference import Difference, FirstDifference, as_confirmed, as_found, shortened
from hugeresv.search.fuzz.draw import Answering
from hugeresv.search.fuzz.generate import Coverage, draw
from hugeresv.search.fuzz.guide import answering_of, guide_for, hangs
from hugeresv.search.fuzz.kept import Kept
from hugeresv.search.fuzz.orders import trial_of
from hugeresv.search.kinds import report_of
from hugeresv.search.lockstep import Divergence, answers_alike

BATCH = 20
"""Scenarios handed to an executor at once where both kernels are models; on others one takes seconds."""


@dataclass(frozen=True, slots=True)
class Budget:
    """When to stop, whichever comes first; None: no limit."""

    scenarios: int | None = None
    steps: int | None = None
    seconds: float | None = None
    findings: int = 1


@dataclass(slots=True)
class Tally:
    """What was done so far, with what it reached."""

    scenarios: int = 0
    steps: int = 0
    coverage: Coverage = field(default_factory=Coverage)
    findings: list[Difference] = field(default_factory=list)
    unconfirmed: list[Difference] = field(default_factory=list)
    """Differences that did not come again, and count for nothing."""
    repeats: int = 0
    """Scenarios that only showed a report which a finding has already."""

    @property
    def reports(self) -> frozenset[str]:
        """What the kernels have said against themselves so far."""
        return frozenset(report for finding in self.findings if (report := finding.report) is not None)

    def add(self, other: Tally) -> None:
        """Add another's numbers to these."""
        known = self.reports
        self.scenarios += other.scenarios
        self.steps += other.steps
        self.coverage.add(other.coverage)
        self.repeats += other.repeats + sum(finding.report in known for finding in other.findings)
        self.findings += [finding for finding in other.findings if finding.report not in known]
        self.unconfirmed += other.unconfirmed

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


@dataclass(frozen=True, slots=True)
class Draws:
    """Which scenarios: the seed, the number of the first, the most steps of one, and for how many nodes at least.

    `stateless`: the interesting states that they reach are not counted, which takes a third of the time of models.
    """

    seed: str
    length: int
    first: int = 0
    nodes: int = 1
    stateless: bool = False
    together: bool = False
    """Whether they end with concurrent calls."""


def fuzz(
    left: str,
    right: str | None,
    drawing: Draws,
    budget: Budget,
    progress: Progress,
    *,
    executor: Executor | None = None,
    workers: int = 1,
    keep: Kept | None = None,
) -> Tally:
    """Run random scenarios on two kernels by name; with an executor, in batches for so many `workers` at once.

    With concurrent calls `right` may be None: then the orders of calls on a model are judged (`wrong_order`).
    Findings are put where `keep` says as soon as they are there, and again when they are short. Raises as
    `open_kernel` does. A real kernel that only one user can have at a time takes no executor.
    """
    begin = time.monotonic()
    tally = Tally(coverage=Coverage(drawing.stateless))
    if executor is None:
        batches = _here(left, right, drawing, budget, tally, keep)
    else:
        batches = _spread(executor, left, right, drawing, budget, workers, keep)
    for batch in batches:
        tally.add(batch)
        seconds = time.monotonic() - begin
        progress(tally, seconds)
        if tally.exhausts(budget, seconds):
            break
    return tally


def _here(
    left: str, right: str | None, drawing: Draws, budget: Budget, so_far: Tally, keep: Kept | None
) -> Iterator[Tally]:
    """One scenario after the other, in this process, on kernels that are opened once."""
    with open_kernel(left) as first, nullcontext() if right is None else open_kernel(right) as second:
        for number in count(drawing.first):
            length = drawing.length
            if budget.steps is not None:
                length = min(length, budget.steps - so_far.steps)
            drawn = replace(drawing, first=number, length=length)
            yield run_batch(first, second, drawn, 1, keep, so_far.reports)


def _spread(
    executor: Executor, left: str, right: str | None, drawing: Draws, budget: Budget, workers: int, keep: Kept | None
) -> Iterator[Tally]:
    """Batches in the order of their numbers, whoever finishes first: the same budget finds the same everywhere.

    Twice as many are under way as there are workers.
    """
    size = 1 if any(parse_kernel(name).real for name in (left, right) if name is not None) else BATCH
    if budget.scenarios is not None:
        size = max(1, min(size, budget.scenarios // workers))
    numbers = count(drawing.first, size)
    pending: deque[Future[Tally]] = deque()
    try:
        while True:
            while len(pending) < 2 * workers:
                batch = replace(drawing, first=next(numbers))
                pending.append(executor.submit(run_named_batch, left, right, batch, size, keep))
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


def run_named_batch(left: str, right: str | None, drawing: Draws, size: int, keep: Kept | None) -> Tally:
    """`run_batch` on kernels by name."""
    second = None if right is None else _kept_open(right)
    return run_batch(_kept_open(left), second, drawing, size, keep)


@cache
def _kept_open(name: str) -> Kernel:
    """A kernel for as long as this process, an executor's, lives: a guest is booted once, and ends with it."""
    return parse_kernel(name)


def run_batch(
    left: Kernel,
    right: Kernel | None,
    drawing: Draws,
    size: int,
    keep: Kept | None = None,
    known: frozenset[str] = frozenset(),
) -> Tally:
    """`size` scenarios, with every difference that they show but those whose report is `known`."""
    tally = Tally(coverage=Coverage(drawing.stateless))
    kernels = (left,) if right is None else (left, right)
    guide = guide_for(left, real=_any_real(kernels))
    answering = answering_of(*kernels)
    left_is_guide = answering is Answering.MODELS and not drawing.together
    """Then its answers are known when a scenario is drawn."""
    trial = trial_of(left, right, together=drawing.together)
    nodes = max(drawing.nodes, *(kernel.nodes for kernel in kernels))
    for number in range(drawing.first, drawing.first + size):
        origin = f"{drawing.seed}:{number}"
        drawn = draw(
            origin,
            drawing.length,
            guide,
            tally.coverage,
            answering=answering,
            nodes=nodes,
            together=drawing.together,
        )
        scenario = drawn.scenario
        tally.scenarios += 1
        tally.steps += len(scenario.steps)
        if left_is_guide and right is not None and answers_alike(scenario, right, drawn.answers, drawn.left):
            continue
        with going_on(*kernels):
            divergence = trial(scenario)
        if divergence is None:
            continue
        if report_of(divergence) in known | tally.reports:
            tally.repeats += 1
            continue
        found = _confirmed(as_found(scenario, divergence, _names(kernels), origin), kernels, trial, keep)
        if found.confirmed:
            tally.findings.append(_finding(found, kernels, guide, trial, keep))
        else:
            tally.unconfirmed.append(found)
    return tally


def _names(kernels: Sequence[Kernel]) -> list[str]:
    return [kernel.name for kernel in kernels]


def _any_real(kernels: Sequence[Kernel]) -> bool:
    return any(kernel.real for kernel in kernels)


def _confirmed(sighted: Difference, kernels: Sequence[Kernel], trial: FirstDifference, keep: Kept | None) -> Difference:
    """A difference that was seen once, with what comes of seeing it again; it is kept before and after.

    Raises UnavailableError for one on the host that does not come again: others use its pool, too.
    """
    if keep is not None:
        keep.put(sighted)
    names = _names(kernels)
    found = sighted.divergence
    confirmation = confirm(found, sighted.scenario, kernels[0], kernels[-1], lambda: trial(sighted.scenario))
    if "host" in names and confirmation.divergence is None:
        raise UnavailableError(
            f"{' and '.join(names)} differed at step {found.number} of a scenario, and did not when it was "
            "run again: another program used the host's pool; stop it and run the scenario again"
        )
    result = as_confirmed(sighted, confirmation, names)
    if keep is not None:
        keep.put(result)
        if result.confirmed:
            keep.drop(sighted)
    return result


def _finding(
    found: Difference, kernels: Sequence[Kernel], guide: Behaviour, trial: FirstDifference, keep: Kept | None
) -> Difference:
    """It, shortened to steps of which none hangs on a real kernel that the guide does not know of."""

    def tried(candidate: Scenario) -> Divergence | None:
        if _any_real(kernels) and hangs(candidate, guide):
            return None
        return trial(candidate)

    end = time.monotonic() + SHORTEN_SECONDS
    soon, late = (SHORTEN_HANG_SECONDS, HANG_SECONDS) if found.hangs else (math.inf, math.inf)
    for kept in (True, False):  # of guests that go on, some show what only scenarios before have made
        with going_on(*kernels, wanted=kept), impatient(soon, *kernels):
            short = shortened(found, _names(kernels), tried, end)
        with going_on(*kernels, wanted=False), impatient(late, *kernels):
            if tried(short.scenario) is not None:
                break
    else:
        short = found
    if keep is not None:
        keep.put(short)
    return short
