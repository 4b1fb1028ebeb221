"""Ending a long verb in order: after SIGTERM and Ctrl-C it says what it has done so far."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from hugeresv.cli.main import INTERRUPTED


class Terminated(KeyboardInterrupt):
    """SIGTERM, in a block of `interruptible`."""


TERMINATED = 143
"""Exit status after SIGTERM."""


@contextmanager
def interruptible() -> Iterator[None]:
    """In this block SIGTERM raises `Terminated`, as Ctrl-C raises KeyboardInterrupt."""
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def status_after(interrupt: KeyboardInterrupt) -> int:
    """The exit status of a verb that was ended so."""
    return TERMINATED if isinstance(interrupt, Terminated) else INTERRUPTED


def _terminated(_number: int, _frame: FrameType | None) -> None:
    raise Terminated
