"""Scenarios with calls at once, played many times on a real kernel: which order they run in is chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hugeresv.errors import InputError
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.play.allowed import Allowed
from hugeresv.play.play import Ending, Result, StepResult, play
from hugeresv.scenario.scenario import Scenario, Together

if TYPE_CHECKING:
    from hugeresv.answer import Answer
    from hugeresv.kernels.protocol import Kernel
    from hugeresv.play.insight import Seer

TIMES = 20
"""How often, unless said otherwise."""


def is_chance(scenario: Scenario, kernel: Kernel) -> bool:
    """Whether what a scenario answers depends on chance."""
    return kernel.real and any(isinstance(step.operation, Together) for step in scenario.steps)


def play_often(
    scenario: Scenario,
    kernel: Kernel,
    times: int = TIMES,
    *,
    show: bool = False,
    audit: Seer | None = None,
) -> Iterator[Result]:
    """Play it up to so many times, and give the results of the last one, which is the first with a contradiction.

    Everything from the first calls at once on must be answered as an order of the kernel's behaviour answers it. The
    result of calls at once has what they answered in all runs. Raises as `play`.
    """
    seen: dict[int, Counter[str]] = {}
    results: list[Result] = []
    trouble: InputError | None = None
    for _ in range(times):
        results = []
        try:
            for result in _judged_run(scenario, kernel, show=show, audit=audit):
                results.append(result)
                if isinstance(result, StepResult) and result.answer.outcomes is not None:
                    seen.setdefault(result.number, Counter())[_outcomes(result.answer)] += 1
        except InputError as error:  # such as a mapping that there would be, had all gone well
            trouble = error
        if trouble or any(result.contradictions for result in results):
            break
    for result in results:
        if isinstance(result, StepResult) and result.number in seen:
            yield result._replace(chances=dict(seen[result.number].most_common()))
        else:
            yield result
    if trouble:
        raise trouble


def _judged_run(scenario: Scenario, kernel: Kernel, *, show: bool, audit: Seer | None) -> Iterator[Result]:
    """One run, each result beside what is allowed."""
    with ModelKernel(kernel.behaviour).start(scenario.pool, scenario.cgroups, scenario.pools or ()) as session:
        allowed = Allowed(session)
        for result in play(scenario, kernel, show=show, audit=audit):
            yield _judged(result, allowed)


def _judged(result: Result, allowed: Allowed) -> Result:
    if isinstance(result, Ending):
        allowed.release()
    else:
        allowed.step(result.number, result.step)
    return result._replace(contradictions=[*result.contradictions, *allowed.judge(result.answer)])


def _outcomes(answer: Answer) -> str:
    return ", ".join(f"{task} {outcome}" for task, outcome in (answer.outcomes or {}).items())
