"""The catalogue of invariants, and `check`, which holds a machine against all of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hugeresv.invariants.census import Census
from hugeresv.invariants.pool import pool_is_free_or_in_use, reserved_pages_are_free
from hugeresv.invariants.reservations import promises_can_be_kept, sum_of_promises
from hugeresv.model.machine import Machine


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that does not hold: its name and title, and what disagrees with what (possibly in several lines)."""

    name: str
    title: str
    message: str

    def __str__(self) -> str:
        return f"{self.name} ({self.title}): {self.message}"


@dataclass(frozen=True, slots=True)
class Invariant:
    """A property of a machine between two operations; `disagreements` has a message for each thing that contradicts it."""

    name: str
    title: str
    disagreements: Callable[[Census], Iterator[str]]


INVARIANTS = (
    Invariant("I1", "resv_huge_pages is the sum of all promises", sum_of_promises),
    Invariant("I2", "reserved pages are free pages", reserved_pages_are_free),
    Invariant("I3", "every page of the pool is free or in use", pool_is_free_or_in_use),
    Invariant("I8", "a promise can be kept", promises_can_be_kept),
)


def check(machine: Machine) -> list[Violation]:
    """Every violation, in the order of the catalogue; takes time in proportion to what is mapped, cached and present."""
    census = Census(machine)
    return [
        Violation(invariant.name, invariant.title, message)
        for invariant in INVARIANTS
        for message in invariant.disagreements(census)
    ]
