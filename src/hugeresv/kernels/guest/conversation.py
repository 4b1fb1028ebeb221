"""Requests to the agent and its answers: a line each, under the same number (`agent.c` lists them)."""

import socket

from hugeresv.errors import UnavailableError
from hugeresv.outcome import Outcome

_MARGIN_SECONDS = 30.0
"""How much longer than the agent itself a request may take, on a machine that is busy."""

HANG = "hang"
DEAD = "dead"


class LostError(UnavailableError):
    """Who was spoken to answers no more: `outcome` is what the step answers during which that happened."""

    def __init__(self, message: str, outcome: Outcome) -> None:
        super().__init__(message)
        self.outcome = outcome


class Conversation:
    """The tool's end of a guest's second serial port. A method raises EOFError when the guest is gone."""

    def __init__(self, end: socket.socket) -> None:
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
        self._socket.settimeout(patience + _MARGIN_SECONDS)
        try:
            self._socket.sendall(f"{self._number} {' '.join(map(str, words))}\n".encode())
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
