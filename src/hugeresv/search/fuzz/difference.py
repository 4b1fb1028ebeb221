"""A scenario on which two kernels differ, and making it short."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hugeresv.errors import HugeresvError
from hugeresv.scenario.scenario import Json, Scenario, Step, Together
from hugeresv.search.confirm import ONCE, Confirmation, Sightings
from hugeresv.search.fuzz.shrink import shrink
from hugeresv.search.kinds import DifferenceKind, alike, kind_of, report_of
from hugeresv.search.lockstep import Divergence, up_to

FirstDifference = Callable[[Scenario], Divergence | None]
"""Where two kernels first differ on a scenario; None if they do not, or it cannot be tried."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A scenario on which the kernels differ, and where it came from."""

    scenario: Scenario
    divergence: Divergence
    steps_before: int
    """Length of the scenario that was drawn; `source` has its seed and number."""
    number: int
    confirmed: bool = False
    """Whether it came again, as `confirm` asks for."""
    sightings: Sightings = ONCE
    why_not: str = ""
    """Why it is not confirmed."""

    @property
    def report(self) -> str | None:
        """What tells a crash or a warning from others; None where the kernels say nothing against themselves."""
        return report_of(self.divergence)

    @property
    def hangs(self) -> bool:
        """Whether it is a call that does not return."""
        return kind_of(self.divergence) is DifferenceKind.HANG

    @property
    def log(self) -> str:
        """What the kernels that say something against themselves have printed."""
        answers = (self.divergence.left, self.divergence.right)
        return "\n".join(answer.report.log for answer in answers if answer.report is not None)


def as_found(scenario: Scenario, divergence: Divergence, names: Sequence[str], origin: str) -> Difference:
    """The scenario up to the step at which the kernels differ."""
    return _entitled(up_to(divergence, scenario), divergence, names, origin, len(scenario.steps))


def as_confirmed(found: Difference, confirmation: Confirmation, names: Sequence[str]) -> Difference:
    """It, with what has come of seeing it again."""
    sightings, why_not = confirmation.sightings, confirmation.why_not
    if (divergence := confirmation.divergence) is None:
        return replace(found, sightings=sightings, why_not=why_not)
    again = _entitled(found.scenario, divergence, names, _origin(found), found.steps_before)
    return replace(again, confirmed=True, sightings=sightings)


def shortened(found: Difference, names: Sequence[str], first_difference: FirstDifference, end: float) -> Difference:
    """The shortest scenario that still tells the kernels apart, in a way like the one that was found.

    What is not tried by `end`, in seconds of the monotonic clock, is not left out. A candidate that cannot be carried
    out, or not here, shows nothing.
    """

    def same(candidate: Scenario) -> Divergence | None:
        try:
            divergence = first_difference(candidate)
        except HugeresvError:
            return None
        return divergence if divergence is not None and alike(divergence, found.divergence) else None

    short = shrink(
        _in_any_order(found.scenario), lambda candidate: time.monotonic() < end and same(candidate) is not None
    )
    divergence = same(short)
    if divergence is None:  # a real kernel that does not answer the same twice: the whole story is all there is
        return found
    again = _entitled(short, divergence, names, _origin(found), found.steps_before)
    return replace(again, confirmed=found.confirmed, sightings=found.sightings)


def _origin(found: Difference) -> str:
    return f"{found.scenario.source['drawn']}" if isinstance(found.scenario.source, dict) else ""


def _in_any_order(scenario: Scenario) -> Scenario:
    """The same without the order of concurrent calls that was found, which shorter calls do not have."""

    def free(step: Step) -> Step:
        block = step.operation
        return replace(step, operation=replace(block, switch=None)) if isinstance(block, Together) else step

    return replace(scenario, steps=tuple(map(free, scenario.steps)))


def _entitled(
    scenario: Scenario, divergence: Divergence, names: Sequence[str], origin: str, steps_before: int
) -> Difference:
    where = f"at step {divergence.number}" if divergence.step is not None else "after the cleanup"
    title = f"{' and '.join(names)} differ {where}."
    if len(names) == 1:
        broken = " and ".join(dict.fromkeys(violation.name for violation in divergence.right_violations))
        title = f"An order of the concurrent calls at step {divergence.number} on {names[0]}: {broken}."
    if report := report_of(divergence):
        title = f"{title[:-1]}: {report}"
    source: dict[str, Json] = {"kernels": [*names], "drawn": origin}
    steps = scenario.steps
    if divergence.step is not None and isinstance(divergence.step.operation, Together):
        steps = (*steps[: divergence.number - 1], divergence.step)
    entitled = replace(scenario, title=title, source=source, steps=steps)
    return Difference(entitled, divergence, steps_before, int(origin.rpartition(":")[2]))
