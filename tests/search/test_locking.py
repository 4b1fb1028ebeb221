"""The locks of calls that are made one after the other: `run --locks`."""

from contextlib import suppress
from pathlib import Path

import pytest

from hugeresv.calls.resolve import _RESOLVE
from hugeresv.errors import ScenarioError
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.model import locks
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.presets import IDEAL, PRESETS
from hugeresv.scenario.scenario import Scenario, Together
from hugeresv.scenario.scn_format import parse_scn
from hugeresv.search.fuzz.generate import Coverage, draw
from hugeresv.search.interleave.locking import Fault, judge_locks
from hugeresv.together.rules import is_of_2008
from tests.played import SCENARIOS, scenario_in
from tests.search.lock_places import rare

FILES = sorted(SCENARIOS.rglob("*.scn"))


def faults(scenario: Scenario, behaviour: Behaviour) -> list[Fault]:
    return judge_locks(scenario, ModelKernel(behaviour))


def unknown_faults(scenario: Scenario, behaviour: Behaviour) -> list[str]:
    """What is wrong with the locks of a scenario, but for what H30 says of the kernels of 2008."""
    found = faults(scenario, behaviour)
    return [str(each) for each in found if not (is_of_2008(behaviour) and each.message.startswith("regions of"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_scenario_holds_its_locks(path: Path) -> None:
    """On every kernel every use in every scenario keeps its rule.

    Catches: a path of the model that forgets a lock, though only under the rules of one kernel.
    """
    scenario = scenario_in(path)
    for behaviour in PRESETS.values():
        with suppress(ScenarioError):  # the kernel refuses a step, and later ones lack what it was to make
            assert (behaviour.name, unknown_faults(scenario, behaviour)) == (behaviour.name, [])


def test_every_operation_holds_its_locks() -> None:
    """Drawn scenarios, on one node and on two, keep every rule; so do, in these files and one more, all operations.

    Catches: an operation that no file makes, and that forgets a lock.
    """
    for seed in range(10):
        for nodes in (1, 2):
            for behaviour in (IDEAL, list(PRESETS.values())[seed % len(PRESETS)]):
                scenario = draw(f"locks:{seed}", 40, behaviour, Coverage(), nodes=nodes).scenario
                assert (seed, nodes, behaviour.name, unknown_faults(scenario, behaviour)) == (
                    seed, nodes, behaviour.name, [],
                )  # fmt: skip
    assert unknown_faults(rare(), IDEAL) == []
    assert {operation.op for operation in _RESOLVE} - _in_files() - {
        step.operation.op for step in rare().steps
    } == set()


def _in_files() -> set[str]:
    found = set()
    for path in FILES:
        for step in scenario_in(path).steps:
            block = step.operation
            found |= {each.operation.op for each in (block.steps if isinstance(block, Together) else (step,))}
    return found


def test_the_rule_of_2008_convicts_itself_on_shared_files() -> None:
    """Two processes keep the rule of the patch, and have no lock in common; with a lock in the map they have one (H30).

    Catches: a check that believes the rule.
    """
    scenario = parse_scn(
        "pool 2M nr=4\nmemfd f\na mmap x 1 shared file=f\na touch x 0\nb mmap y 2 shared file=f", "h30.scn"
    )
    assert [fault.name for fault in faults(scenario, PRESETS["2008"])] == ["L2"]
    assert faults(scenario, IDEAL) == []


def test_a_use_names_whose_locks_it_holds() -> None:
    """The first call of a process holds that process's mmap_lock, by its name.

    Catches: two processes that are called alike, and so seem to have a lock in common.
    """
    scenario = parse_scn(
        "pool 2M nr=4\nmemfd f\na mmap x 1 shared file=f\na touch x 0\nb mmap y 2 shared file=f", "first.scn"
    )
    (fault,) = faults(scenario, PRESETS["2008"])
    assert [held for use in fault.uses for held in use.held if held[0] == "mmap_lock"] == [
        ("mmap_lock", "process a", True), ("mmap_lock", "process b", True),
    ]  # fmt: skip


def test_a_lock_that_is_left_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the pool's lock around a page that is taken, the first touch breaks the rule of its counters.

    Catches: a use that is not watched.
    """
    monkeypatch.setattr(locks, "_taking", [each for each in locks._taking if each[0].__name__ != "take_page"])
    scenario = parse_scn("pool 2M nr=4\np mmap a 2 private\np touch a 0", "lock.scn")
    found = faults(scenario, IDEAL)
    assert {fault.name for fault in found} == {"L1"}
    assert all("hugetlb_lock" in fault.message and fault.uses[0].step == 2 for fault in found)
