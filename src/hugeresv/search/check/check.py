"""The check of a kernel."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import count

from hugeresv.answer import Answer, Counters, KernelReport
from hugeresv.errors import HugeresvError
from hugeresv.kernels.guest.conversation import LostError
from hugeresv.kernels.guest.report import report_line
from hugeresv.kernels.protocol import Kernel
from hugeresv.outcome import Outcome
from hugeresv.scenario.expectation import observed
from hugeresv.scenario.scenario import Scenario
from hugeresv.search.check.checked import CheckCase, Checked, CheckFinding, FindingStore
from hugeresv.search.confirm import HANG_SECONDS, confirm
from hugeresv.search.fresh import SHORTEN_HANG_SECONDS, SHORTEN_SECONDS, going_on, impatient
from hugeresv.search.fuzz.generate import Coverage, draw
from hugeresv.search.fuzz.guide import answering_of, guide_for, hangs
from hugeresv.search.fuzz.shrink import shrink
from hugeresv.search.kinds import DifferenceKind, alike, mark_of, report_of
from hugeresv.search.lockstep import Audits, Divergence, Pair, lockstep, up_to

LENGTH = 40
"""Most steps of a random scenario."""

_TRIES = 3
"""How often a candidate is run where a difference does not show in every run."""

_MOST_FAILURES = 10
"""Random scenarios of which none could be run: nor will others."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long random scenarios are run, after how many findings to stop, and how long each of these is shortened."""

    seconds: float = 60.0
    findings: int = 5
    shorten_seconds: float = SHORTEN_SECONDS
    seed: str = "0"


