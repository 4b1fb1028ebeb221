"""Behaviours are made of switches, and every switch makes a difference that a scenario shows."""

from dataclasses import replace
from enum import StrEnum
from itertools import combinations
from typing import Any

import pytest

from hugeresv.kernels.grammar import parse_behaviour, spelling
from hugeresv.model.behaviour import Behaviour, switches
from hugeresv.model.presets import IDEAL, PRESETS
from hugeresv.model.release import RUN
from tests.played import SCENARIOS, kernels_named, on, scenario_in, told

SWITCHES = {spelling(switch.name): switch for switch in switches()}
FILES = {path.stem: path for path in sorted((SCENARIOS / "behaviours").iterdir())}


def test_every_switch_has_its_scenario_and_every_scenario_its_switch() -> None:
    """scenarios/behaviours has one scenario for each switch, and no other.

    Catches: a switch that nobody can see the effect of, or a scenario of one that is gone.
    """
    assert {path.suffix for path in FILES.values()} == {".scn"}
    assert FILES.keys() == SWITCHES.keys()


@pytest.mark.parametrize("name", SWITCHES)
def test_the_settings_of_a_switch_answer_differently(name: str) -> None:
    """The settings of a switch answer its scenario differently from each other, or hold other locks.

    Catches: a setting that no function asks for, or that two settings share.
    """
    scenario, switch = scenario_in(FILES[name]), SWITCHES[name]
    variants = [kernel for kernel in kernels_named(scenario) if f",{name}=" in kernel]
    assert variants, f"{FILES[name].name} says nothing of a kernel with {name} set"
    answers = {}
    for value in settings(getattr(IDEAL, switch.name)):
        behaviour: Behaviour = replace(parse_behaviour(variants[0]), **{switch.name: value})
        answers[value] = told(scenario, behaviour)
    for one, other in combinations(answers, 2):
        assert answers[one] != answers[other], f"{name}={one} and {name}={other} answer alike"


def settings(default: bool | StrEnum) -> list[Any]:
    """All that a switch may be set to."""
    return [False, True] if isinstance(default, bool) else list(type(default))


@pytest.mark.parametrize("name", FILES)
def test_a_scenario_is_right_about_every_kernel_that_it_names(name: str) -> None:
    """A scenario's expectations hold on every kernel that it names.

    Catches: a rule that changed, or a name that is not spelled as the kernel spells itself and so is never looked up.
    """
    scenario = scenario_in(FILES[name])
    for kernel in ["ideal", *kernels_named(scenario)]:
        assert parse_behaviour(kernel).name == kernel
        assert on(scenario, kernel).contradictions == [], kernel


@pytest.mark.parametrize("kernel", RUN)
@pytest.mark.parametrize("name", FILES)
def test_a_scenario_is_right_about_the_kernels_of_today(name: str, kernel: str) -> None:
    """A scenario's expectations hold on every preset of a release.

    Catches: a kernel that differs and that the scenario does not name.
    """
    assert on(scenario_in(FILES[name]), kernel).contradictions == []


def test_what_was_not_run_says_so() -> None:
    """A preset says that it was verified step by step exactly where releases that were run are listed.

    Catches: a kernel that nobody has run, passed off as verified.
    """
    ran = {name for name, behaviour in PRESETS.items() if "step by step" in behaviour.verified}
    assert ran == RUN.keys()
    assert all("text of the patch" in PRESETS[name].verified for name in ("count-in-vma", "2008"))


def test_ideal_has_every_switch_at_its_default() -> None:
    """ideal has the default of every switch. Catches: a defect that ideal has by default."""
    assert all(getattr(IDEAL, switch.name) == switch.default for switch in switches())
