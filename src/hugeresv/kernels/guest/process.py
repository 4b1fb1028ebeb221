"""A worker in a guest, as the tool sees it."""

from typing import Any

from hugeresv.kernels.guest.conversation import Conversation
from hugeresv.kernels.host.wire import FILE

PATIENCE_SECONDS = 60.0
"""How long a call may take that is not expected to hang, in a guest whose processor is emulated."""

KEEPER = 0
"""The number of the worker that is there from the start."""


class GuestWorker:
    """The worker of one number. Its methods raise as those of its conversation do."""

    def __init__(self, conversation: Conversation, number: int) -> None:
        self._conversation = conversation
        self.number = number

    def call(
        self, name: str, *arguments: Any, file: str | None = None, patience: float = PATIENCE_SECONDS
    ) -> tuple[int, int]:
        """Have it make a call of `host.worker.CALLS`: its errno and its value."""
        errno, value = self._ask("call", patience, name, *(_spelled(each, file) for each in _in_full(name, arguments)))
        return int(errno), int(value)

    def observe(self, start: int, pages: int, page_bytes: int) -> tuple[int, list[str]]:
        """What it sees of its memory from an address on: an errno, and runs such as `P3`, three pages that are there.

        `H` is a hole, `A` a page that is not there.
        """
        errno, *runs = self._ask("call", PATIENCE_SECONDS, "observe", start, pages, page_bytes)
        return int(errno), runs

    def fork(self, number: int, patience: float = PATIENCE_SECONDS) -> "tuple[int, GuestWorker | None]":
        """Have it fork a worker of that number: the errno of that, and the child if there is one."""
        errno, _ = self._ask("fork", patience, number)
        return int(errno), None if int(errno) else GuestWorker(self._conversation, number)

    def end(self, patience: float = PATIENCE_SECONDS) -> None:
        """Kill it, and wait until its memory is gone."""
        self._ask("end", patience)

    def _ask(self, request: str, patience: float, *words: str | int) -> list[str]:
        return self._conversation.ask(request, self.number, round(patience * 1000), *words, patience=patience)


def _in_full(name: str, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments of the system call itself, where `host.worker.CALLS` leaves some out."""
    if name == "mount":
        target, options = arguments
        return "hugeresv", target, "hugetlbfs", 0, options
    if name == "umount":
        return *arguments, 0
    return arguments


def _spelled(argument: Any, file: str | None) -> str:
    """An argument as the agent reads it."""
    if argument is FILE and file is not None:
        return f"@{file}"
    if isinstance(argument, str):
        return f"${argument}"
    return str(int(argument or 0))
