"""The playground: the model runs in the browser, and says there what it says here."""

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from hugeresv.kernels.grammar import parse_behaviour
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.play.film import filmed
from hugeresv.reports.html.films import described, films_data
from tests.browser.conftest import Site, accessibility
from tests.played import SCENARIOS, scenario_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("playwright", reason="the tests in a browser need playwright")
from playwright.sync_api import expect

pytestmark = pytest.mark.xdist_group("site")

PATIENCE_MS = 90_000
"""Python has to be loaded, beside whatever else this machine does."""

expect.set_options(timeout=PATIENCE_MS)

WRAPS = "pool 2M nr=1\ndb mmap a 1 private\ndb touch a 0\ndb fork child\ndb exit\n"


@pytest.fixture(scope="module")
def address(site: Site) -> str:
    """Where the playground is."""
    return f"{site.address}playground/"


@pytest.fixture(scope="module")
def playground(browser: "Browser", address: str) -> Iterator["Page"]:
    """One page for all tests, since Python takes seconds to load; no script in it may fail, nothing comes from afar."""
    context = browser.new_context(viewport={"width": 1500, "height": 950})
    page = context.new_page()
    wrong: list[str] = []
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.extend([message.text] * (message.type == "error")))
    page.on("request", lambda request: wrong.extend([request.url] * (not request.url.startswith((address, "data:")))))
    page.goto(address)
    page.wait_for_selector("#place .part")
    yield page
    context.close()
    assert wrong == []


def ask(page: "Page", **question: Any) -> dict[str, Any]:
    """What Python answers in the browser."""
    answer: dict[str, Any] = page.evaluate("question => playground.python.ask(question)", question)
    return answer


def test_every_scenario_is_the_same_film_in_the_browser(playground: "Page") -> None:
    """Every number of every step, calls at once included.

    Catches: a part of the package that is not shipped, a Python that differs, calls that a browser cannot stop.
    """
    kernel = ModelKernel(parse_behaviour("6.18"))
    for path in sorted(SCENARIOS.rglob("*.scn")):
        scenario = scenario_in(path)
        found = ask(playground, do="run", text=path.read_text(), kernel="6.18", other="")
        run = described(scenario.id or "the scenario", scenario, [filmed(scenario, kernel)], "6.18")
        assert found == {"films": json.loads(json.dumps(films_data([run])))}, path


def test_what_is_ready_is_what_python_answers(playground: "Page", site: Site) -> None:
    """Films of the site are what Python in the browser answers. Catches: a film of another scenario or kernel."""
    data = json.loads((site.folder / "playground/data.json").read_text())
    assert len(data["ready"]) > 100
    for asked, path in sorted(data["ready"].items())[::5]:
        name, kernel, other = [*asked.split(" "), ""][:3]
        found = ask(playground, do="run", text=data["scenarios"][name], kernel=kernel, other=other)
        assert found == json.loads((site.folder / "playground" / path).read_text()), asked


def test_a_scenario_that_is_typed_runs(playground: "Page") -> None:
    """It opens where it goes wrong, with the wrapped counter. Catches: an editor whose text nobody reads."""
    playground.fill("#kernel", "6.18")
    playground.fill("#text", WRAPS)
    playground.wait_for_selector("text=18446744073709551615")
    assert playground.inner_text(".now .name") == "Step 4"
    assert playground.inner_text('[data-counter="rsvd"]') == "-1"


def test_an_error_is_shown_at_its_line(playground: "Page") -> None:
    """An error is shown at its line of the scenario, and goes when the line is mended.

    Catches: a message about another line, or one that stays when it has been mended.
    """
    playground.fill("#text", WRAPS.replace("touch", "tuch"))
    playground.wait_for_selector(".s-line.is-wrong")
    assert playground.inner_text(".s-line.is-wrong") == "db tuch a 0"
    assert playground.inner_text("#trouble") == "line 3: unknown operation 'tuch'; did you mean 'touch'?"
    playground.fill("#text", WRAPS)
    playground.wait_for_selector(".s-line.is-wrong", state="detached")
    expect(playground.locator("#trouble")).to_have_text("")


