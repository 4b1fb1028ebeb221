"""The exit status of a verb, and how its errors are reported."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import TextIO

from hugeresv.cli.streams import say
from hugeresv.errors import HugeresvError, InputError, UnavailableError
from hugeresv.reports.printable import printable

HELD = 0
CONTRADICTED = 1
BUG = 70
"""hugeresv itself is wrong: EX_SOFTWARE of sysexits.h."""

TRACEBACK = "HUGERESV_TRACEBACK"
"""The variable that asks for the traceback of a bug."""

_LONGEST = 5_000
"""Characters of a message."""

_WORST_FIRST = (InputError.exit_status, UnavailableError.exit_status, CONTRADICTED, HELD)


class ExitStatus:
    """The worst that happened so far: 2 (wrong input) before 3 (not possible here) before 1 (contradicted) before 0."""

    def __init__(self) -> None:
        self.value = HELD
        self._unavailable: set[str] = set()

    def note(self, status: int) -> None:
        """One more thing happened."""
        self.value = min(self.value, status, key=_WORST_FIRST.index)

    @contextmanager
    def going_on(self, place: str = "") -> Iterator[None]:
        """An error of the block is noted, and reported with its place; that something cannot be had here only once."""
        try:
            yield
        except HugeresvError as error:
            self.note(error.exit_status)
            message = str(error)
            if message in self._unavailable:
                return
            if isinstance(error, UnavailableError):
                self._unavailable.add(message)
            report_error(f"{place}: {message}" if place else message)


def report_error(message: str) -> None:
    """Say what is wrong."""
    say(f"hugeresv: error: {_shown(message)}\n")


def report_warning(message: str) -> None:
    """Say what is probably not meant."""
    say(f"hugeresv: warning: {_shown(message)}\n")


def report_usage(show: Callable[[TextIO], None]) -> None:
    """Say what is wrong with the command line, and how it is used, as click shows it."""
    text = StringIO()
    show(text)
    say(printable(text.getvalue()))


def report_bug(error: Exception) -> None:
    """Say that hugeresv itself is wrong, and where; with HUGERESV_TRACEBACK in the environment after the traceback."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else ""
    what = f"{type(error).__name__}{where}: {error}".replace("\n", "\\n")
    if os.environ.get(TRACEBACK):
        import traceback

        say(printable("".join(traceback.format_exception(error))))
        advice = "report it with the traceback above, the command and its files"
    else:
        advice = f"report it with the command, its files, and what {TRACEBACK}=1 in the environment shows"
    say(f"hugeresv: bug: {_shown(what)}. Your input is not to blame: {advice}\n")


def _shown(message: str) -> str:
    """A message as it is shown: nothing moves the cursor, only indented lines follow it, and nothing fills screens."""
    text = re.sub(r"\n(?!  )", r"\\n", printable(message))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text) - _LONGEST:,} characters more)"
