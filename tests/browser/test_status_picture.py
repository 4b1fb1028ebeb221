"""The page of `status --html` in a browser."""

from pathlib import Path

import pytest

from hugeresv.ledger.observation import Pages, exactly
from tests.browser.conftest import Opened, accessibility
from tests.reports.test_status_page import holder, page


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 1300])
def test_axe_finds_nothing(width: int, colours: str, tmp_path: Path, opened: Opened) -> None:
    """Nor is it wider than the screen. Catches: a table that a keyboard cannot scroll, a picture without a name."""
    path = tmp_path / "status.html"
    path.write_text(page(holder("/dev/a", exactly(40), exactly(20)), holder("/dev/b", Pages(10, 20, 30))))
    shown = opened(path, width=width, color_scheme=colours)
    assert accessibility(shown) == []
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
