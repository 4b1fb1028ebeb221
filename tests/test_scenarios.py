"""The scenarios that teach: what they expect was derived from the rules by hand, and is true on every kernel."""

from pathlib import Path

import pytest

from hugeresv.model.presets import PRESETS
from hugeresv.scenario.load import to_text
from tests.played import SCENARIOS, on, scenario_in

FILES = {path.stem: path for path in sorted(SCENARIOS.glob("*.scn"))}

SPLITS = {
    "split-middle": (10, [9, 8, 7, 0, -7, -14]),
    "split-left": (10, [9, 8, 7, 0, -7]),
    "split-right": (10, [9, 8, 7, 0, -7]),
    "split-mprotect": (10, [9, 8, 7, 7, 6, -14]),
}
"""The reserved count at the first step and at those after it, where each piece credits all that is left."""


@pytest.mark.parametrize("kernel", PRESETS)
@pytest.mark.parametrize("name", FILES)
def test_it_is_true_on_every_kernel(name: str, kernel: str) -> None:
    """A rule of the model that changed, or that was never right."""
    assert on(scenario_in(FILES[name]), kernel).contradictions == []


@pytest.mark.parametrize("name", FILES)
def test_ideal_keeps_its_ledger(name: str) -> None:
    """A teaching scenario that calls something right which is not."""
    assert on(scenario_in(FILES[name]), "ideal").violations == []


@pytest.mark.parametrize("name", SPLITS)
def test_a_count_in_every_piece_is_credited_by_every_piece(name: str) -> None:
    """The accounting before the patch, of which the scenarios are there to tell, without its double credit."""
    first, rest = SPLITS[name]
    played = on(scenario_in(FILES[name]), "count-in-vma")
    assert [answer.counters.rsvd for answer in played.answers[:-1]] == [first, *rest]
    assert played.violations


@pytest.mark.parametrize("name", FILES)
def test_every_step_says_what_it_answers(name: str) -> None:
    """A step that nobody checks: each has its outcome and the two counters that matter."""
    for step in scenario_in(FILES[name]).steps:
        assert step.expect is not None
        assert None not in (step.expect.outcome, step.expect.free, step.expect.rsvd), step.operation


@pytest.mark.parametrize("name", FILES)
def test_it_says_the_same_as_it_is_laid_out(name: str, tmp_path: Path) -> None:
    """A comment or an expectation that `run --record` would lose."""
    again = tmp_path / f"{name}.scn"
    again.write_text(to_text([scenario_in(FILES[name])], ".scn"))
    assert scenario_in(again) == scenario_in(FILES[name])
