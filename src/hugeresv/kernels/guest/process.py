"""A worker in a guest, as the tool sees it."""

import errno
import random
import struct
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

from hugeresv.calls.numbers import number_of, words_of
from hugeresv.kernels.guest.architecture import Architecture
from hugeresv.kernels.guest.conversation import Conversation
from hugeresv.kernels.keeper import OfPath
from hugeresv.kernels.protocol import PageState

PATIENCE_SECONDS = 60.0
"""How long a call may take that is not expected to hang, in a guest whose processor is emulated."""

KEEPER = 0
"""The number of the worker that is there from the start."""


class Changed(NamedTuple):
    """Among the words of a call: bytes that it writes to, which the agent tells afterwards."""

    content: bytes


_MOST_TURNS = 1000
"""Of a loop that a worker makes before a call that it makes at once with others."""

_NOT_OF_A_SCENARIO = ("mkdirat",)
"""Calls that are made for a mount to have a place."""

_MODULUS = 1 << 64
_STATE = {"H": PageState.HOLE, "P": PageState.PRESENT, "A": PageState.ABSENT}


class GuestWorker:
    """The worker of one number. Its methods raise as those of its conversation do.

    `pid` is its process ID in the guest; `taken` has the numbers of all the workers there are, and is shared by them.
    """

    def __init__(
        self, conversation: Conversation, number: int, pid: int, architecture: Architecture, taken: set[int]
    ) -> None:
        self.pid = pid
        self._conversation = conversation
        self.number = number
        self._architecture = architecture
        self._taken = taken
        self.fails: int | None = None
        """Which allocation of the next call fails."""
        self.reached = False
        """Whether the last one that was to fail did."""

    def call(
        self, name: str, *words: int | str | bytes | OfPath, patience: float = PATIENCE_SECONDS
    ) -> tuple[int, int]:
        """Have it make a system call of `calls.numbers`: its errno and its value."""
        failed, value, *reached = self._ask("call", patience, *self._nth(name), *self._spelled(name, words))
        self._note(reached)
        return int(failed), int(value)

    def queue(self, name: str, words: Sequence[int | str | bytes | OfPath], turns: int) -> None:
        """Prepare a call that the worker makes when all meet, after `turns` turns of a loop."""
        self._ask("queue", 0, turns, *self._spelled(name, words))

    def meet(self, workers: "Sequence[GuestWorker]", patience: float) -> list[str]:
        """Have workers make the calls that they were told."""
        return self._ask("meet", patience, *(worker.number for worker in workers))

    def _spelled(self, name: str, words: Sequence[int | str | bytes | OfPath]) -> list[str | int]:
        if name == "touch":
            address, write = words
            return [name, _spelled(address), int(bool(write))]
        number = number_of(name, self._architecture.machine)
        return [number, *map(_spelled, words_of(name, words, self._architecture.word_bits))]

    def _nth(self, name: str) -> tuple[str | int, ...]:
        """What stands before a call an allocation of which is to fail: the next one that a scenario makes."""
        if self.fails is None or name in _NOT_OF_A_SCENARIO:
            return ()
        number, self.fails = self.fails, None
        return "fails", number

    def _note(self, reached: list[str]) -> None:
        """The agent tells whether an allocation was failed where it was to fail one."""
        if reached:
            self.reached = reached[0] == "1"

    def move_page(self, address: int, node: int, flags: int, *, patience: float = PATIENCE_SECONDS) -> tuple[int, int]:
        """Have it make move_pages(2) of one page of its own: the errno of the call, or else the page's, and 0."""
        number = number_of("move_pages", self._architecture.machine)
        pages = address.to_bytes(self._architecture.word_bits // 8, "little")
        words = (0, 1, pages, struct.pack("<i", node), Changed(struct.pack("<i", -errno.EBUSY)), flags)
        failed, _, status = self._ask("call", patience, number, *map(_spelled, words))
        (told,) = struct.unpack("<i", bytes.fromhex(status))
        return int(failed) or max(0, -told), 0

    def touch(self, address: int, write: bool, *, patience: float = PATIENCE_SECONDS) -> tuple[int, int]:
        """Have it read or write a byte: an errno, and the signal that this raised."""
        failed, signal, *reached = self._ask(
            "call", patience, *self._nth("touch"), *self._spelled("touch", (address, write))
        )
        self._note(reached)
        return int(failed), int(signal)

    def observe(self, start: int, pages: int, page_bytes: int) -> tuple[int, list[tuple[PageState, int]]]:
        """What it sees of its memory from an address on: an errno, and runs of pages in one state.

        The agent writes `P3` for three pages that are there, `H` for a hole, `A` for a page that is not there.
        """
        failed, *runs = self._ask("call", PATIENCE_SECONDS, "observe", start, pages, page_bytes)
        return int(failed), [] if int(failed) else [(_STATE[run[0]], int(run[1:])) for run in runs]

    def fork(self, patience: float = PATIENCE_SECONDS) -> "tuple[int, GuestWorker | None]":
        """Have it fork: the errno of that, and the child if there is one."""
        number = next(number for number in count(KEEPER + 1) if number not in self._taken)
        failed, pid, *reached = self._ask("fork", patience, number, *self._nth("fork")[1:])
        self._note(reached)
        if int(failed):
            return int(failed), None
        self._taken.add(number)
        return 0, GuestWorker(self._conversation, number, int(pid), self._architecture, self._taken)

    def end(self, patience: float = PATIENCE_SECONDS) -> None:
        """Kill it, and wait until its memory is gone."""
        self._ask("end", patience)

    def let_go(self) -> None:
        """Its number is free."""
        self._taken.remove(self.number)

    def _ask(self, request: str, patience: float, *words: str | int) -> list[str]:
        patience = min(patience, self._conversation.longest_seconds)
        return self._conversation.ask(request, self.number, round(patience * 1000), *words, patience=patience)


def meet(
    calls: Sequence[tuple[GuestWorker, str, Sequence[int | str | bytes | OfPath]]], patience: float
) -> list[tuple[int, int]]:
    """Have workers make calls at once: errno and value, or signal, of each. Delays are random."""
    for worker, name, words in calls:
        worker.queue(name, words, random.randrange(_MOST_TURNS))
    answers = [int(number) for number in calls[0][0].meet([worker for worker, _, _ in calls], patience)]
    return list(zip(answers[::2], answers[1::2], strict=True))


def _spelled(word: object) -> str:
    """A word as the agent reads it: numbers modulo 2**64, as the kernel takes them."""
    match word:
        case OfPath():
            return f"@{word.path}"
        case str():
            return f"${word}"
        case bytes():
            return f"#{word.hex()}"
        case Changed():
            return f"*{word.content.hex()}"
        case int():
            return str(word % _MODULUS)
    raise TypeError(f"{word!r} is no word of a call")
