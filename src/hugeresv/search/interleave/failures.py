"""Every allocation of a scenario, failed once: what no longer holds afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

from hugeresv.calls.call import Call
from hugeresv.errors import ScenarioError
from hugeresv.invariants.check import check
from hugeresv.invariants.ending import check_end
from hugeresv.invariants.steps import uncovered
from hugeresv.invariants.violation import Violation
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.outcome import ENDINGS, Outcome
from hugeresv.play.insight import mapping_at
from hugeresv.play.play import apply_step
from hugeresv.scenario.scenario import Scenario, Together
from hugeresv.together.failures import Allocations, failing


class Failure(NamedTuple):
    """The `number`-th allocation of a step failed, for `what`; its answer, and the first that did not hold, and where.

    `broken_at` is a step, or None where it only shows when everything is gone.
    """

    step: int
    number: int
    what: str
    outcome: Outcome
    violations: tuple[Violation, ...]
    broken_at: int | None


def fail_each(scenario: Scenario, kernel: ModelKernel) -> Iterator[Failure]:
    """One run for each allocation of each step; steps of concurrent calls are left as they are.

    Raises as `play` does.
    """
    for number, asked in _allocations(scenario, kernel):
        for which, what in enumerate(asked, 1):
            yield _run(scenario, kernel, number, which, what)


def _allocations(scenario: Scenario, kernel: ModelKernel) -> Iterator[tuple[int, list[str]]]:
    """What each step asks memory for."""
    found: list[tuple[int, list[str]]] = []
    with kernel.start(scenario.pool, scenario.cgroups, scenario.pools or ()) as session:
        for number, step in enumerate(scenario.steps, 1):
            if isinstance(step.operation, Together):
                apply_step(session, number, step)
                continue
            counted: list[Allocations] = []

            @contextmanager
            def counting(_call: Call, counted: list[Allocations] = counted) -> Iterator[None]:
                with failing() as allocations:
                    counted.append(allocations)
                    yield

            session.during = counting
            answer = apply_step(session, number, replace(step, fails=None))
            session.during = None
            found.append((number, counted[0].asked))
            if answer.outcome is Outcome.HANG:
                break
    yield from found


def _run(scenario: Scenario, kernel: ModelKernel, number: int, which: int, what: str) -> Failure:
    """One run. A step that names what a failed one did not make is left out."""
    outcome = Outcome.OK
    with kernel.start(scenario.pool, scenario.cgroups, scenario.pools or ()) as session:

        def name(process: object, address: int) -> tuple[str, int] | None:
            return mapping_at(str(process), address, session.names)

        for at, step in enumerate(scenario.steps, 1):
            try:
                answer = apply_step(session, at, replace(step, fails=which if at == number else None))
            except ScenarioError:
                continue
            if at == number:
                outcome = answer.outcome
            found = [*check(session.machine, name), *uncovered(step.operation, answer.outcome, session.machine, name)]
            if found:
                return Failure(number, which, what, outcome, tuple(found), at)
            if answer.outcome in ENDINGS:
                return Failure(number, which, what, outcome, (), None)
        session.release()
        return Failure(number, which, what, outcome, tuple(check_end(session.machine)), None)
