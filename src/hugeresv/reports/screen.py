"""Where a report is written, and what may be used there."""

import textwrap
from dataclasses import dataclass
from typing import Any, TextIO

import click

_NARROWEST = 20


@dataclass(frozen=True, slots=True)
class Screen:
    """A stream with what it can show. Only whole lines are written: nothing is ever moved or taken back."""

    stream: TextIO
    width: int
    """In columns."""
    colour: bool
    unicode: bool
    """Whether the stream's encoding has what reports draw with; else ASCII must do."""

    def line(self, text: str = "") -> None:
        """Write a line, at once."""
        self.stream.write(f"{text.rstrip()}\n")
        self.stream.flush()

    def paragraph(self, text: str, indent: str = "", *, first: str | None = None, **style: Any) -> None:
        """Write text that may be long, wrapped and indented, in click's `style`.

        Its lines are wrapped each on its own and keep their own indentation; `first` is what the first begins with
        instead of `indent`.
        """
        for number, line in enumerate(printable(text).split("\n")):
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
        """`text` in click's `style`, where there is colour."""
        return click.style(text, **style) if self.colour else text


def printable(text: str) -> str:
    """`text` with whatever would move the cursor or change colours written out as an escape."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\n" else ascii(each)[1:-1] for each in text)
