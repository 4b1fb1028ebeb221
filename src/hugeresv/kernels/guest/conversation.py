"""Requests to the agent and its answers: a line each, under the same number (`agent.c` lists them)."""

import math
import select
import socket
import time
from collections.abc import Callable

from hugeresv.errors import UnavailableError
from hugeresv.outcome import Outcome

_MARGIN_SECONDS = 30.0
"""How much longer than the agent itself a request may take, on a machine that is busy."""

_STUCK_SECONDS = 3.0
"""A guest that works so long beyond the agent's time without an answer does not run its agent any more."""

_POLL_SECONDS = 0.25

HANG = "hang"
DEAD = "dead"


class LostError(UnavailableError):
    """Who was spoken to answers no more: `outcome` is what the step answers during which that happened."""

    def __init__(self, message: str, outcome: Outcome) -> None:
        super().__init__(message)
        self.outcome = outcome


class Conversation:
    """The tool's end of a guest's second serial port. A method raises EOFError when the guest is gone."""

    def __init__(self, end: socket.socket, worked: Callable[[], float]) -> None:
        """`worked`: for how many seconds the guest's processors have worked so far."""
        self.longest_seconds = math.inf
        """How long any request may take, where that is less than its own patience."""
        self._worked = worked
        self._socket = end
        self._answers = end.makefile("rb")
        self._number = 0

    def greeting(self, seconds: float) -> int:
        """Wait for the agent to be there: the keeper's process ID in the guest. Raises TimeoutError."""
        self._socket.settimeout(seconds)
        _, _, keeper = self._answer()
        return int(keeper)

    def ask(self, *words: str | int, patience: float = 0.0) -> list[str]:
        """Have the agent do something that takes it up to `patience` seconds: errno and values.

        Raises TimeoutError when the guest says that nothing came within that time.
        """
        self._number += 1
        self._socket.settimeout(_MARGIN_SECONDS)
        try:
            self._socket.sendall(f"{self._number} {' '.join(map(str, words))}\n".encode())
            self._wait(min(patience, self.longest_seconds))
            verdict, *values = self._answer()
        except TimeoutError:
            raise LostError("the guest does not answer any more: its kernel is stuck", Outcome.HANG) from None
        if verdict == HANG:
            raise TimeoutError
        if verdict == DEAD:
            raise LostError("a process of the scenario was killed by the guest's kernel", Outcome.CRASH)
        return values

    def close(self) -> None:
        """Close this end."""
        self._answers.close()
        self._socket.close()

    def _wait(self, patience: float) -> None:
        """Wait for the beginning of an answer. Raises TimeoutError for a guest that is stuck."""
        if self._readable(patience):
            return
        late, worked = time.monotonic() + _MARGIN_SECONDS, self._worked()
        while not self._readable(_POLL_SECONDS):
            if time.monotonic() > late or self._worked() - worked > _STUCK_SECONDS:
                raise TimeoutError

    def _readable(self, seconds: float) -> bool:
        return bool(select.select([self._socket], [], [], seconds)[0])

    def _answer(self) -> list[str]:
        """The words of the answer to the request that was sent last."""
        try:
            line = self._answers.readline()
        except ConnectionResetError:
            raise EOFError from None
        if not line.endswith(b"\n"):
            raise EOFError
        number, *words = line.decode().split()
        if int(number) != self._number:
            raise UnavailableError(f"the guest answers request {number} instead of {self._number}")
        return words
