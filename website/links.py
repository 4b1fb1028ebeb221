"""Follows every link of the built pages to the file, and to the place in it."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

PLAYGROUND = "playground/index.html"
"""What stands behind `#` in its address is a scenario and not a place in the page."""


class _Page(HTMLParser):
    """What a page links to, and the places in it that can be linked to."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.places: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value is not None and (name in {"href", "src"}):
                self.targets.append(value)
            elif value is not None and (name == "id" or (tag == "a" and name == "name")):
                self.places.add(value)


def broken_links(site: Path) -> Iterator[str]:
    """Each link that leads nowhere, with the page that it is on; addresses elsewhere are not followed."""
    pages = {path: _read(path) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        for target in dict.fromkeys(page.targets):
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            found = _file(site, path, unquote(parts.path))
            where = f"{path.relative_to(site)}: {target}"
            if found is None:
                yield f"{where}: there is no such file"
            elif (
                parts.fragment
                and found in pages
                and found != site / PLAYGROUND
                and unquote(parts.fragment) not in pages[found].places
            ):
                yield f"{where}: there is no such place in the page"


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def _file(site: Path, page: Path, target: str) -> Path | None:
    """The file that a server would give."""
    if not target:
        return page
    found = (site / target.lstrip("/") if target.startswith("/") else page.parent / target).resolve()
    if found.is_dir():
        found /= "index.html"
    return found if found.is_file() and found.is_relative_to(site.resolve()) else None
