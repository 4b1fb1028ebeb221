"""Follows every link of the built pages to the file, and to the place in it."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

PLAYGROUND = "playground/index.html"
"""What stands behind `#` in its address is a scenario and not a place in the page."""

_TAG = re.compile(r"""<([a-z][a-z0-9-]*)\s((?:[^>"']|"[^"]*"|'[^']*')*)>""")
_ATTRIBUTE = re.compile(r"""\b(href|src|id|name)=(?:"([^"]*)"|([^\s"'>]+))""")


class _Page(NamedTuple):
    """What a page links to, and the places in it that can be linked to."""

    targets: list[str]
    places: set[str]


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
    """Text has no `<` of its own, so that every tag is found by its sign."""
    page = _Page([], set())
    for tag, attributes in _TAG.findall(path.read_text(encoding="utf-8")):
        for name, quoted, plain in _ATTRIBUTE.findall(attributes):
            value = unescape(quoted or plain)
            if name in {"href", "src"}:
                page.targets.append(value)
            elif name == "id" or tag == "a":
                page.places.add(value)
    return page


def _file(site: Path, page: Path, target: str) -> Path | None:
    """The file that a server would give."""
    if not target:
        return page
    found = (site / target.lstrip("/") if target.startswith("/") else page.parent / target).resolve()
    if found.is_dir():
        found /= "index.html"
    return found if found.is_file() and found.is_relative_to(site.resolve()) else None
