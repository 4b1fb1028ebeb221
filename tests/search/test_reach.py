"""The table of what the fuzzer finds, docs/reach.md."""

from pathlib import Path

import pytest

from tests.search.reach import ELSEWHERE, Found, find, known, page, read

ROWS = read()


def test_the_table_has_every_switch_of_every_kernel() -> None:
    """Each is found, or is listed with what finds it. Catches: a new switch that nobody tried to find."""
    listed = {row.switch for row in ROWS} | {switch for switch in known() if switch.partition("=")[0] in ELSEWHERE}
    assert listed == set(known())
    assert {name for name in ELSEWHERE if not Path("scenarios/behaviours", f"{name}.scn").is_file()} == set()
    assert [row.kernels.split(", ") for row in ROWS] == [known()[row.switch] for row in ROWS]


def test_the_page_is_that_of_its_rows() -> None:
    """What is read from the page writes the same page. Catches: a page that was changed by hand."""
    assert page(ROWS) == Path("docs/reach.md").read_text()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.switch)
def test_a_switch_is_found_and_shrunk(row: Found) -> None:
    """The quickest seed finds it within twenty times its steps, in a scenario that shrinks to ten steps.

    Catches: a rule that the generator does not reach any more.
    """
    tally = find(row.switch, row.seed, row.nodes, row.beside, max(4000, 20 * row.steps))
    assert tally.findings, f"not found in {tally.steps} steps; run python3 dev.py reach {row.switch}"
    assert len(tally.findings[0].scenario.steps) <= 10