class Check:
    """A check of `kernel` against `base`, with what gives insight into both where they are audited."""

    def __init__(
        self,
        kernel: Kernel,
        base: Kernel,
        audits: Audits | None,
        effort: Effort,
        store: FindingStore,
        progress: Callable[[Checked], None],
    ) -> None:
        """`progress` is called after a scenario."""
        self.checked = Checked(kernel.name, base.name, audits is not None)
        self._kernel = kernel
        self._base = base
        self._audits = audits
        self._effort = effort
        self._store = store
        self._progress = progress
        self._before: list[Pair] = []
        """The steps of the last scenario on which the two agree."""
        self._guide = guide_for(base, real=kernel.real or base.real)
        self._answering = answering_of(base, kernel)
        self._begin = time.monotonic()

    def run(self, scenarios: Iterable[tuple[str, Scenario]]) -> Checked:
        """All of these, then random ones. Raises UnavailableError where that cannot be done here."""
        try:
            with self._going_on():
                if self._named(scenarios):
                    self.checked.complete = self._random()
        finally:
            self.checked.seconds = time.monotonic() - self._begin
        return self.checked

    def _going_on(self) -> AbstractContextManager[None]:
        return going_on(self._kernel, self._base)

    def _named(self, scenarios: Iterable[tuple[str, Scenario]]) -> bool:
        """Whether there may be more findings."""
        for name, scenario in scenarios:
            try:
                finding = self._examine(name, scenario)
            except HugeresvError as error:
                self.checked.cases.append(CheckCase(name, skipped=str(error).partition("\n")[0]))
            else:
                self.checked.cases.append(CheckCase(name, finding=finding))
            self._progress(self.checked)
            if len(self.checked.findings) >= self._effort.findings:
                return False
        return True

    def _random(self) -> bool:
        """Random scenarios for as long as there is time; whether there may be more findings."""
        end = time.monotonic() + self._effort.seconds
        for number in count():
            if time.monotonic() >= end:
                break
            name = f"{self._effort.seed}:{number}"
            try:
                unseen = Coverage(stateless=True)
                self._examine(name, draw(name, LENGTH, self._guide, unseen, answering=self._answering).scenario)
            except HugeresvError as error:
                self.checked.left_out[str(error).partition("\n")[0]] += 1
                if not self.checked.drawn and self.checked.left_out.total() >= _MOST_FAILURES:
                    return False
            else:
                self.checked.drawn += 1
            self._progress(self.checked)
            if len(self.checked.findings) >= self._effort.findings:
                return False
        return True

    def _examine(self, name: str, scenario: Scenario) -> CheckFinding | None:
        """Run a scenario; the finding that it shows, a new one or one that is known."""
        divergence = self._first_difference(scenario)
        self.checked.steps += len(scenario.steps) if divergence is None else divergence.number
        if divergence is None:
            return None
        if known := self._known(mark_of(divergence)):
            return self._shows_too(known, name, scenario)
        sighted = self._sighted(name, scenario, divergence)
        self._store.put(sighted)
        finding = self._confirmed(sighted)
        if finding is None:
            self._store.put(sighted)
            self.checked.unconfirmed.append(sighted)
            return None
        if known := self._known(mark_of(finding.divergence)):  # as it shows on a fresh guest
            self._store.drop(sighted)
            known.also.append(name)
            return known
        self.checked.findings.append(finding)
        self._store.put(finding)
        self._store.drop(sighted)
        return self._short_or_known(finding)

    def _shows_too(self, known: CheckFinding, name: str, scenario: Scenario) -> CheckFinding | None:
        """A known finding, if the scenario shows it on a fresh guest."""
        with going_on(self._kernel, self._base, wanted=False):
            again = self._first_difference(scenario)
        if again is None:
            return None
        known.also.append(name)
        return known

    def _sighted(self, name: str, scenario: Scenario, divergence: Divergence) -> CheckFinding:
        """What was seen for the first time: the scenario up to there."""
        number, seconds = len(self.checked.unconfirmed) + 1, time.monotonic() - self._begin
        found = self._entitled(up_to(divergence, scenario), self._before, divergence)
        return CheckFinding(number, name, found, self._before, divergence, len(scenario.steps), seconds)

    def _confirmed(self, sighted: CheckFinding) -> CheckFinding | None:
        """A finding of its own if it comes again; otherwise it says why not."""
        confirmation = confirm(
            sighted.divergence,
            sighted.scenario,
            self._base,
            self._kernel,
            lambda: self._first_difference(sighted.scenario),
        )
        sighted.sightings, sighted.why_not = confirmation.sightings, confirmation.why_not
        if (divergence := confirmation.divergence) is None:
            return None
        return replace(
            sighted,
            number=len(self.checked.findings) + 1,
            scenario=self._entitled(sighted.scenario, self._before, divergence),
            before=self._before,
            divergence=divergence,
            confirmed=True,
            marks={mark_of(sighted.divergence), mark_of(divergence)},
            also=[],
        )

    def _known(self, mark: tuple[str, ...]) -> CheckFinding | None:
        return next((known for known in self.checked.findings if mark in known.marks), None)

    def _short_or_known(self, finding: CheckFinding) -> CheckFinding:
        """The finding when it is short, or an earlier one that has the same steps."""
        if not self._effort.shorten_seconds:
            return finding
        self._shorten(finding)
        for known in self.checked.findings[:-1]:
            if _same(known.scenario, finding.scenario):
                self.checked.findings.pop()
                known.marks |= finding.marks
                known.also.append(finding.name)
                self._store.drop(finding)
                return known
        self._store.put(finding)
        return finding

    def _first_difference(self, scenario: Scenario) -> Divergence | None:
        """Where the two first differ. A kernel that does not survive the making of the pool differs before any step."""
        self._before = []
        try:
            for pair in lockstep(scenario, self._base, self._kernel, audits=self._audits):
                if pair.differ:
                    return pair
                self._before.append(pair)
        except LostError as lost:
            report = KernelReport(report_line(str(lost)) or str(lost).partition("\n")[0], str(lost))
            none = Counters(0, 0, 0, 0)
            return Divergence(0, None, Answer(Outcome.OK, none), Answer(lost.outcome, none, report=report))
        return None

    def _shorten(self, finding: CheckFinding) -> None:
        """Leave out of its scenario what is not needed. A candidate that cannot be carried out shows nothing."""
        seen: list[tuple[list[Pair], Divergence]] = []
        end = time.monotonic() + self._effort.shorten_seconds
        tries = 1 if finding.sightings.seen == finding.sightings.runs else _TRIES

        def shows_once(candidate: Scenario) -> bool:
            try:
                if (self._kernel.real or self._base.real) and hangs(candidate, self._guide):
                    return False
                divergence = self._first_difference(candidate)
            except HugeresvError:
                return False
            if divergence is None or not alike(divergence, finding.divergence):
                return False
            seen.append((self._before, divergence))
            return True

        def shows(candidate: Scenario) -> bool:
            return time.monotonic() < end and any(shows_once(candidate) for _ in range(tries))

        whole = _bare(finding.scenario)
        for kept in (True, False):  # of guests that go on, some show what only scenarios before have made
            seen.clear()
            with going_on(self._kernel, self._base, wanted=kept), self._impatient(finding, SHORTEN_HANG_SECONDS):
                short = shrink(whole, shows)
            with going_on(self._kernel, self._base, wanted=False), self._impatient(finding, HANG_SECONDS):
                if any(shows_once(short) for _ in range(tries)):
                    break
        else:
            short = whole
            seen.clear()
        if seen:
            finding.before, finding.divergence = seen[-1]
            finding.marks.add(mark_of(finding.divergence))
        finding.scenario = self._entitled(short, finding.before, finding.divergence)
        finding.short = short != whole or time.monotonic() < end
        finding.seconds = time.monotonic() - self._begin

    def _impatient(self, finding: CheckFinding, seconds: float) -> AbstractContextManager[None]:
        """Where a call hangs, it is not waited for longer than this."""
        longest = seconds if finding.kind is DifferenceKind.HANG else math.inf
        return impatient(longest, self._kernel, self._base)

    def _entitled(self, scenario: Scenario, before: list[Pair], divergence: Divergence) -> Scenario:
        """The scenario, which expects what the base answers."""
        where = f"at step {divergence.number}" if divergence.step is not None else "after the cleanup"
        said = report_of(divergence) or ", ".join(violation.name for violation in divergence.beyond)
        title = f"{self._base.name} and {self._kernel.name} differ {where}{f': {said}' if said else ''}."
        answers = [pair.left for pair in (*before, divergence) if pair.step is not None]
        steps = [replace(step, expect=observed(answer)) for step, answer in zip(scenario.steps, answers, strict=False)]
        left = divergence.left.counters.rsvd if divergence.step is None else None
        return replace(scenario, title=title, steps=tuple(steps), leaks_rsvd=left or None)


def _same(one: Scenario, other: Scenario) -> bool:
    """Whether two scenarios have the same operations on the same pool."""
    return _operations(one) == _operations(other)


def _operations(scenario: Scenario) -> tuple[object, ...]:
    return scenario.pool, scenario.cgroups, [step.operation for step in scenario.steps]


def _bare(scenario: Scenario) -> Scenario:
    """Without what is said about steps, which is about the whole story."""
    steps = tuple(replace(step, note=None, expect=None, expect_on=None) for step in scenario.steps)
    return replace(scenario, steps=steps, leaks_rsvd=None, source=None)
