"""docs/history.md and scenarios/history say the same, and every scenario shows the bug that it is named for."""

import re
from pathlib import Path

import pytest

from hugeresv.kernels.grammar import parse_behaviour
from hugeresv.model.presets import IDEAL
from tests.played import SCENARIOS, kernels_named, on, scenario_in, told

PAGE = (Path(__file__).parents[1] / "docs" / "history.md").read_text()
CELLS = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\| H\d.*", PAGE, re.MULTILINE)]
ROWS = {cells[0]: cells for cells in CELLS}
HOW, SCENARIO = 4, 6
"""Columns of the table: how an entry is known, and the link to its scenario."""

FILES = {path.stem.split("-")[0]: path for path in sorted((SCENARIOS / "history").iterdir())}
SHOWN = ("confirmed on a kernel", "derived from source")
NOT_SHOWN = (
    "from memory only", "needs a race", "needs a fault injected", "needs an operation", "not a counter", "an origin",
)  # fmt: skip


def test_the_table_has_every_entry_once() -> None:
    """The table has H01 to H135 but H122, each once, in order. Catches: an entry that was forgotten, or told twice."""
    assert [cells[0] for cells in CELLS] == [f"H{number:02}" for number in range(1, 136) if number != 122]
    assert {len(cells) for cells in CELLS} == {7}


@pytest.mark.parametrize("entry", ROWS)
def test_an_entry_has_a_scenario_if_it_can_be_shown(entry: str) -> None:
    """An entry links to a scenario exactly where it can be shown, and the file is there.

    Catches: a scenario that the table does not name, or names and has not.
    """
    how, link = ROWS[entry][HOW], ROWS[entry][SCENARIO]
    assert how in SHOWN + NOT_SHOWN
    assert link == (f"[{FILES[entry].stem}](../scenarios/history/{FILES[entry].name})" if entry in FILES else "")
    assert (how in SHOWN) == (entry in FILES)


def test_the_page_counts_right() -> None:
    """The counts at the head of the page are those of the table. Catches: a sum that the table does not have."""
    told = {how: int(count) for count, how in re.findall(r"^- (\d+) (.*?):", PAGE, re.MULTILINE)}
    found = {how: sum(cells[HOW] == how for cells in CELLS) for how in SHOWN + NOT_SHOWN}
    assert told == found


@pytest.mark.parametrize("entry", FILES)
def test_ideal_does_not_have_the_bug(entry: str) -> None:
    """On ideal the scenario is as expected and violates no invariant.

    Catches: a bug that ideal has, or an invariant that calls right wrong.
    """
    played = on(scenario_in(FILES[entry]), "ideal")
    assert played.contradictions == []
    assert played.violations == []


@pytest.mark.parametrize("entry", FILES)
def test_a_behaviour_that_has_the_bug_shows_it(entry: str) -> None:
    """With the switch that brings the bug back, the scenario answers as told, and differs from ideal or lacks a lock.

    Catches: a scenario that shows nothing, or wrong numbers other than those that are told.
    """
    scenario = scenario_in(FILES[entry])
    ideal = told(scenario, IDEAL)
    kernels = kernels_named(scenario)
    assert any(kernel.startswith("ideal,") for kernel in kernels), "names no switch that brings the bug back"
    for kernel in kernels:
        assert parse_behaviour(kernel).name == kernel
        assert on(scenario, kernel).contradictions == [], kernel
        assert told(scenario, parse_behaviour(kernel)) != ideal, f"{kernel} answers as ideal does"


@pytest.mark.parametrize("kernel", ["5.10", "6.1", "6.12", "6.18", "7.3"])
@pytest.mark.parametrize("entry", FILES)
def test_a_scenario_is_right_about_the_kernels_of_today(entry: str, kernel: str) -> None:
    """A scenario's expectations hold on every preset of a release.

    Catches: a kernel that differs and that the scenario does not name.
    """
    scenario = scenario_in(FILES[entry])
    assert on(scenario, kernel).contradictions == []
