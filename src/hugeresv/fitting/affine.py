"""A number that grows steadily, and how long what was decided by it stays decided.

A fault moves counters and decides by comparing them with one another and with limits. Where a counter is `Affine` while
the model handles a fault, every comparison that the model makes says how many faults later it would first answer
otherwise: no list of counters and limits is needed, the model's own rules tell.
"""

from typing import NoReturn, Self


class Horizon:
    """The number of steps from now on through which every comparison made so far answers the same; None: for ever."""

    def __init__(self) -> None:
        """Nothing compared yet."""
        self.steps: int | None = None

    def limit(self, steps: int) -> None:
        """It is the same through `steps` steps, and may differ in the next."""
        self.steps = steps if self.steps is None else min(self.steps, steps)


class Affine:
    """`value` now, and `slope` more with each step.

    It has the operations that faults apply to counters; any other is a TypeError, which tells that a new rule needs it.
    """

    __slots__ = ("horizon", "slope", "value")

    def __init__(self, value: int, slope: int, horizon: Horizon) -> None:
        """Comparisons report to `horizon`."""
        self.value = value
        self.slope = slope
        self.horizon = horizon

    def __add__(self, other: Self | int) -> "Affine":
        """Both grow."""
        value, slope = parts(other)
        return Affine(self.value + value, self.slope + slope, self.horizon)

    __radd__ = __add__

    def __neg__(self) -> "Affine":
        """It falls as it grew."""
        return Affine(-self.value, -self.slope, self.horizon)

    def __sub__(self, other: Self | int) -> "Affine":
        """The distance between both."""
        return self + -other

    def __rsub__(self, other: int) -> "Affine":
        """The same from a constant."""
        return -self + other

    def __mod__(self, modulus: int) -> "Affine":
        """As long as no multiple of `modulus` is crossed."""
        below = self.value - self.value % modulus
        self._sign(below - 1)
        self._sign(below + modulus)
        return self - below

    def __and__(self, mask: int) -> "Affine":
        """The lowest bits: TypeError for any other mask."""
        if mask & (mask + 1):
            raise TypeError(f"{mask:#x} is no mask of the lowest bits")
        return self % (mask + 1)

    def __lt__(self, other: Self | int) -> bool:
        """Now, and until the horizon."""
        return self._sign(other) < 0

    def __le__(self, other: Self | int) -> bool:
        """Now, and until the horizon."""
        return self._sign(other) <= 0

    def __gt__(self, other: Self | int) -> bool:
        """Now, and until the horizon."""
        return self._sign(other) > 0

    def __ge__(self, other: Self | int) -> bool:
        """Now, and until the horizon."""
        return self._sign(other) >= 0

    def __eq__(self, other: object) -> bool:
        """Now, and until the horizon."""
        return isinstance(other, Affine | int) and self._sign(other) == 0

    def __bool__(self) -> bool:
        """Whether it is not 0."""
        return self._sign(0) != 0

    __hash__ = None  # type: ignore[assignment]

    def __index__(self) -> NoReturn:
        """It is no plain number."""
        raise TypeError("a growing number has no one value")

    def _sign(self, other: "Affine | int") -> int:
        """-1, 0 or 1 as it is less than, equal to or greater than `other`."""
        value, slope = parts(other)
        gap, approach = self.value - value, self.slope - slope
        if gap == 0 and approach:
            self.horizon.limit(0)
        elif gap * approach < 0:
            self.horizon.limit((abs(gap) - 1) // abs(approach))
        return (gap > 0) - (gap < 0)


def parts(number: Affine | int) -> tuple[int, int]:
    """Value and slope of any number."""
    return (number.value, number.slope) if isinstance(number, Affine) else (number, 0)
