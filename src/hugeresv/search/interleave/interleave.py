"""The orders of concurrent calls, judged: the finding with the fewest preemptions, or that there is none.

Orders of no, one and two preemptions come first, so that what is found is short. What the unbounded search does not
find is not there (`together.orders`). A finding is an order after which an invariant does not hold, in which calls wait
for each other for ever, whose answers no serial order gives, or which does not answer as the scenario expects. What a
scenario expects behind `apart` it expects of every order or, with `switch=`, of the one that this names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import combinations, product
from typing import NamedTuple

from hugeresv.calls.resolve import resolve
from hugeresv.errors import InputError
from hugeresv.invariants.check import check
from hugeresv.invariants.violation import Violation
from hugeresv.kernels.model.at_once import Block, block_of, named_order, task_names
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.model.session import ModelSession
from hugeresv.outcome import ENDINGS, Outcome
from hugeresv.play.insight import mapping_at
from hugeresv.play.play import apply_step, at_step
from hugeresv.scenario.expectation import contradictions, expected
from hugeresv.scenario.operation import Mmap, Operation
from hugeresv.scenario.scenario import Expectation, Scenario, Step, Together
from hugeresv.together.orders import Order
from hugeresv.together.schedule import write_switch

FEW = (0, 1, 2)
"""Bounds of preemptions that are tried before all orders are."""

PAGE_BY_PAGE = frozenset(
    ("set_nr_hugepages", "demote", "ftruncate", "fallocate", "mlock", "mlock2", "munlock", "madvise", "migrate_pages")
)
"""Operations that the kernel carries out page by page, so that another call may see a half of one."""

REFUSALS = (Outcome.ENOMEM, Outcome.ENOSPC, Outcome.SIGBUS)
"""How a call answers that gets no page, or no promise of one."""

WRITE_THEM = "write them between 'together' and 'apart'"
"""What to do where a scenario has no concurrent calls."""


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


class OrdersWithin(NamedTuple):
    """How many orders were run within a bound of preemptions; None: without a bound."""

    preemptions: int | None
    orders: int


@dataclass(slots=True)
class Orders:
    """What the orders of one block gave."""

    scenario: Scenario
    number: int
    """The step that the block is, from 1."""
    block: Block
    tasks: tuple[str, ...]
    steps: int = 0
    bounds: list[OrdersWithin] = field(default_factory=list)
    """Every bound that was tried, the last one cut short where it is not the one asked for and has a finding."""
    finding: WrongOrder | None = None
    wrong: int = 0
    """How many orders were wrong, of those of the last bound."""
    endings: Counter[OrderEnding] = field(default_factory=Counter)
    """How often the orders of the last bound ended so."""
    serial: set[OrderEnding] = field(default_factory=set)
    """How the calls end one after the other, in whatever order."""

    @property
    def runs(self) -> int:
        """The orders that were run; one within two bounds counts twice."""
        return sum(bound.orders for bound in self.bounds)

    @property
    def preemptions(self) -> int | None:
        """The last bound; None: there is none."""
        return self.bounds[-1].preemptions if self.bounds else None


Progress = Callable[[Orders], None]


class OrdersToRun(NamedTuple):
    """Which orders are run: bounds of preemptions one after the other, None for no bound, and the most orders of each.

    Where there are more than `most`, those that were run are what is judged. `strict`: whether an ending of no
    serial order is wrong even where a call is refused what another one holds for a moment and then gives back, or where
    a call works page by page.
    """

    bounds: tuple[int | None, ...]
    most: int | None = None
    strict: bool = True

    @classmethod
    def up_to(cls, preemptions: int | None) -> OrdersToRun:
        """The fewest preemptions first, and every order within the bound."""
        return cls((*(few for few in FEW if preemptions is None or few < preemptions), preemptions))


def interleave(
    scenario: Scenario, kernel: ModelKernel, *, preemptions: int | None = None, progress: Progress | None = None
) -> list[Orders]:
    """Every block of a scenario; the scenario goes on after a serial order of each.

    `preemptions`: at most so many; None: any number. The scenario goes on after the order of `switch=`, where it has
    one. Raises InputError for a scenario without concurrent calls, and as `play` does.
    """
    return search_orders(scenario, kernel, OrdersToRun.up_to(preemptions), progress=progress)


def search_orders(
    scenario: Scenario, kernel: ModelKernel, effort: OrdersToRun, *, progress: Progress | None = None
) -> list[Orders]:
    """The same with the orders that `effort` says."""
    if not has_calls_at_once(scenario):
        raise InputError(f"this scenario has no concurrent calls: {WRITE_THEM}")
    found = []
    with kernel.start(scenario.pool, scenario.cgroups, scenario.pools or ()) as session:
        for number, step in enumerate(scenario.steps, 1):
            operation = step.operation
            if isinstance(operation, Together):
                with at_step(number):
                    found.append(_search(scenario, number, session, _Wanted.of(step, kernel), effort, progress))
                operation = replace(operation, switch=operation.switch or ())
            answer = apply_step(session, number, replace(step, operation=operation))
            if answer.outcome in ENDINGS:
                break
    if not found:
        raise InputError(f"step {number} answers {answer.outcome}, and the scenario ends before its concurrent calls")
    return found


def has_calls_at_once(scenario: Scenario) -> bool:
    """Whether there is a block to search."""
    return any(isinstance(step.operation, Together) for step in scenario.steps)


class _Wanted(NamedTuple):
    """What is expected behind `apart`: of the order that `switch` names; None: of every one."""

    expectation: Expectation
    switch: tuple[str, ...] | None

    @classmethod
    def of(cls, step: Step, kernel: ModelKernel) -> _Wanted:
        assert isinstance(step.operation, Together)
        return cls(expected(step, kernel.expectation_names), step.operation.switch)


def _search(
    scenario: Scenario,
    number: int,
    session: ModelSession,
    wanted: _Wanted,
    effort: OrdersToRun,
    progress: Progress | None,
) -> Orders:
    together = scenario.steps[number - 1].operation
    assert isinstance(together, Together)
    calls = [resolve(step.operation, session.names) for step in together.steps]
    block = block_of(together, session.machine.copy(), calls)
    result = Orders(scenario, number, block, task_names(together))
    named = None if wanted.switch is None else named_order(block, wanted.switch)
    judge = _Judge(result, session, wanted, strict=effort.strict)
    for bound in effort.bounds:
        result.bounds.append(OrdersWithin(bound, 0))
        result.wrong = 0
        result.endings.clear()
        orders = block.orders(preemptions=bound)
        for count, run in enumerate(orders, 1):
            result.bounds[-1] = OrdersWithin(bound, count)
            judge.take(run)
            if progress is not None:
                progress(result)
            if (result.finding is not None and bound != effort.bounds[-1]) or count == effort.most:
                break
        result.steps += orders.steps
        if result.finding is not None:
            return result
    if named is not None:
        judge.take_named(named)
    return result


class _Judge:
    """Says what is wrong with an order, and keeps the best of those that are."""

    def __init__(self, result: Orders, session: ModelSession, wanted: _Wanted, *, strict: bool) -> None:
        self._result = result
        self._session = session
        self._names = session.names
        self._wanted = wanted
        self._expects = wanted.switch is None and wanted.expectation != Expectation()
        together = result.scenario.steps[result.number - 1].operation
        assert isinstance(together, Together)
        self._strict = strict
        self._page_by_page = any(_works_page_by_page(step.operation) for step in together.steps)

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

    def take_named(self, run: Order) -> None:
        """Hold the order that the scenario names against what it expects; it has been counted in as one of all."""
        if violations := self._unexpected(run):
            switch = write_switch(run.steps, self._result.tasks)
            self._result.finding = WrongOrder(run, self._ending(run), tuple(violations), switch)

    def _unexpected(self, run: Order) -> list[Violation]:
        """Where an order does not answer as expected."""
        answer = self._session.answer_of(self._result.block, run)
        found = contradictions(self._wanted.expectation, answer)
        return [Violation("EXPECTED", "concurrent calls answer as expected", str(each)) for each in found]

    def _ending(self, run: Order) -> OrderEnding:
        return OrderEnding(tuple(self._result.block.outcomes(run).values()), _counters_of(run))

    def _violations(self, run: Order, ending: OrderEnding) -> list[Violation]:
        if run.waiting:
            tasks = self._result.tasks
            waits = ", ".join(f"{tasks[task]} for {want.lock.name}" for task, want in run.waiting)
            return [Violation("DEADLOCK", "every call returns", f"the calls wait for each other: {waits}")]
        found = check(run.machine, lambda process, address: mapping_at(str(process), address, self._names))
        for task, function, lock in dict.fromkeys(run.unlocked):
            message = f"{self._result.tasks[task]} calls {function} without {lock.name}"
            found = [*found, Violation("L1", "what a lock protects is used with it held", message)]
        if self._expects:
            found = [*found, *self._unexpected(run)]
        if run.switches < len(self._result.tasks):
            self._result.serial.add(ending)
        elif not found and ending not in self._result.serial and not self._excused(ending):
            answers = ", ".join(
                f"{task} {outcome}" for task, outcome in zip(self._result.tasks, ending.outcomes, strict=True)
            )
            message = f"{answers}: one after the other they never answer so and leave these counters"
            return [Violation("SERIAL", "concurrent calls answer as in some order", message)]
        return found

    def _excused(self, ending: OrderEnding) -> bool:
        """Whether no serial order has to end so."""
        return not self._strict and (self._page_by_page or self._refused(ending))

    def _refused(self, ending: OrderEnding) -> bool:
        """Whether it is how a serial order ends without some of the calls, which were refused and left nothing."""
        refused = [number for number, outcome in enumerate(ending.outcomes) if outcome in REFUSALS]
        return any(
            ending in self._endings_without(left_out)
            for size in range(1, len(refused) + 1)
            for left_out in combinations(refused, size)
        )

    def _endings_without(self, left_out: tuple[int, ...]) -> set[OrderEnding]:
        """How serial orders of the other calls end, with any refusal for those that are left out."""
        block = self._result.block
        kept = [number for number in range(len(block.calls)) if number not in left_out]
        fails = {at: block.fails[number] for at, number in enumerate(kept) if number in block.fails}
        others = Block(block.machine, tuple(block.tasks[n] for n in kept), tuple(block.calls[n] for n in kept), fails)
        found = set()
        for run in others.orders(preemptions=0):
            answers = dict(zip(kept, others.outcomes(run).values(), strict=True))
            for refusals in product(REFUSALS, repeat=len(left_out)):
                every = answers | dict(zip(left_out, refusals, strict=True))
                found.add(OrderEnding(tuple(every[n] for n in range(len(block.calls))), _counters_of(run)))
        return found


def _counters_of(run: Order) -> tuple[int, int, int, int]:
    h = run.machine.hstate
    return h.nr_huge_pages, h.free_huge_pages, h.resv_huge_pages, h.surplus_huge_pages


def _works_page_by_page(operation: Operation) -> bool:
    populates = isinstance(operation, Mmap) and bool(operation.populate or operation.locked)
    return populates or operation.op in PAGE_BY_PAGE
