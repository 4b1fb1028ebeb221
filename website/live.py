"""Live examples: a scenario in a page of the docs, with the playground showing it.

A fence `scn` that holds a whole scenario gets a link that opens it in the playground. A fence `scn live on=6.18
with=ideal` becomes the playground itself, small, at its place.
"""

import base64
import html
import re
import zlib
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlencode

from hugeresv.errors import InputError
from hugeresv.scenario.scn_format import parse_scn

FENCE = re.compile(
    r"^```scn(?P<live> live)?(?P<words>(?: (?:on|with)=\S+)*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
DEFAULT = "6.18"
"""The kernel that the playground begins with."""


class Shown(NamedTuple):
    """A scenario on a kernel and, unless `other` is empty, on another one beside it."""

    name: str
    kernel: str
    other: str = ""


@dataclass(slots=True)
class Live:
    """Makes examples live, and gathers which films the playground should have ready."""

    texts: dict[str, str] = field(default_factory=dict)
    """Scenarios that stand in a page, by the name under which the playground lists them."""
    shown: list[Shown] = field(default_factory=list)

    def page(self, text: str, name: str, root: str) -> str:
        """The page `name`, with its examples; `root` leads from it to the root of the site."""
        number = 0

        def example(found: re.Match[str]) -> str:
            nonlocal number
            kernels = dict(word.split("=", 1) for word in found["words"].split())
            if found["live"] is None:
                return found[0] + _link(found["text"], root)
            number += 1
            shown = Shown(f"{name}/{number}", kernels["on"], kernels.get("with", ""))
            self.texts[shown.name] = found["text"]
            return self.frame(shown, root)

        return FENCE.sub(example, text)

    def frame(self, shown: Shown, root: str) -> str:
        """The playground in a page, with a scenario that it knows by its name."""
        self.shown.append(shown)
        said = {"name": shown.name, "on": shown.kernel} | ({"with": shown.other} if shown.other else {})
        address = html.escape(urlencode(said, safe="/,="))
        title = html.escape(f"{shown.name} on {shown.kernel}")
        return (
            f'<iframe class="live" loading="lazy" title="{title}" src="{root}playground/index.html?embed#{address}">'
            "</iframe>\n\n"
            f'<p class="open"><a href="{root}playground/index.html#{address}">Open it in the playground</a></p>'
        )


def _link(text: str, root: str) -> str:
    try:
        parse_scn(text, "scenario")
    except InputError:
        return ""
    address = urlencode({"scn": packed(text), "on": DEFAULT})
    return f'\n\n<p class="open"><a href="{root}playground/index.html#{address}">Run it in the playground</a></p>'


def packed(text: str) -> str:
    """Text as the playground has it in its address: deflated, in letters that need no escape."""
    press = zlib.compressobj(9, wbits=-15)
    content = press.compress(text.encode()) + press.flush()
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