def test_a_link_has_the_scenario_the_kernels_and_the_step(playground: "Page", address: str) -> None:
    """The address has the scenario, both kernels and the step, and opens them again.

    Catches: a link in a mail that opens another scenario than the one that was seen.
    """
    playground.fill("#text", f"# ä \N{PILE OF POO} +/=\n{WRAPS}")
    playground.fill("#other", "ideal")
    playground.wait_for_selector(".tracks-2")
    playground.click(".rows [data-step='1']")
    expect(playground).to_have_url(re.compile("step=1$"))
    link = playground.url
    assert link.startswith(f"{address}#scn=")
    playground.select_option("#scenarios", "fork")
    expect(playground).to_have_url(re.compile("name=fork"))
    playground.evaluate("place => { location.hash = place }", link.partition("#")[2])
    expect(playground.locator("#text")).to_have_value(f"# ä \N{PILE OF POO} +/=\n{WRAPS}")
    expect(playground.locator(".now .name")).to_have_text("Step 1")
    assert playground.input_value("#other") == "ideal"
    playground.fill("#other", "")


def test_a_pool_that_one_types_in_is_tried(playground: "Page") -> None:
    """Five pages, of which three can be had. Catches: a form whose numbers are mixed up."""
    playground.click("summary:has-text('fit')")
    for name, value in {"size": "5p", "total": "10", "free": "8", "rsvd": "5"}.items():
        playground.fill(f'#fit [name="{name}"]', value)
    playground.click("#fit button")
    playground.wait_for_selector("text=Does not fit: 5 pages of 2M")
    assert "5 pages needed, 3 available" in playground.inner_text("#answer")
    playground.fill('#fit [name="size"]', "nothing")
    playground.click("#fit button")
    playground.wait_for_selector("#answer:has-text('expected a quantity')")


def test_a_history_is_found_and_shown(playground: "Page") -> None:
    """The shortest history that breaks an invariant on 6.18 becomes the scenario, opened where it does.

    Catches: a finding that is told and not shown.
    """
    playground.click("summary:has-text('history')")
    playground.click("#explore button")
    expect(playground.locator("#explored")).to_contain_text("violated after 4 operations")
    expect(playground.locator("#text")).to_have_value(re.compile("fork"))
    expect(playground.locator("section.wrong")).to_be_visible()


def test_orders_of_concurrent_calls_are_drawn(playground: "Page", site: Site) -> None:
    """The order of H33 that counts twice is drawn, with b between two calls of a; no script can run in the frame.

    Catches: orders that a browser cannot go through, a picture without its styles.
    """
    playground.fill("#kernel", "ideal,races-counted-twice=on")
    playground.select_option("#scenarios", "history/H33-mmap-and-a-fault-count-twice")
    playground.click("#interleave")
    frame = playground.frame_locator("#lanes")
    expect(frame.locator("td.acts code").first).to_have_text("vma_commit_reservation 0 = 0")
    expect(frame.locator("tr.preempts")).to_have_count(1)
    assert playground.get_attribute("#lanes", "sandbox") == ""
    playground.fill("#kernel", "6.18")


def test_axe_finds_nothing_in_the_playground(playground: "Page") -> None:
    """axe finds no fault of accessibility in the playground.

    Catches: a field without a name, colours of the editor that cannot be read.
    """
    assert accessibility(playground) == []


def test_it_fits_a_small_screen(playground: "Page") -> None:
    """On a small screen the playground is no wider than the screen.

    Catches: a list of scenarios as wide as the longest name, which pushes the rest aside.
    """
    playground.set_viewport_size({"width": 380, "height": 800})
    assert playground.evaluate("document.documentElement.scrollWidth") <= 380
    playground.set_viewport_size({"width": 1500, "height": 950})


def test_it_says_that_it_must_be_served(browser: "Browser", site: Site) -> None:
    """Opened as a file, threads are refused. Catches: a page that stays at loading for ever."""
    page = browser.new_page()
    page.goto((site.folder / "playground/index.html").as_uri())
    page.wait_for_selector("text=python3 dev.py site --serve")
    page.close()
