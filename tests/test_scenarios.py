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
    """A scenario at the top of scenarios/ is as expected on every preset that it speaks of.

    Catches: a rule of the model that changed, or that was never right.
    """
    assert on(scenario_in(FILES[name]), kernel).contradictions == []


@pytest.mark.parametrize("name", FILES)
def test_ideal_keeps_its_ledger(name: str) -> None:
    """On ideal no scenario violates an invariant.

    Catches: a teaching scenario that calls something right which is not.
    """
    assert on(scenario_in(FILES[name]), "ideal").violations == []


@pytest.mark.parametrize("name", SPLITS)
def test_a_count_in_every_piece_is_credited_by_every_piece(name: str) -> None:
    """On count-in-vma each piece of a split mapping credits the whole count.

    Catches: the accounting before the patch, of which these scenarios tell, done right.
    """
    first, rest = SPLITS[name]
    played = on(scenario_in(FILES[name]), "count-in-vma")
    assert [answer.counters.rsvd for answer in played.answers[:-1]] == [first, *rest]
    assert played.violations


@pytest.mark.parametrize("name", FILES)
def test_every_step_says_what_it_answers(name: str) -> None:
    """Each step expects an outcome, free and rsvd. Catches: a step that nobody checks."""
    for step in scenario_in(FILES[name]).steps:
        assert step.expect is not None
        assert None not in (step.expect.outcome, step.expect.free, step.expect.rsvd), step.operation


@pytest.mark.parametrize("name", FILES)
def test_it_says_the_same_as_it_is_laid_out(name: str, tmp_path: Path) -> None:
    """A scenario written and read again is equal, comments included.

    Catches: a comment or an expectation that `run --record` would lose.
    """
    again = tmp_path / f"{name}.scn"
    again.write_text(to_text([scenario_in(FILES[name])], ".scn"))
    assert scenario_in(again) == scenario_in(FILES[name])
