"""docs/findings.md: every program on the page is right on ideal, wrong on 6.18 as told, and right about 7.3."""

import re
from pathlib import Path

import pytest

from hugeresv.outcome import Outcome
from hugeresv.scenario.scn_format import parse_scn
from tests.played import on

PAGE = (Path(__file__).parents[1] / "docs" / "findings.md").read_text()
BESIDE = dict(re.findall(r"^### (.*?)\n\n```scn\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))
SWITCHES = {
    "(H48)": "truncation-passes-faults",
    "(H62)": "hole-loses-promise",
    "(H135)": "moving-page-is-persistent",
}
SECTIONS = dict(re.findall(r"^## (.*?)\n\n```scn\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))


def test_every_section_begins_with_its_program_and_is_in_the_table() -> None:
    """Each finding has a program, and the table links to each.

    Catches: a finding without a program, or one that the table does not lead to.
    """
    titles = re.findall(r"^## (.*)", PAGE, re.MULTILINE)
    assert titles == list(SECTIONS)
    anchors = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]
    assert re.findall(r"\]\(#(.*?)\)", PAGE) == anchors


@pytest.mark.parametrize("title", SECTIONS)
def test_a_program_shows_what_the_page_says(title: str) -> None:
    """A finding's program is right on ideal and wrong on 6.18 as its expectations say.

    Catches: a number that the model does not have, or a program in which nothing goes wrong.
    """
    scenario = parse_scn(SECTIONS[title], title)
    ideal, kernel = on(scenario, "ideal"), on(scenario, "6.18")
    assert ideal.contradictions == []
    assert ideal.violations == []
    assert kernel.contradictions == []
    assert kernel.answers != ideal.answers
    assert on(scenario, "7.3").contradictions == []


@pytest.mark.parametrize("kernel", ["ideal", "5.10", "6.1", "6.12", "6.18.15", "7.3"])
@pytest.mark.parametrize("title", [title for title in BESIDE if title.rpartition(" ")[2] not in SWITCHES])
def test_a_promise_knows_no_node_on_any_kernel(title: str, kernel: str) -> None:
    """A program of promises and nodes ends on every kernel with a promised touch that is SIGBUS.

    Catches: a kernel whose model keeps a promise to a node, or a number that it does not have.
    """
    played = on(parse_scn(BESIDE[title], title), kernel)
    assert played.contradictions == []
    *_, last_step, _release = played.answers
    assert last_step.outcome is Outcome.SIGBUS


@pytest.mark.parametrize("title", [title for title in BESIDE if title.rpartition(" ")[2] in SWITCHES])
def test_a_race_or_a_failure_is_wrong_with_its_switch(title: str) -> None:
    """A program of a race or a failed allocation is right on ideal, and wrong with its switch.

    Catches: a number that the model does not have, or a program in which nothing goes wrong.
    """
    scenario = parse_scn(BESIDE[title], title)
    ideal = on(scenario, "ideal")
    assert ideal.contradictions == []
    assert ideal.violations == []
    assert on(scenario, f"ideal,{SWITCHES[title.rpartition(' ')[2]]}=on").contradictions != []
