"""The docs as a site: pages, live examples, search."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Site, accessibility

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("playwright", reason="the tests in a browser need playwright")
from playwright.sync_api import expect

pytestmark = pytest.mark.xdist_group("site")


@pytest.fixture(scope="module")
def page(browser: "Browser", site: Site) -> Iterator["Page"]:
    """A page for all tests; no script in it may fail, nothing comes from afar, and nothing is missing."""
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    page.set_default_timeout(60_000)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.extend([message.text] * (message.type == "error")))
    near = (site.address, "data:", "blob:")
    page.on("request", lambda request: wrong.extend([request.url] * (not request.url.startswith(near))))
    yield page
    page.close()
    assert wrong == []


def test_a_page_of_a_bug_shows_it(page: "Page", site: Site) -> None:
    """The scenario of H104 is drawn on its page, where rsvd wraps, and can be changed there.

    Catches: an example without its film, or one whose editor does nothing.
    """
    page.goto(f"{site.address}docs/history/H104/")
    expect(page.locator("h1")).to_contain_text("H104")
    frame = page.frame_locator("iframe.live")
    expect(frame.locator("section.wrong").first).to_be_visible()
    frame.locator("#text").fill("pool 2M nr=3\np mmap a 2 private\n")
    expect(frame.locator('[data-counter="rsvd"]').first).to_have_text("2", timeout=90_000)


def test_a_chapter_draws_its_examples(page: "Page", site: Site) -> None:
    """An example is drawn when it is scrolled to, behind its last call, without Python.

    Catches: ten examples that each load Python, or are empty until they are asked.
    """
    page.goto(f"{site.address}docs/reservation/")
    assert page.locator("iframe.live").count() == 10
    fourth = page.locator("iframe.live").nth(3)
    fourth.scroll_into_view_if_needed()
    frame = fourth.content_frame
    expect(frame.locator('[data-counter="rsvd"]')).to_have_text("2")
    assert frame.locator("body").evaluate("() => playground.started === undefined")
    assert accessibility(page) == []


def test_search_finds_a_rule(page: "Page", site: Site) -> None:
    """The search of the site finds pages by what is in them. Catches: a site without an index."""
    page.goto(f"{site.address}index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("surplus", delay=20)
    expect(page.get_by_role("option", name="surplus").first).to_be_visible()


def test_a_small_screen_holds_a_page(page: "Page", site: Site) -> None:
    """A page with a live example is no wider than a small screen. Catches: a frame that pushes the rest aside."""
    page.set_viewport_size({"width": 380, "height": 800})
    page.goto(f"{site.address}docs/sigbus/")
    expect(page.frame_locator("iframe.live").first.locator(".part").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 380
    page.set_viewport_size({"width": 1300, "height": 900})
