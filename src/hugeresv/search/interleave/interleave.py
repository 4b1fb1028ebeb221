"""The orders of calls at once, judged: the finding with the fewest preemptions, or that there is none.

Orders of no, one and two preemptions come first, so that what is found is short. What the unbounded search does not
find is not there (`together.orders`). A finding is an order after which an invariant does not hold, in which calls wait
for each other for ever, or whose answers no serial order gives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hugeresv.calls.resolve import resolve
from hugeresv.errors import InputError
from hugeresv.invariants.check import check
from hugeresv.invariants.violation import Violation
from hugeresv.kernels.model.at_once import Block, block_of, task_names
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.model.session import ModelSession
from hugeresv.outcome import ENDINGS, Outcome
from hugeresv.play.insight import mapping_at
from hugeresv.play.play import apply_step
from hugeresv.scenario.scenario import Scenario, Step, Together
from hugeresv.together.orders import Order
from hugeresv.together.schedule import write_switch

FEW = (0, 1, 2)
"""Bounds of preemptions that are tried before all orders are."""


class OrderEnding(NamedTuple):
    """How an order ended: what each call answered, and the pool's counters."""

    outcomes: tuple[Outcome, ...]
    counters: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class WrongOrder:
    """An order that is wrong, and in what."""

    run: Order
    ending: OrderEnding
    violations: tuple[Violation, ...]
    switch: tuple[str, ...]


@dataclass(slots=True)
class Orders:
    """What the orders of one block gave."""

    scenario: Scenario
    number: int
    """The step that the block is, from 1."""
    block: Block
    tasks: tuple[str, ...]
    runs: int = 0
    steps: int = 0
    preemptions: int | None = None
    """The bound within which all orders were run; None: without one."""
    finding: WrongOrder | None = None
    wrong: int = 0
    """How many orders were wrong, of those of the last bound."""
    endings: Counter[OrderEnding] = field(default_factory=Counter)


Progress = Callable[[Orders], None]


def interleave(
    scenario: Scenario, kernel: ModelKernel, *, preemptions: int | None = None, progress: Progress | None = None
) -> list[Orders]:
    """Every block of a scenario; the scenario goes on after a serial order of each.

    `preemptions`: at most so many; None: any number. Raises InputError for a scenario without calls at once, and as
    `play` does.
    """
    found = []
    with kernel.start(scenario.pool, scenario.cgroups, scenario.pools or ()) as session:
        for number, step in enumerate(scenario.steps, 1):
            operation = step.operation
            if isinstance(operation, Together):
                found.append(_search(scenario, number, operation, session, preemptions, progress))
                operation = Together(operation.steps, ())
            answer = apply_step(session, number, _as(step, operation))
            if answer.outcome in ENDINGS:
                break
    if not found:
        raise InputError("this scenario has no calls at once: put them between 'together' and 'apart'")
    return found


def _as(step: Step, operation: object) -> Step:
    from dataclasses import replace

    return replace(step, operation=operation)  # type: ignore[arg-type]


def _search(
    scenario: Scenario,
    number: int,
    together: Together,
    session: ModelSession,
    preemptions: int | None,
    progress: Progress | None,
) -> Orders:
    calls = [resolve(step.operation, session.names) for step in together.steps]
    block = block_of(together, session.machine.copy(), calls)
    result = Orders(scenario, number, block, task_names(together))
    judge = _Judge(result, session)
    bounds: Sequence[int | None] = [*(few for few in FEW if preemptions is None or few < preemptions), preemptions]
    for bound in bounds:
        result.preemptions = bound
        result.wrong = 0
        result.endings.clear()
        orders = block.orders(preemptions=bound)
        for run in orders:
            result.runs += 1
            judge.take(run)
            if progress is not None:
                progress(result)
            if result.finding is not None and bound is not None and bound != preemptions:
                break
        result.steps += orders.steps
        if result.finding is not None:
            break
    return result


class _Judge:
    """Says what is wrong with an order, and keeps the best of those that are."""

    def __init__(self, result: Orders, session: ModelSession) -> None:
        self._result = result
        self._names = session.names
        self._serial: set[OrderEnding] = set()

    def take(self, run: Order) -> None:
        """Count an order in."""
        result = self._result
        ending = self._ending(run)
        result.endings[ending] += 1
        violations = self._violations(run, ending)
        if not violations:
            return
        result.wrong += 1
        known = result.finding
        if known is None or (run.preemptions, run.switches, len(run.steps)) < (
            known.run.preemptions, known.run.switches, len(known.run.steps),
        ):  # fmt: skip
            result.finding = WrongOrder(run, ending, tuple(violations), write_switch(run.steps, result.tasks))

    def _ending(self, run: Order) -> OrderEnding:
        h = run.machine.hstate
        counters = h.nr_huge_pages, h.free_huge_pages, h.resv_huge_pages, h.surplus_huge_pages
        return OrderEnding(tuple(self._result.block.outcomes(run).values()), counters)

    def _violations(self, run: Order, ending: OrderEnding) -> list[Violation]:
        if run.waiting:
            tasks = self._result.tasks
            waits = ", ".join(f"{tasks[task]} for {want.lock.name}" for task, want in run.waiting)
            return [Violation("DEADLOCK", "every call returns", f"the calls wait for each other: {waits}")]
        found = check(run.machine, lambda process, address: mapping_at(str(process), address, self._names))
        if run.switches < len(self._result.tasks):
            self._serial.add(ending)
        elif not found and ending not in self._serial:
            answers = ", ".join(
                f"{task} {outcome}" for task, outcome in zip(self._result.tasks, ending.outcomes, strict=True)
            )
            return [
                Violation("SERIAL", "calls at once answer as in some order", f"no order of whole calls gives {answers}")
            ]
        return found
