"""Where a report is written, and what may be used there."""

import textwrap
from dataclasses import dataclass
from typing import Any, TextIO

from hugeresv.reports.printable import printable

_NARROWEST = 20

_ESCAPE = "\x1b["
_NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_COLOURS = {name: 30 + at for at, name in enumerate(_NAMES)} | {
    f"bright_{name}": 90 + at for at, name in enumerate(_NAMES)
}
_SWITCHES = {"bold": 1, "dim": 2, "italic": 3, "underline": 4}
"""ECMA-48, select graphic rendition."""


@dataclass(frozen=True, slots=True)
class Screen:
    """A stream with what it can show. Only whole lines are written: nothing is ever moved or taken back."""

    stream: TextIO
    width: int
    """In columns."""
    colour: bool
    unicode: bool
    """Whether the stream's encoding has what reports draw with; else ASCII must do."""
    cut: bool = True
    """Whether rows end where the screen does; a program that reads them wants all of them."""

    def line(self, text: str = "") -> None:
        """Write a line, at once."""
        self.stream.write(f"{text.rstrip()}\n")
        self.stream.flush()

    def paragraph(self, text: str, indent: str = "", *, first: str | None = None, **style: Any) -> None:
        """Write text that may be long, wrapped and indented, in the `style` of `styled`.

        Lines are joined, but for empty and indented ones, which stay what they are; `first` is what the first begins
        with instead of `indent`.
        """
        for number, line in enumerate(_joined(printable(text).split("\n"))):
            body = line.lstrip()
            inner = indent + " " * (len(line) - len(body))
            lines = textwrap.wrap(
                body,
                max(self.width, _NARROWEST),
                initial_indent=inner if number or first is None else first,
                subsequent_indent=inner,
                break_on_hyphens=False,
            )
            for wrapped in lines or [""]:
                self.line(self.styled(wrapped, **style))

    def styled(self, text: str, **style: Any) -> str:
        """`text` in a style, where there is colour: `fg` is a colour's name, the others are switches of `_SWITCHES`."""
        if not self.colour:
            return text
        codes = [_COLOURS[style["fg"]]] if style.get("fg") else []
        codes += [_SWITCHES[name] for name, value in style.items() if name != "fg" and value]
        return f"{''.join(f'{_ESCAPE}{code}m' for code in codes)}{text}{_ESCAPE}0m"


def _joined(lines: list[str]) -> list[str]:
    """Each line that continues the one before, joined to it."""
    joined = [lines[0]]
    for line in lines[1:]:
        if line and joined[-1] and not line[0].isspace():
            joined[-1] += f" {line}"
        else:
            joined.append(line)
    return joined
