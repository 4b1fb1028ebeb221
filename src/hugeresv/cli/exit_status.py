"""The exit status of a verb, and how its errors are reported."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from hugeresv.errors import HugeresvError, InputError, UnavailableError

HELD = 0
CONTRADICTED = 1

_WORST_FIRST = (InputError.exit_status, UnavailableError.exit_status, CONTRADICTED, HELD)


class Status:
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
    """Say what is wrong on standard error, after everything that was printed before."""
    sys.stdout.flush()
    sys.stderr.write(f"hugeresv: error: {message}\n")


def report_warning(message: str) -> None:
    """Say on standard error what is probably not meant, after everything that was printed before."""
    sys.stdout.flush()
    sys.stderr.write(f"hugeresv: warning: {message}\n")
