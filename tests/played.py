"""Scenario files as tests see them: on which kernels they say something, and what those answer."""

from pathlib import Path
from typing import NamedTuple

from hugeresv.answer import Answer
from hugeresv.kernels.grammar import parse_behaviour
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.model.behaviour import Behaviour
from hugeresv.play.play import Ending, StepResult, play
from hugeresv.scenario.load import load
from hugeresv.scenario.scenario import Scenario, Together
from hugeresv.search.interleave.interleave import has_calls_at_once, interleave
from hugeresv.search.interleave.locking import judge_locks

SCENARIOS = Path(__file__).parents[1] / "scenarios"


class Played(NamedTuple):
    """A scenario's answers on one behaviour, its end included, and whatever was not as it should be."""

    answers: list[Answer]
    contradictions: list[str]
    violations: list[str]


def scenario_in(path: Path) -> Scenario:
    """The one scenario of a `.scn` file."""
    (scenario,) = load(path)
    return scenario


def only_modelled(scenario: Scenario) -> bool:
    """Whether no kernel but the model can carry it out: calls in a chosen order, or an allocation that fails."""
    return any(step.fails or isinstance(step.operation, Together) for step in scenario.steps)


def kernels_named(scenario: Scenario) -> list[str]:
    """The kernels for which a scenario expects something of their own, in order of appearance."""
    tables = [step.expect_on for step in scenario.steps] + [scenario.leaks_rsvd]
    return list(dict.fromkeys(name for table in tables if table and not isinstance(table, int) for name in table))


def told(scenario: Scenario, behaviour: Behaviour) -> tuple[object, ...]:
    """All that a scenario tells of a behaviour: its answers, and where it uses something without a lock."""
    kernel = ModelKernel(behaviour)
    at_once = interleave(scenario, kernel, preemptions=1) if has_calls_at_once(scenario) else ()
    wrong = [violation for found in at_once if found.finding for violation in found.finding.violations]
    locks = [each for each in wrong if each.name == "L1"]
    return on(scenario, behaviour).answers, judge_locks(scenario, kernel), locks


def on(scenario: Scenario, kernel: str | Behaviour) -> Played:
    """The scenario on a behaviour, every invariant held against the machine after every step."""
    behaviour = parse_behaviour(kernel) if isinstance(kernel, str) else kernel
    answers: list[Answer] = []
    contradictions: list[str] = []
    violations: list[str] = []
    for number, each in enumerate(play(scenario, ModelKernel(behaviour), show=True), 1):
        answers.append(each.answer)
        contradictions += [f"{number}: {found}" for found in each.contradictions]
        seen = each.seen.violations if isinstance(each, StepResult) and each.seen else ()
        violations += map(str, each.violations if isinstance(each, Ending) else seen)
    return Played(answers, contradictions, violations)
