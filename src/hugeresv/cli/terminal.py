"""What standard output can show."""

import os
import shutil
import sys
from typing import Literal

from hugeresv.errors import InputError
from hugeresv.reports.screen import Screen
from hugeresv.reports.strip import UNICODE

Colour = Literal["auto", "always", "never"]

_DRAWN = "".join([*UNICODE.private.values(), *UNICODE.shared.values(), UNICODE.times, UNICODE.gap])


def standard_output(colour: Colour) -> Screen:
    """Standard output as a screen. Characters that it cannot encode, of names and notes, are written as escapes."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    return Screen(
        sys.stdout,
        width=shutil.get_terminal_size().columns,
        colour=_wants_colour(colour),
        unicode=_can_encode(_DRAWN, sys.stdout.encoding),
        cut=sys.stdout.isatty(),
    )


def require_terminal(option: str) -> None:
    """Raises InputError where there is no terminal that a view could take up as a whole."""
    streams = (sys.stdin, sys.stdout, sys.stderr)
    if not all(stream.isatty() for stream in streams) or os.environ.get("TERM") == "dumb":
        raise InputError(f"{option} needs a terminal for input and output; leave it out to write to a file or a pipe")


def _wants_colour(colour: Colour) -> bool:
    if os.environ.get("NO_COLOR") or colour == "never":
        return False
    return colour == "always" or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")


def _can_encode(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
