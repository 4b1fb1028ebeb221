"""The page of `interleave --html` in a browser."""

import json
from pathlib import Path

import pytest

from hugeresv.kernels.grammar import parse_behaviour
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.reports.html.lanes import LanesPage
from hugeresv.scenario.json_format import parse_json
from hugeresv.scenario.scenario import Scenario
from hugeresv.scenario.scn_format import parse_scn
from hugeresv.search.interleave.interleave import interleave
from tests.browser.conftest import Opened, accessibility
from tests.played import SCENARIOS, scenario_in

pytest.importorskip("greenlet", reason="concurrent calls need greenlet")

RACE = SCENARIOS / "history" / "H33-mmap-and-a-fault-count-twice.scn"
BEHAVIOUR = "ideal,races-counted-twice=on"


def written(tmp_path: Path, scenario: Scenario) -> Path:
    """The page of a scenario whose concurrent calls go wrong."""
    page, kernel = LanesPage(BEHAVIOUR), ModelKernel(parse_behaviour(BEHAVIOUR))
    for found in interleave(scenario, kernel):
        page.block("race", found)
    (tmp_path / "lanes.html").write_text(page.text)
    return tmp_path / "lanes.html"


def test_an_order_is_drawn(tmp_path: Path, opened: Opened) -> None:
    """A stops holding mmap_lock and the fault mutex, b comes in between with the whole mmap, a acts by what it knew.

    The mutex is held for as long as a has not returned, and nobody holds a lock twice. Catches: bars of the other
    task, bars that end where the task is stopped, a mark at the call that was right.
    """
    page = opened(written(tmp_path, scenario_in(RACE)), color_scheme="light")
    assert page.locator("tr.preempts td:nth-child(3) .said").inner_text() == "mmap_lock"
    assert page.locator("td.acts code").all_inner_texts()[0] == "vma_commit_reservation 0 = 0"
    mutex = page.locator("td:nth-child(2) .bar[title=hugetlb_fault_mutex]")
    rows = page.locator(".lanes tbody tr").count()
    assert mutex.count() == rows - 2
    assert mutex.first.bounding_box() is not None
    assert page.locator("td:nth-child(3) .bar[title=hugetlb_fault_mutex]").count() == 0
    assert page.locator(".lanes tr:last-child td:nth-last-child(2)").inner_text() == "1"
    assert page.locator(".bar.begins[title=mmap_lock]").count() == 2


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 1300])
def test_axe_finds_nothing_in_lanes(width: int, colours: str, tmp_path: Path, opened: Opened) -> None:
    """Nor is the page wider than the screen. Catches: lanes that a keyboard cannot scroll, words on a bar."""
    page = opened(written(tmp_path, scenario_in(RACE)), width=width, color_scheme=colours)
    assert accessibility(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_names_in_lanes_are_text(tmp_path: Path, opened: Opened) -> None:
    """Processes and titles of strangers make no element. Catches: a lane whose head is not escaped."""
    evil = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}'
    scenario = parse_scn(RACE.read_text(), "race.scn")
    text = json.dumps(_renamed(json.loads(_as_json(scenario)), evil))
    page = opened(written(tmp_path, parse_json(text, "evil.json")))
    assert evil in page.inner_text(".intro")
    assert evil.split(maxsplit=1)[0] in page.inner_text(".lanes thead")
    assert page.locator("img, script").count() == 0


def _as_json(scenario: Scenario) -> str:
    from hugeresv.scenario.load import to_text

    return to_text([scenario], ".json")


def _renamed(scenario: dict[str, object], evil: str) -> dict[str, object]:
    """The scenario with a hostile title and a hostile process in the place of a."""
    text = json.dumps(scenario).replace('"proc": "a"', json.dumps({"proc": evil})[1:-1]).replace("a@", "b@")
    found: dict[str, object] = json.loads(text)
    return {**found, "title": evil}
