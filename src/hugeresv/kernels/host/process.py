"""A worker as the tool sees it."""

import os
import select
import signal
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from hugeresv.calls.numbers import number_of
from hugeresv.errors import UnsupportedError
from hugeresv.kernels.host import observe
from hugeresv.kernels.host.wire import FILE, Channel
from hugeresv.kernels.keeper import OfPath
from hugeresv.kernels.protocol import PageState

PATIENCE_SECONDS = 30.0
"""How long a call may take that is not expected to hang."""

_MACHINE = os.uname().machine
_STATE = {observe.HOLE: PageState.HOLE, observe.PRESENT: PageState.PRESENT, observe.ABSENT: PageState.ABSENT}


class Reply(NamedTuple):
    """What became of a call: an errno (0 for none) and its value."""

    errno: int
    value: Any


def _sent(word: int | str | bytes | OfPath) -> int | bytes | None:
    """A word as a worker takes it."""
    match word:
        case OfPath():
            return FILE
        case str():
            return word.encode()
    return word


class Worker:
    """A worker that has said hello. Its methods raise TimeoutError and EOFError as those of its channel do.

    `busy`: it has been told something and has not answered.
    """

    def __init__(self, channel: int, pidfd: int) -> None:
        self._pidfd = pidfd
        self._channel = Channel.of_descriptor(channel)
        self._channel.limit(PATIENCE_SECONDS)
        self._channel.receive()
        self.busy = False

    def call(self, name: str, *words: int | str | bytes | OfPath, patience: float = PATIENCE_SECONDS) -> Reply:
        """Have it make a system call of `calls.numbers`."""
        path = next((word.path for word in words if isinstance(word, OfPath)), None)
        return self._ask("syscall", (number_of(name, _MACHINE), *map(_sent, words)), path, patience)

    def move_page(self, address: int, node: int, flags: int, *, patience: float = PATIENCE_SECONDS) -> Reply:
        """Pages are moved in guests."""
        raise UnsupportedError("pages are not moved between nodes on the host")

    def touch(self, address: int, write: bool, *, patience: float = PATIENCE_SECONDS) -> Reply:
        """Have it read or write a byte."""
        return self._ask("touch", (address, write), None, patience)

    def begin(self, name: str, words: Sequence[int | str | bytes | OfPath], moment_ns: int) -> None:
        """Tell it a call, or `touch`, that it is to make at a moment of the monotonic clock."""
        path = next((word.path for word in words if isinstance(word, OfPath)), None)
        call = ("touch",) if name == "touch" else ("syscall", number_of(name, _MACHINE))
        self.busy = True
        self._channel.send(("at", (moment_ns, *call, *map(_sent, words)), path))

    def answer(self, patience: float) -> Reply:
        """What became of the call that it was told."""
        self._channel.limit(patience)
        reply = Reply(*self._channel.receive())
        self.busy = False
        return reply

    def observe(self, start: int, pages: int, page_bytes: int) -> tuple[int, list[tuple[PageState, int]]]:
        """What it sees of its memory from an address on: an errno, and runs of pages in one state; see `observe`."""
        errno, runs = self._ask("observe", (start, pages, page_bytes), None, PATIENCE_SECONDS)
        return errno, [(_STATE[state], count) for state, count in runs or ()]

    def fork(self, patience: float = PATIENCE_SECONDS) -> "tuple[int, Worker | None]":
        """Have it fork: the errno of that, and the child if there is one."""
        self._channel.limit(patience)
        self.busy = True
        self._channel.send(("fork", (), None))
        (errno, _), descriptors = self._channel.receive_with_descriptors()
        self.busy = False
        return errno, Worker(*descriptors) if descriptors else None

    def end(self, patience: float = PATIENCE_SECONDS) -> None:
        """Kill it, and wait until its memory is gone. Raises TimeoutError when the kernel does not let go of it."""
        self.busy = True
        try:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        except ProcessLookupError:
            raise EOFError from None
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        if not poll.poll(patience * 1000):
            raise TimeoutError

    def await_return(self, seconds: float) -> None:
        """Wait a little for a call that was given up."""
        self._channel.limit(seconds)
        with suppress(EOFError, TimeoutError):
            self._channel.receive()

    def let_go(self) -> None:
        """Close our ends, whether it lives or not."""
        self._channel.close()
        os.close(self._pidfd)

    def _ask(self, call: str, arguments: tuple[Any, ...], file: str | None, patience: float) -> Reply:
        self._channel.limit(patience)
        self.busy = True
        self._channel.send((call, arguments, file))
        reply = Reply(*self._channel.receive())
        self.busy = False
        return reply
