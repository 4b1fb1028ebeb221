"""A row of the table: one cost, measured at a size and at ten times that size."""

from collections.abc import Callable
from typing import Literal, NamedTuple

Goal = Literal["flat", "linear"]
"""What the cost may do when the size grows tenfold: stay (a ratio of about 1, 2 at most) or grow tenfold too."""


class Row(NamedTuple):
    """`measure` takes the size n and returns the cost in `unit`; it raises AssertionError if it measured another thing.

    `what` says with `n` what the size counts. `n` is the smaller size.
    """

    what: str
    unit: str
    goal: Goal
    n: int
    measure: Callable[[int], float]
