"""Two kernels carrying out the same scenario step by step, compared after each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hugeresv.answer import Answer
from hugeresv.kernels.protocol import Kernel
from hugeresv.outcome import ENDINGS, Outcome
from hugeresv.play.play import apply_step
from hugeresv.play.watch import Picture, Watch
from hugeresv.scenario.scenario import Scenario, Step


class Pair(NamedTuple):
    """What the two kernels answered to one step; `step` is None for the release of everything at the end."""

    number: int
    """Counted from 1; the release comes after the last step."""
    step: Step | None
    left: Answer
    right: Answer
    left_pictures: Sequence[Picture] = ()
    right_pictures: Sequence[Picture] = ()
    """All mappings right after a step at which the answers differ, where they are to be shown."""

    @property
    def differ(self) -> bool:
        """Whether the answers are not the same; at the release the counters, which show what leaked, and reports."""
        if self.step is None:
            return _left_over(self.left) != _left_over(self.right)
        return self.left != self.right


Divergence = Pair
"""A pair that differs."""


def lockstep(scenario: Scenario, left: Kernel, right: Kernel, *, show: bool = False) -> Iterator[Pair]:
    """Run the scenario on both, a pair a step and one for the release; ends with the first pair that differs or hangs.

    A model answers before a real kernel does, and a step that hangs there is not tried on the real one unless the
    scenario says that it may hang. `show`: with pictures of the first difference. Raises as `play`.
    """
    right_first = left.real and not right.real
    beginning = scenario.pool, scenario.cgroups, scenario.pools or ()
    with left.start(*beginning) as first, right.start(*beginning) as second:
        watches = (Watch(first), Watch(second)) if show else ()
        for number, step in enumerate(scenario.steps, 1):
            early = apply_step(second if right_first else first, number, step)
            if early.outcome is Outcome.HANG and (left.real or right.real) and not step.hangs:
                return
            late = apply_step(first if right_first else second, number, step)
            pair = Pair(number, step, late, early) if right_first else Pair(number, step, early, late)
            for watch in watches:
                watch.note(step.operation)
            if pair.differ:
                crashed = Outcome.CRASH in (early.outcome, late.outcome)
                yield pair if crashed else Pair(*pair[:4], *(watch.look_around() for watch in watches))
                return
            yield pair
            if early.outcome in ENDINGS:
                return
        yield Pair(len(scenario.steps) + 1, None, first.release(), second.release())


def _left_over(answer: Answer) -> tuple[object, ...]:
    return answer.outcome, answer.counters, answer.report


def first_difference(scenario: Scenario, left: Kernel, right: Kernel) -> Divergence | None:
    """Where the kernels first answer differently; None if they never do."""
    return next((pair for pair in lockstep(scenario, left, right) if pair.differ), None)
