"""Concurrent calls on models: an order of one kernel that is wrong, or endings that another kernel does not have."""

from __future__ import annotations

from dataclasses import replace

from hugeresv.answer import Answer, Counters
from hugeresv.calls.resolve import resolve
from hugeresv.kernels.model.at_once import block_of
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.model.session import ModelSession
from hugeresv.kernels.protocol import Kernel
from hugeresv.outcome import ENDINGS, Outcome
from hugeresv.play.allowed import nearest
from hugeresv.play.play import apply_step
from hugeresv.scenario.scenario import Scenario, Step, Together
from hugeresv.search.fuzz.difference import FirstDifference
from hugeresv.search.interleave.interleave import OrderEnding, Orders, OrdersToRun, search_orders
from hugeresv.search.lockstep import Divergence, Pair, first_difference

MOST = 300
"""Orders of one block that are tried; most blocks have fewer that differ."""

TIMES = 5
"""How often a real kernel makes the calls of a scenario; the next scenario tells more than a repetition."""

_EFFORT = OrdersToRun((0, None), MOST, strict=False)


def trial_of(left: Kernel, right: Kernel | None, *, together: bool) -> FirstDifference:
    """What a scenario of a campaign on these kernels is put to."""
    if not together:
        assert right is not None
        return lambda scenario: first_difference(scenario, left, right)
    if right is None:
        assert isinstance(left, ModelKernel)
        return lambda scenario: wrong_order(scenario, left)
    if isinstance(left, ModelKernel) and isinstance(right, ModelKernel):
        return lambda scenario: other_ending(scenario, left, right)
    return lambda scenario: first_difference(scenario, left, right, times=TIMES)


def wrong_order(scenario: Scenario, kernel: ModelKernel) -> Divergence | None:
    """An order of its concurrent calls that is wrong in what no serial order is.

    On the left is a serial order of the same calls, on the right the wrong one, with the violated invariants.
    """
    for found in search_orders(scenario, kernel, _EFFORT):
        finding = found.finding
        if finding is not None and finding.run.preemptions:
            block = scenario.steps[found.number - 1].operation
            assert isinstance(block, Together)
            return Pair(
                found.number,
                Step(replace(block, switch=finding.switch)),
                nearest([_answer(found, ending) for ending in sorted(found.serial)], _answer(found, finding.ending)),
                _answer(found, finding.ending),
                right_violations=finding.violations,
            )
    return None


def other_ending(scenario: Scenario, left: ModelKernel, right: ModelKernel) -> Divergence | None:
    """An ending of its concurrent calls that only one of two kernels has, beside the nearest of the other one.

    None, too, where a kernel has more than `MOST` orders. A step before them that the two answer differently is one.
    """
    beginning = scenario.pool, scenario.cgroups, scenario.pools or ()
    with left.start(*beginning) as first, right.start(*beginning) as second:
        for number, step in enumerate(scenario.steps, 1):
            if isinstance(step.operation, Together):
                return _beside(number, step, _endings(first, step.operation), _endings(second, step.operation))
            pair = Pair(number, step, apply_step(first, number, step), apply_step(second, number, step))
            if pair.differ:
                return pair
            if pair.left.outcome in ENDINGS:
                return None
    return None


def _endings(session: ModelSession, together: Together) -> list[Answer]:
    """What the calls answer in all orders, each answer once; none if these are too many."""
    calls = [resolve(step.operation, session.names) for step in together.steps]
    block = block_of(together, session.machine, calls)
    found: list[Answer] = []
    for count, run in enumerate(block.orders(), 1):
        if count > MOST:
            return []
        answer = session.answer_of(block, run)
        if answer not in found:
            found.append(answer)
    return found


def _beside(number: int, step: Step, left: list[Answer], right: list[Answer]) -> Divergence | None:
    """The first ending that one of the two has alone."""
    if left and right:
        for answer in right:
            if answer not in left:
                return Pair(number, step, nearest(left, answer), answer)
        for answer in left:
            if answer not in right:
                return Pair(number, step, answer, nearest(right, answer))
    return None


def _answer(found: Orders, ending: OrderEnding) -> Answer:
    outcomes = dict(zip(found.tasks, ending.outcomes, strict=True))
    outcome = Outcome.HANG if Outcome.HANG in ending.outcomes else Outcome.OK
    return Answer(outcome, Counters(*ending.counters), outcomes=outcomes)
