"""Numbers that note what is asked of them: which comparisons of counters a step of the model depends on.

A counter that is a `TracedNumber` while a transition is made is computed with as a linear form of the counters at the
start. Every comparison leaves a `Guard`: for all counters that answer the guards alike, the model takes the same path,
and changes the counters by the same amounts. So no list of what each operation asks is needed: the rules tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple, Self

Form = tuple[int, ...]
"""A factor for each counter."""


class Guard(NamedTuple):
    """Whether `constant` and the counters by their factors add up to less than 0, at most 0, or 0 (`<`, `<=`, `==`)."""

    form: Form
    constant: int
    relation: str
    answer: bool

    def holds(self, counters: Sequence[int]) -> bool:
        """Whether these counters give the same answer."""
        total = self.constant + sum(factor * value for factor, value in zip(self.form, counters, strict=True))
        return _compare(total, self.relation) == self.answer

    def shifted(self, changes: Sequence[int]) -> Guard:
        """The same of counters that grow by `changes` first."""
        more = sum(factor * change for factor, change in zip(self.form, changes, strict=True))
        return self._replace(constant=self.constant + more) if more else self


@cache
def _own(size: int) -> tuple[Form, ...]:
    """The form of each of so many counters: itself."""
    return tuple(tuple(int(place == other) for other in range(size)) for place in range(size))


class Trace:
    """What was asked since it began, in this order, without repetitions."""

    def __init__(self, counters: Sequence[int]) -> None:
        """Begin with these counters; `numbers` stand for them."""
        self.counters = tuple(counters)
        self.guards: dict[Guard, None] = {}
        forms = zip(counters, _own(len(counters)), strict=True)
        self.numbers = [TracedNumber(value, form, self) for value, form in forms]

    def compare(self, form: Form, value: int, relation: str) -> bool:
        """The answer for a number of that form and value, which is noted if it depends on a counter."""
        answer = _compare(value, relation)
        if any(form):
            constant = value - sum(factor * counter for factor, counter in zip(form, self.counters, strict=True))
            self.guards[Guard(form, constant, relation, answer)] = None
        return answer

    def pin(self, form: Form) -> None:
        """What follows holds for these very values of the counters in `form`."""
        for position, factor in enumerate(form):
            if factor:
                own = _own(len(form))[position]
                self.guards[Guard(own, -self.counters[position], "==", True)] = None

    def change(self, position: int, now: int) -> int:
        """How much a counter has grown. Pins what it is made of where it is not itself and a constant."""
        form = now.form if isinstance(now, TracedNumber) else ()
        own = self.numbers[position].form
        if form != own:
            self.pin(own)
            self.pin(form)
        return int(now) - self.counters[position]


class TracedNumber(int):
    """An int with its form. Whatever is not an addition, a subtraction or a comparison pins it to its value."""

    form: Form
    trace: Trace

    def __new__(cls, value: int, form: Form, trace: Trace) -> Self:
        """`value` is that of the form for the trace's counters."""
        self = super().__new__(cls, value)
        self.form = form
        self.trace = trace
        return self

    def _plus(self, other: int, sign: int, own: int = 1) -> TracedNumber:
        value = own * int(self) + sign * int(other)
        if isinstance(other, TracedNumber):
            form = tuple(own * a + sign * b for a, b in zip(self.form, other.form, strict=True))
        else:
            form = self.form if own == 1 else tuple(-a for a in self.form)
        return TracedNumber(value, form, self.trace)

    def __add__(self, other: int) -> TracedNumber:
        return self._plus(other, 1)

    __radd__ = __add__

    def __sub__(self, other: int) -> TracedNumber:
        return self._plus(other, -1)

    def __rsub__(self, other: int) -> TracedNumber:
        return self._plus(other, 1, -1)

    def __neg__(self) -> TracedNumber:
        return self._plus(0, 1, -1)

    def _asked(self, other: int, relation: str) -> bool:
        gap = self._plus(other, -1)
        return self.trace.compare(gap.form, int(gap), relation)

    def __lt__(self, other: int) -> bool:
        return self._asked(other, "<")

    def __le__(self, other: int) -> bool:
        return self._asked(other, "<=")

    def __gt__(self, other: int) -> bool:
        return not self._asked(other, "<=")

    def __ge__(self, other: int) -> bool:
        return not self._asked(other, "<")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int) and self._asked(other, "==")

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __bool__(self) -> bool:
        return not self._asked(0, "==")

    def __hash__(self) -> int:
        self.trace.pin(self.form)
        return hash(int(self))


def _pinning(name: str) -> Any:
    plain = getattr(int, name)

    def pinned(self: TracedNumber, *others: Any) -> Any:
        for number in (self, *others):
            if isinstance(number, TracedNumber):
                number.trace.pin(number.form)
        return plain(int(self), *(int(other) if isinstance(other, TracedNumber) else other for other in others))

    return pinned


_PINNING = (
    "mul rmul floordiv rfloordiv mod rmod divmod rdivmod truediv rtruediv pow rpow"
    " and rand or ror xor rxor lshift rlshift rshift rrshift invert abs"
)
for _name in _PINNING.split():
    setattr(TracedNumber, f"__{_name}__", _pinning(f"__{_name}__"))


def _compare(total: int, relation: str) -> bool:
    if relation == "<":
        return total < 0
    return total <= 0 if relation == "<=" else total == 0
