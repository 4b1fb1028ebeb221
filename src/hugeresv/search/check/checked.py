"""What a check has found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from hugeresv.scenario.scenario import Scenario
from hugeresv.search.confirm import ONCE, Sightings
from hugeresv.search.kinds import DifferenceKind, kind_of
from hugeresv.search.lockstep import Divergence, Pair


@dataclass(slots=True)
class CheckFinding:
    """A scenario that tells the kernel from its base. `also` has the names of further scenarios that show the same."""

    number: int
    """From 1, in the order in which they are found; those that are not confirmed are counted apart."""
    name: str
    """Of the scenario that showed it first."""
    scenario: Scenario
    """Up to the step that shows it; when `short`, of which no step can be left out."""
    before: list[Pair]
    """The steps on which the two agree."""
    divergence: Divergence
    steps_before: int
    seconds: float
    """Since the check began, when it was found; when `short`, when it was shortened."""
    short: bool = False
    confirmed: bool = False
    """Whether it came again, as `confirm` asks for."""
    sightings: Sightings = ONCE
    why_not: str = ""
    """Why it is not confirmed."""
    marks: set[tuple[str, ...]] = field(default_factory=set)
    """What other scenarios have in common with it that show the same."""
    also: list[str] = field(default_factory=list)

    @property
    def kind(self) -> DifferenceKind:
        """Its kind."""
        return kind_of(self.divergence)


class FindingStore(Protocol):
    """Where findings are kept."""

    def put(self, finding: CheckFinding) -> None:
        """Keep it as it is now: when it is seen, when it is confirmed, and when it is short."""
        ...

    def drop(self, finding: CheckFinding) -> None:
        """Forget it: it is kept under another number, or is the same as another one."""
        ...


class NoStore:
    """Keeps nothing."""

    def put(self, finding: CheckFinding) -> None:
        """See `FindingStore`."""

    def drop(self, finding: CheckFinding) -> None:
        """See `FindingStore`."""


@dataclass(frozen=True, slots=True)
class CheckCase:
    """One scenario: whether it was left out and why, or the finding that it shows."""

    name: str
    skipped: str | None = None
    finding: CheckFinding | None = None


@dataclass(slots=True)
class Checked:
    """What was done, and what it showed."""

    kernel: str
    base: str
    audited: bool
    cases: list[CheckCase] = field(default_factory=list)
    """The scenarios that were named, in their order; random ones are counted below."""
    drawn: int = 0
    """Random scenarios that were run."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Random scenarios that could not be run, by the reason."""
    steps: int = 0
    """Steps of all scenarios that were run."""
    seconds: float = 0.0
    findings: list[CheckFinding] = field(default_factory=list)
    unconfirmed: list[CheckFinding] = field(default_factory=list)
    """Differences that did not come again, and count for nothing."""
    complete: bool = False
    """Whether nothing ended it early: neither its user nor the number of findings."""

    @property
    def clean(self) -> bool:
        """Whether nothing tells the kernel from its base."""
        return not self.findings
