"""What happened, written into a scenario as what is expected.

A key that `expect` does not have yet gets what was answered. One that it has with another value keeps it, and the
kernel gets a value of its own in `expect_on`. So recording on `ideal` first and on other kernels afterwards leaves a
scenario that says what they have in common, and where each differs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from hugeresv.kernels.play import Result, StepResult
from hugeresv.model.presets import PRESETS
from hugeresv.scenario.expectation import expected, leaks_for, observed
from hugeresv.scenario.scenario import CgroupPages, Expectation, Scenario, StatfsPages, Step

_Keys = TypeVar("_Keys", Expectation, CgroupPages, StatfsPages)


def recorded(scenario: Scenario, results: Sequence[Result], names: Sequence[str]) -> Scenario:
    """The scenario with all that a kernel known by `names` answered as expected; steps beyond `results` as they were.

    A cgroup or a mount that is expected and was not there stays expected: no `expect_on` can take it back.
    """
    steps = list(scenario.steps)
    leaks = scenario.leaks_rsvd
    for result in results:
        if isinstance(result, StepResult):
            steps[result.number - 1] = _recorded_step(result, names)
        else:
            leaks = _recorded_leaks(scenario, result.answer.counters.rsvd, names)
    return replace(scenario, steps=tuple(steps), leaks_rsvd=leaks)


def _recorded_step(result: StepResult, names: Sequence[str]) -> Step:
    step, found = result.step, observed(result.answer)
    by_kernel = dict(step.expect_on or {})
    name = _name_in(by_kernel, names)
    by_kernel.pop(name, None)
    step = replace(step, expect=_filled(step.expect or Expectation(), found), expect_on=by_kernel or None)
    if own := _difference(expected(step, names), found):
        step = replace(step, expect_on={**by_kernel, name: Expectation(**own)})
    return step


def _recorded_leaks(scenario: Scenario, found: int, names: Sequence[str]) -> int | Mapping[str, int] | None:
    leaks = scenario.leaks_rsvd
    if found == leaks_for(scenario, names):
        return leaks
    by_kernel = dict.fromkeys(PRESETS, leaks) if isinstance(leaks, int) else dict(leaks or {})
    return {**by_kernel, _name_in(by_kernel, names): found}


def _name_in(by_kernel: Mapping[str, object], names: Sequence[str]) -> str:
    """The name under which a kernel has values of its own: the last that is there, as that holds; else its first."""
    return next((name for name in reversed(names) if name in by_kernel), names[0])


def _filled(base: _Keys, found: _Keys) -> _Keys:
    """`base` with what `found` has and it has not, in tables down to single counters."""
    given: dict[str, Any] = {}
    for field in fields(found):
        old, new = getattr(base, field.name), getattr(found, field.name)
        if isinstance(new, Mapping):
            table = old or {}
            given[field.name] = {
                **table,
                **{name: _filled(table[name], keys) if name in table else keys for name, keys in new.items()},
            }
        elif old is None:
            given[field.name] = new
    return replace(base, **given)


def _difference(base: _Keys, found: _Keys) -> dict[str, Any]:
    """The keys of `found` that have another value in `base`, which has them all."""
    differing: dict[str, Any] = {}
    for field in fields(found):
        old, new = getattr(base, field.name), getattr(found, field.name)
        if isinstance(new, Mapping):
            tables = {name: _difference(old[name], keys) for name, keys in new.items()}
            if table := {name: type(new[name])(**keys) for name, keys in tables.items() if keys}:
                differing[field.name] = table
        elif new is not None and old != new:
            differing[field.name] = new
    return differing
