"""One headless Chromium for all tests of pages, and what a page must never do."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pytest

from website.build import build
from website.playground_files import NotFetchedError, fetched

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")

Opened = Callable[..., "Page"]
Colours = Literal["light", "dark"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, driven by playwright, which brings none of its own.

    It is gone at the end of a module: while playwright is there its event loop runs, and no other test could start one.
    """
    driver = pytest.importorskip("playwright.sync_api", reason="the tests in a browser need playwright")
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        pytest.skip("the tests in a browser need chromium")
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  the base class calls it so
        """Say nothing."""


class Site(NamedTuple):
    """The whole site: where its files are, and where it is served."""

    folder: Path
    address: str


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site as `dev.py site` builds it, every link followed; who asks for it is of the group "site"."""
    try:
        fetched()
    except NotFetchedError as error:
        pytest.skip(f"the tests of the site: {error}")
    folder = tmp_path_factory.mktemp("site") / "site"
    build(folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield Site(folder, f"http://127.0.0.1:{server.server_port}/")
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def watched(browser: Browser) -> tuple[Page, list[str]]:
    """One page for all tests of a module, and what has gone wrong in it."""
    page, wrong = browser.new_page(), list[str]()

    def dismiss(dialog: Dialog) -> None:
        wrong.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.extend([message.text] * (message.type in {"error", "warning"})))
    page.on("dialog", dismiss)
    page.on("request", lambda request: wrong.extend([request.url] * (not request.url.startswith("file:"))))
    return page, wrong


@pytest.fixture
def opened(watched: tuple[Page, list[str]]) -> Iterator[Opened]:
    """Opens a file: `opened(path, "step=3", color_scheme="dark")`. No script may fail, nothing may be fetched."""
    page, wrong = watched

    def open_page(path: Path, place: str = "", *, width: int = 1300, color_scheme: Colours = "light") -> Page:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=color_scheme)
        page.goto(f"{path.as_uri()}#{place}")
        return page

    wrong.clear()
    yield open_page
    assert wrong == []


def accessibility(page: Page) -> list[str]:
    """What axe finds wrong, and where."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    found = axe.Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['help']}: {node['html'][:200]}" for each in found for node in each["nodes"]]
