"""Two kernels carrying out the same scenario step by step, compared after each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hugeresv.kernels.protocol import Answer, Kernel
from hugeresv.outcome import Outcome
from hugeresv.scenario.scenario import Scenario, Step


class Pair(NamedTuple):
    """What the two kernels answered to one step; `step` is None for the release of everything at the end."""

    number: int
    """Counted from 1; the release comes after the last step."""
    step: Step | None
    left: Answer
    right: Answer

    @property
    def differ(self) -> bool:
        """Whether the answers are not the same; at the release, whether the counters are not, which show what has leaked."""
        if self.step is None:
            return self.left.counters != self.right.counters
        return self.left != self.right


Divergence = Pair
"""A pair that differs."""


def lockstep(scenario: Scenario, left: Kernel, right: Kernel) -> Iterator[Pair]:
    """Run the scenario on both, a pair a step and one for the release; ends with the first pair that differs or hangs.

    `left` goes first, and a step that hangs there is not tried on a real kernel unless the scenario says that it may hang: name
    a model first and a real kernel second. Raises as `Session.apply` does.
    """
    with left.start(scenario.pool, scenario.cgroups) as first, right.start(scenario.pool, scenario.cgroups) as second:
        number = 0
        for number, step in enumerate(scenario.steps, 1):
            may_hang = bool(step.hangs)
            answer = first.apply(step.operation, may_hang=may_hang)
            if answer.outcome is Outcome.HANG and right.real and not may_hang:
                return
            pair = Pair(number, step, answer, second.apply(step.operation, may_hang=may_hang))
            yield pair
            if pair.differ or Outcome.HANG in (pair.left.outcome, pair.right.outcome):
                return
        yield Pair(number + 1, None, first.release(), second.release())


def first_difference(scenario: Scenario, left: Kernel, right: Kernel) -> Divergence | None:
    """Where the kernels first answer differently; None if they never do."""
    return next((pair for pair in lockstep(scenario, left, right) if pair.differ), None)
