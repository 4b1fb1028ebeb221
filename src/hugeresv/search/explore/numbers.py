"""Values by number and numbers by value; and a state in one 64-bit number, made of the numbers of its parts."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Generic, NamedTuple, TypeVar

from hugeresv.errors import UnsupportedError

STATE_BITS = 63
"""A state is a signed 64-bit number, and never negative."""

T = TypeVar("T", bound=Hashable)


class Outgrown(Exception):  # noqa: N818  not an error: there may be room elsewhere
    """There are more values of a kind than their numbers have bits for."""

    def __init__(self, what: str, bits: int) -> None:
        super().__init__(what, bits)
        self.what, self.bits = what, bits

    def refusal(self) -> UnsupportedError:
        """The error where there is no room elsewhere."""
        return UnsupportedError(
            f"the bound has more than {1 << self.bits} {self.what}: too many for the table; use --engine plain"
        )


class Numbers(Generic[T]):
    """Values by number, and numbers by value."""

    def __init__(self, what: str, bits: int) -> None:
        """`number` raises Outgrown when so many bits no longer hold the numbers."""
        self.values: list[T] = []
        self._numbers: dict[T, int] = {}
        self.what, self.bits = what, bits

    def __len__(self) -> int:
        return len(self.values)

    def number(self, value: T) -> int:
        """The number of a value, a new one if need be."""
        number = self._numbers.get(value)
        if number is None:
            number = len(self.values)
            if number >> self.bits:
                raise Outgrown(self.what, self.bits)
            self._numbers[value] = number
            self.values.append(value)
        return number


class Pairs:
    """Numbers by number; `fresh` is what is new, until whoever keeps all of them in arrays takes it out."""

    def __init__(self) -> None:
        self.known: dict[int, int] = {}
        self.fresh: list[tuple[int, int]] = []

    def put(self, key: int, value: int) -> None:
        """`value` is what the key stands for from here on."""
        self.known[key] = value
        self.fresh.append((key, value))


class Layout(NamedTuple):
    """How many bits of a state are for the number of each part; there are two views."""

    view: int
    links: int
    files: int
    counters: int

    def pack(self, first: Any, second: Any, links: Any, files: Any, counters: Any) -> Any:
        """A state in one number, also of arrays."""
        views = (first << self.view | second) << self.links | links
        return (views << self.files | files) << self.counters | counters

    def unpack(self, state: Any) -> tuple[Any, Any, Any, Any, Any]:
        """The numbers of a state's parts, also of arrays."""
        counters, state = state & (1 << self.counters) - 1, state >> self.counters
        files, state = state & (1 << self.files) - 1, state >> self.files
        links, state = state & (1 << self.links) - 1, state >> self.links
        return state >> self.view, state & (1 << self.view) - 1, links, files, counters

    def widened(self, part: str, used: Layout) -> Layout | None:
        """With two bits more for a part, taken where the most are not `used`; None where there are none to take."""
        bits = self._asdict() | {part: getattr(self, part) + 2}
        while bits["view"] + sum(bits.values()) > STATE_BITS:
            spare, name = max((bits[name] - getattr(used, name), name) for name in bits if name != part)
            if spare < 1:
                return None
            bits[name] -= 1
        return Layout(**bits)
