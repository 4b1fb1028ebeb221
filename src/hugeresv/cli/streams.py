"""Standard input, output and error, which may be closed, full, or left by their reader."""

import errno
import os
import sys
from io import BufferedWriter, FileIO, TextIOWrapper


class OutputError(Exception):
    """Standard output takes no more. Not a HugeresvError, after some of which a command goes on: nothing can follow."""

    def __init__(self, error: OSError) -> None:
        reason = "standard output is closed" if error.errno == errno.EBADF else error.strerror
        super().__init__(f"cannot write all of the output: {reason}")
        self.reader_has_left = error.errno == errno.EPIPE


class Output(FileIO):
    """Standard output, whose errors are told from those of other files."""

    drops = False
    """Whether what is written from here on goes nowhere."""

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Raises OutputError."""
        try:
            return len(data) if self.drops else super().write(data)
        except OSError as error:
            raise OutputError(error) from None


class _Messages(FileIO):
    """Standard error. That it cannot be written can be told nowhere, and is no error."""

    def write(self, data: bytes) -> int:  # type: ignore[override]
        try:
            return super().write(data)
        except OSError:
            return len(data)


def prepare() -> None:
    """Make the streams what this module says, unless a caller has replaced them.

    Of one that is closed the number is taken, so that no file that is opened later gets it; what is printed then fails.
    """
    for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr)):
        if stream is None:
            os.set_inheritable(os.open(os.devnull, os.O_RDONLY if number else os.O_WRONLY), True)
    if sys.stdin is None:
        sys.stdin = os.fdopen(0)
    if sys.stdout is sys.__stdout__:
        sys.stdout = _text(Output(1, "w", closefd=False), sys.stdout)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _text(_Messages(2, "w", closefd=False), sys.stderr)


def _text(raw: FileIO, like: object) -> TextIOWrapper:
    buffer = BufferedWriter(raw)
    if not isinstance(like, TextIOWrapper):
        return TextIOWrapper(buffer, line_buffering=True)
    return TextIOWrapper(buffer, like.encoding, like.errors, line_buffering=like.line_buffering)


def say(text: str) -> None:
    """Write to standard error, after everything that was printed before. May raise OutputError."""
    sys.stdout.flush()
    sys.stderr.write(text)
    sys.stderr.flush()


def drop_output() -> None:
    """Let what is buffered for standard output, and whatever follows, go nowhere: it would fail again at the exit."""
    if isinstance(sys.stdout, TextIOWrapper) and isinstance(raw := sys.stdout.buffer.raw, Output):
        raw.drops = True
