"""The plain engine: the shortest history is found, and every state is visited once."""

import subprocess
import sys

from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.model.presets import PRESETS
from hugeresv.outcome import Outcome
from hugeresv.play.play import StepResult, play, violates
from hugeresv.scenario import operation as op
from hugeresv.search.explore.bound import USUAL, Bound
from hugeresv.search.explore.bounded_model import BoundedModel
from hugeresv.search.explore.explore import search
from hugeresv.search.explore.result import Exploration
from hugeresv.search.lockstep import first_difference


def explored(*kernels: str, **bound: object) -> Exploration:
    return search(kernels, Bound(**bound), engine="plain").run()  # type: ignore[arg-type]


def test_the_shortest_history_of_6_18_has_four_operations() -> None:
    """The owner of a page that its child still has unmaps it: its promise is counted off, and is still made.

    Catches: a search that goes deep before it goes wide, or that checks no invariant after the last operation.
    """
    finding = explored("6.18", pages=2).finding
    assert finding is not None
    operations = [step.operation for step in finding.scenario.steps]
    assert [type(each) for each in operations] == [op.Mmap, op.Touch, op.Fork, op.Munmap]
    assert [violation.name for violation in finding.violations] == ["I1"]
    *before, last = [
        result
        for result in play(finding.scenario, ModelKernel(PRESETS["6.18"]), show=True)
        if isinstance(result, StepResult)
    ]
    assert not any(map(violates, before))
    assert violates(last)


def test_every_state_is_visited_once() -> None:
    """The states and transitions of the ideal ledger are those of a model in Promela, counted by SPIN 6.5.2.

    SPIN counts one state more, the one before the first step of its process. Catches: a state that is lost or counted
    twice, an operation that is not tried somewhere.
    """
    small = explored("ideal", pool=4, pages=2)
    assert (small.states, small.transitions, small.complete, small.finding) == (346, 3_090, True, None)
    assert {"page shared after fork", "everything promised"} <= small.reached
    assert "surplus pages" not in small.reached


def test_two_kernels_side_by_side() -> None:
    """6.12 and 6.18 part where 6.18 counts a promise off.

    Catches: a comparison that looks at one of the two machines.
    """
    finding = explored("6.12", "6.18", pages=2).finding
    assert finding is not None
    assert finding.operations == 4
    assert finding.violations == ()
    pair = first_difference(finding.scenario, ModelKernel(PRESETS["6.12"]), ModelKernel(PRESETS["6.18"]))
    assert pair is not None
    assert pair.number == 4
    assert explored("6.12", "6.12", pages=1).finding is None


def test_operations_are_those_of_the_bound() -> None:
    """What was not asked for is not tried. Catches: a word that is ignored, such as the one that shows a defect."""
    assert explored("6.18", pages=2, operations=("mmap", "touch", "munmap", "exit")).finding is None
    moved = explored("7.3", pages=2, processes=1, operations=("mmap", "mremap", "exit")).finding
    assert moved is not None
    assert isinstance(moved.scenario.steps[-1].operation, op.Mremap)


def test_a_history_is_a_scenario_that_can_be_played() -> None:
    """Also where a child gets the name of a process that is still there, with nothing mapped.

    Catches: a fork that a scenario refuses, since its child's name is taken.
    """
    model = BoundedModel(PRESETS["ideal"], Bound(pages=1, min_size=1, shared=1, operations=(*USUAL, "read")))
    wanted = [("q", op.Mmap), ("q", op.Munmap), ("p", op.Mmap), ("p", op.Fork)]
    path = [
        next(m for m in model.moves if isinstance(m.operation, kind) and m.call.task == proc) for proc, kind in wanted
    ]
    scenario = model.scenario(path, "")
    answers = [result.answer.outcome for result in play(scenario, ModelKernel(model.behaviour))]
    assert set(answers) == {Outcome.OK}
    assert len(scenario.steps) == len(model.bound.preparation) + len(path) + 1


WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"numpy", "numba", "distributed", "click", "multiprocessing", "fcntl", "ctypes"}:
            raise ImportError(name)
sys.meta_path.insert(0, Absent())
from hugeresv.search.explore.bound import Bound
from hugeresv.search.explore.explore import search
found = search(["6.18"], Bound(pages=2)).run()
print(found.engine, found.finding.operations)
"""


def test_it_runs_where_a_browser_runs_python() -> None:
    """Without third-party packages and without processes, `auto` is the plain engine, and finds what it finds.

    Catches: an import of numpy, of processes or of the command line on the way to the plain engine.
    """
    ran = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True)
    assert ran.stdout == "plain 4\n"
