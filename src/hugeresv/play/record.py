"""What happened, written into a scenario as what is expected.

What the default kernel answers is `expect` itself. Any other kernel fills in the keys that `expect` does not have yet;
where one is there with another value, the kernel gets a value of its own in `expect_on`. So recording on `ideal` and on
other kernels leaves a scenario that says what is right, and where each differs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from hugeresv.kernels.grammar import DEFAULT, GUEST, HOST
from hugeresv.model.presets import PRESETS
from hugeresv.play.play import Result, StepResult
from hugeresv.scenario.expectation import expected, leaks_for, observed
from hugeresv.scenario.scenario import CgroupPages, Expectation, PoolPages, Scenario, StatfsPages, Step

_Keys = TypeVar("_Keys", Expectation, CgroupPages, StatfsPages, PoolPages)


def recorded(scenario: Scenario, results: Sequence[Result], names: Sequence[str]) -> Scenario:
    """The scenario with all that a kernel known by `names` answered as expected; steps beyond `results` as they were.

    On another kernel than the default one a cgroup or a mount that is expected and was not there stays expected: no
    `expect_on` can take it back.
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
    if name == DEFAULT:
        return replace(step, expect=found, expect_on=_still_different(by_kernel, found) or None)
    step = replace(step, expect=_filled(step.expect or Expectation(), found), expect_on=by_kernel or None)
    if own := _difference(expected(step, names), found):
        step = replace(step, expect_on={**by_kernel, name: Expectation(**own)})
    return step


def _still_different(by_kernel: Mapping[str, Expectation], base: Expectation) -> dict[str, Expectation]:
    """The overrides without what `base` says itself.

    A real kernel's are left as they are where a behaviour has one: they may be what overrides that behaviour's.
    """
    differing = {name: _difference(base, over) for name, over in by_kernel.items()}
    overridden = any(differing[name] for name in by_kernel if name in PRESETS)
    return {
        name: over if overridden and name not in PRESETS else Expectation(**differing[name])
        for name, over in by_kernel.items()
        if differing[name] or (overridden and name not in PRESETS)
    }


def _recorded_leaks(scenario: Scenario, found: int, names: Sequence[str]) -> int | Mapping[str, int] | None:
    """A number is what every kernel leaks, and the default one's to replace; in a map a kernel without one leaks 0."""
    leaks = scenario.leaks_rsvd
    if found == leaks_for(scenario, names):
        return leaks
    if isinstance(leaks, int):
        if DEFAULT in names:
            return found or None
        leaks = {DEFAULT: leaks} if leaks else {}
    by_kernel = dict(leaks or {})
    name = _name_in(by_kernel, names)
    by_kernel.pop(name, None)
    if found != leaks_for(replace(scenario, leaks_rsvd=by_kernel), names):
        by_kernel[name] = found
    return by_kernel or None


def _name_in(by_kernel: Mapping[str, object], names: Sequence[str]) -> str:
    """The name under which a kernel has values of its own.

    That of its place, `host` or `guest:NAME`, where it is there already, as that holds; else that of its release. Names
    before these are of kernels that are like it, whose values stay as they are.
    """
    *_, own = (name for name in names if name != HOST and not name.startswith(GUEST))
    return next((name for name in reversed(names[names.index(own) :]) if name in by_kernel), own)


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
    """The keys that `found` gives and that have another value, or none, in `base`."""
    differing: dict[str, Any] = {}
    for field in fields(found):
        old, new = getattr(base, field.name), getattr(found, field.name)
        if isinstance(new, Mapping):
            tables = {name: _difference((old or {}).get(name, type(keys)()), keys) for name, keys in new.items()}
            if table := {name: type(new[name])(**keys) for name, keys in tables.items() if keys}:
                differing[field.name] = table
        elif new is not None and old != new:
            differing[field.name] = new
    return differing
