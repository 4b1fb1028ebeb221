"""Allocations that fail: the N-th of an operation, and all that it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hugeresv.model import locks
from hugeresv.model.locks import LockOf


class Allocations:
    """Counts what is asked for, and refuses the one of that number (0: none). `asked` has what each was for."""

    def __init__(self, fails: int) -> None:
        self.asked: list[str] = []
        self._fails = fails

    def acquire(self, lock: LockOf, *, alone: bool) -> None:
        """One operation runs at a time."""

    def release(self, lock: LockOf, *, alone: bool) -> None:
        """One operation runs at a time."""

    def asserted(self, lock: LockOf, function: Callable[..., Any]) -> None:
        """Of no interest."""

    def returned(self, function: Callable[..., Any], arguments: tuple[Any, ...], value: object) -> None:
        """Of no interest."""

    def allocate(self, what: str) -> bool:
        """Whether it is another one than that."""
        self.asked.append(what)
        return len(self.asked) != self._fails


@contextmanager
def failing(number: int = 0) -> Iterator[Allocations]:
    """While it lasts the allocation of that number fails, counted from here."""
    allocations = Allocations(number)
    locks.install(allocations)
    try:
        yield allocations
    finally:
        locks.install(None)
