"""One page that needs nothing else: films, and what shows them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

import hugeresv
from hugeresv.reports.html.films import films_data
from hugeresv.reports.printable import printable

SHOWING_FILMS = ("film.js", "draw.js", "pool.js", "machine.js", "timeline.js", "show.js", "legend.js")
"""Scripts in the order in which they need each other."""

_ENVIRONMENT = Environment(
    loader=PackageLoader("hugeresv.reports.html", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_ENVIRONMENT.filters["printable"] = printable


def asset(name: str) -> str:
    """The text of a style or a script."""
    return (files("hugeresv.reports.html") / "assets" / name).read_text(encoding="utf-8")


def films_page(title: str, runs: Sequence[Mapping[str, Any]]) -> str:
    """A page with runs that one steps through."""
    script = "\n".join(
        ['"use strict";', *map(asset, SHOWING_FILMS), asset("page.js"), "startColours();", "startPage();"]
    )
    names = [run["name"] for run in runs]
    films = as_json(films_data(runs))
    return page("run.html.jinja", ("base.css", "films.css"), script, title=title, names=names, films=films)


def page(template: str, styles: Sequence[str], script: str, **words: Any) -> str:
    """A page from its template. No other script than this one runs in it, whatever is written into it."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    text: str = _ENVIRONMENT.get_template(template).render(
        version=hugeresv.__version__,
        style="\n".join(map(asset, styles)),
        script=script,
        script_digest=digest,
        **words,
    )
    return text


def as_json(value: Any) -> str:
    """JSON that a script element can hold: nothing in it ends the element."""
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
