"""Which known defect it is that breaks an invariant: the one without which the same operations do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from hugeresv.errors import ScenarioError
from hugeresv.kernels.grammar import spelling
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.model.behaviour import Behaviour, switches
from hugeresv.play.insight import model_insight
from hugeresv.play.play import Ending, Result, play, violations_of
from hugeresv.scenario.scenario import Scenario


class Cause(NamedTuple):
    """An invariant that a scenario violates, and the switches of which any one alone, set as in `ideal`, prevents it.

    HANG, a call that does not return, is among the invariants.
    Without such a switch the violation is new: no single known defect explains it.
    """

    invariant: str
    switches: tuple[str, ...]


class KnownViolations:
    """What a behaviour violates in a scenario, step by step: known defects, not news."""

    def __init__(self, scenario: Scenario, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self._by_step = {
            _number(result): _keys(result) for result in play(scenario, ModelKernel(behaviour), audit=model_insight)
        }

    def has(self, result: Result) -> bool:
        """Whether it violates all that `result`, of the same scenario on another kernel, does at its step."""
        return _keys(result) <= self._by_step.get(_number(result), set())


def _number(result: Result) -> int:
    return 0 if isinstance(result, Ending) else result.number


def _keys(result: Result) -> set[tuple[str, str]]:
    return {violation.key for violation in violations_of(result)}


def explain(scenario: Scenario, behaviour: Behaviour) -> list[Cause]:
    """A verdict for every invariant that the scenario violates, by replaying it once for each defect."""
    violated = _violated(scenario, behaviour)
    causes: dict[str, list[str]] = {name: [] for name in violated}
    if violated:
        for switch in switches():
            if getattr(behaviour, switch.name) != switch.default:
                as_in_ideal: dict[str, Any] = {switch.name: switch.default}
                mended = replace(behaviour, **as_in_ideal)
                for name in violated - _violated(scenario, mended):
                    causes[name].append(spelling(switch.name))
    return [Cause(name, tuple(causes[name])) for name in sorted(causes, key=_order)]


def _order(name: str) -> tuple[int, str]:
    """I2 before I10, and HANG after all of them."""
    return len(name), name


def _violated(scenario: Scenario, behaviour: Behaviour) -> set[str]:
    """The names of all invariants that are violated after some step or at the end."""
    names: set[str] = set()
    try:
        for result in play(scenario, ModelKernel(behaviour), show=True):
            names.update(violation.name for violation in violations_of(result))
    except ScenarioError:
        # Where a call fails that succeeded before, its name is not bound, and what follows cannot be compared.
        return names
    return names
