"""What kind of difference a divergence of two kernels is, and what tells it from others of its kind."""

from __future__ import annotations

from enum import StrEnum

from hugeresv.answer import Answer
from hugeresv.outcome import Outcome
from hugeresv.scenario.expectation import contradictions, observed
from hugeresv.search.lockstep import Divergence


class DifferenceKind(StrEnum):
    """Kinds, the gravest first: a divergence is of the first one that it fits."""

    CRASH = "crash"
    """The kernel, or the calling process, does not survive."""
    HANG = "hang"
    """A call does not return on one of them."""
    REPORT = "report"
    """The kernel prints something against itself: a warning, or a report of a checker."""
    ANSWER = "answer"
    """A step is answered differently, in its outcome or in what is counted."""
    LEAK = "leak"
    """Something else is left when everything of the scenario is gone."""
    LEDGER = "ledger"
    """The answers are alike, and an invariant does not hold in the right one's memory."""


def kind_of(divergence: Divergence) -> DifferenceKind:
    """Its kind."""
    left, right = divergence.left, divergence.right
    if left.outcome != right.outcome and Outcome.CRASH in (left.outcome, right.outcome):
        return DifferenceKind.CRASH
    if left.outcome != right.outcome and Outcome.HANG in (left.outcome, right.outcome):
        return DifferenceKind.HANG
    if left.report != right.report:
        return DifferenceKind.REPORT
    if divergence.answers_differ:
        return DifferenceKind.LEAK if divergence.step is None else DifferenceKind.ANSWER
    return DifferenceKind.LEDGER


def report_of(divergence: Divergence) -> str | None:
    """The first lines of what the kernels say against themselves."""
    lines = [answer.report.line for answer in (divergence.left, divergence.right) if answer.report is not None]
    return "; ".join(lines) or None


def alike(one: Divergence, other: Divergence) -> bool:
    """Whether a scenario that shows the one may stand for a longer one that shows the other."""
    if DifferenceKind.HANG in (kinds := {kind_of(one), kind_of(other)}):
        return kinds == {DifferenceKind.HANG}
    return report_of(one) == report_of(other) and one.answers_differ == other.answers_differ


def mark_of(divergence: Divergence) -> tuple[str, ...]:
    """What findings have in common that are reported once: the report's line, the invariants, or operation and keys."""
    kind = kind_of(divergence)
    if (report := report_of(divergence)) is not None:
        return kind, report
    if kind is DifferenceKind.LEDGER:
        return kind, *sorted({violation.name for violation in divergence.beyond})
    operation = "" if divergence.step is None else divergence.step.operation.op
    return kind, operation, *sorted(key for key, _, _ in answers_beside(divergence.left, divergence.right))


def answers_beside(left: Answer, right: Answer) -> list[tuple[str, str, str]]:
    """Where two answers differ: what it is called, and both values."""
    found = contradictions(observed(left), right._replace(report=None))
    rows = [(key, str(one), str(other)) for key, one, other in found]
    if left.report != right.report:
        one, other = (answer.report.line if answer.report else "-" for answer in (left, right))
        rows.append(("the kernel's log", one, other))
    return rows
