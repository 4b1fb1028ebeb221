"""Running a scenario on a kernel: what each step answered, and what there is to say about it.

Looking at mappings and checking invariants cost more than the steps themselves, and are done only where they are shown.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from hugeresv.answer import Answer
from hugeresv.errors import InputError
from hugeresv.invariants.ending import check_end
from hugeresv.invariants.steps import check_step, levels, uncovered
from hugeresv.invariants.violation import Violation
from hugeresv.kernels.model.session import ModelSession
from hugeresv.kernels.protocol import Kernel, Session
from hugeresv.outcome import ENDINGS, Outcome
from hugeresv.play.checks import Checks
from hugeresv.play.insight import Insight, Seer, model_insight
from hugeresv.play.watch import Picture, Watch
from hugeresv.scenario.expectation import Contradiction, contradictions, expected, leaks_for, reported
from hugeresv.scenario.operation import Operation
from hugeresv.scenario.scenario import Scenario, Step

RETURNS = Violation("HANG", "every call returns", "this one does not")


class Seen(NamedTuple):
    """What there is to show of a step beside its answer."""

    pictures: Sequence[Picture]
    violations: Sequence[Violation]


class StepResult(NamedTuple):
    """One step, counted from 1; `seen` is None where nothing is to be shown."""

    number: int
    step: Step
    answer: Answer
    contradictions: Sequence[Contradiction]
    seen: Seen | None
    chances: Mapping[str, int] | None = None
    """Of calls at once on a real kernel what they answered in all runs, and how often."""


class Ending(NamedTuple):
    """What is counted when every process, file, segment and mount of the scenario is gone."""

    answer: Answer
    contradictions: Sequence[Contradiction]
    violations: Sequence[Violation]


Result = StepResult | Ending

WHY_IT_ENDS = {
    Outcome.HANG: "It has not returned: the scenario ends there.",
    Outcome.NODE_FULL: "All free memory of the node becomes huge pages: the scenario ends there.",
    Outcome.CRASH: "The kernel, or the calling process, did not survive: the scenario ends there.",
}
"""What there is to say of the answers after which there is none."""


Attendant = Callable[[Session, Insight | None], None]
"""Is told of a session before its first step, to look at it whenever there is a result."""


def play(
    scenario: Scenario,
    kernel: Kernel,
    *,
    show: bool = False,
    audit: Seer | None = None,
    attend: Attendant | None = None,
) -> Iterator[Result]:
    """Run a scenario from a fresh start: a result a step, then the ending, which a hang or a crash leaves out.

    `show`: with pictures and, on a model, violated invariants; a large one is not checked after every step (`checks`).
    `audit`: with these, after every step, on any kernel into whose sessions it gives insight. `attend`: with violated
    invariants, for one who draws what he sees of the session himself. Raises InputError, naming the step, for what the
    scenario cannot mean or the kernel does not have; UnavailableError where the kernel cannot be had.
    """
    names = kernel.expectation_names
    kernel.admit(scenario)
    with kernel.start(scenario.pool, scenario.cgroups, scenario.pools or ()) as session:
        looks = bool(show or audit or attend)
        insight = (audit or model_insight)(session) if looks else None
        look = StepLook(session, insight, pictures=show, audited=audit is not None) if looks else None
        if attend:
            attend(session, insight)
        for number, step in enumerate(scenario.steps, 1):
            answer = apply_step(session, number, step)
            found = _contradictions(step, names, answer, session.also)
            yield StepResult(number, step, answer, found, look.after(step.operation, answer.outcome) if look else None)
            if answer.outcome in ENDINGS:
                return
        late = look.after_the_last() if look else []
        answer = session.release()
        if answer.outcome is not Outcome.OK:  # it has left things behind
            insight = None
        violations = late + check_end(insight.machine()) if insight else ()
        yield Ending(answer, [*reported(answer), *_leaks(scenario, answer, names)], violations)


def _contradictions(
    step: Step, names: Sequence[str], answer: Answer, also: Sequence[Answer]
) -> Sequence[Contradiction]:
    """Where an answer is not what was expected, and those that concurrent calls give in other orders."""
    if step.expect is None and step.expect_on is None:
        return reported(answer)
    wanted = expected(step, names)
    every = (found for each in (answer, *also) for found in contradictions(wanted, each))
    return list(dict.fromkeys(every))


def violates(result: Result) -> bool:
    """Whether an invariant was seen to be violated."""
    return bool(violations_of(result))


def violations_of(result: Result) -> Sequence[Violation]:
    """What was seen not to hold."""
    if isinstance(result, Ending):
        return result.violations
    return result.seen.violations if result.seen else ()


def apply_step(session: Session, number: int, step: Step) -> Answer:
    """What the session answers to a step; an InputError names the step."""
    try:
        return session.apply(step.operation, may_hang=step.hangs is True, fails=step.fails)
    except InputError as error:
        raise type(error)(f"step {number}: {error}") from error


@contextmanager
def at_step(number: int) -> Iterator[None]:
    """An InputError of the block names the step."""
    try:
        yield
    except InputError as error:
        raise type(error)(f"step {number}: {error}") from error


def _leaks(scenario: Scenario, answer: Answer, names: Sequence[str]) -> Iterator[Contradiction]:
    wanted, found = leaks_for(scenario, names), answer.counters.rsvd
    if found != wanted:
        yield Contradiction("rsvd when everything is gone", wanted, found)


class StepLook:
    """Sees what each operation did to mappings and, with insight, to what must always hold."""

    def __init__(self, session: Session, insight: Insight | None, *, pictures: bool, audited: bool) -> None:
        model = session if isinstance(session, ModelSession) else None
        self._watch = Watch(insight or session, model) if pictures else None
        self._insight = insight
        self._checks = Checks(insight, every_step=audited) if insight else None
        self._levels = levels(insight.machine()) if insight else None

    def after(self, operation: Operation, outcome: Outcome) -> Seen:
        """What there is to show right after an operation. With insight a call that hangs is a violation too."""
        if outcome in (Outcome.CRASH, Outcome.NODE_FULL):  # the machine's state is unknown then
            return Seen((), ())
        machine = self._insight.machine() if self._insight else None
        pictures = self._watch.look(operation) if self._watch else ()
        if self._checks is None or machine is None or self._levels is None:
            return Seen(pictures, ())
        before, self._levels = self._levels, levels(machine)
        hangs = outcome is Outcome.HANG
        violations = check_step(operation, before, self._levels) + self._checks.after_step(machine, last=hangs)
        if self._insight is not None:
            violations += uncovered(operation, outcome, machine, self._insight.name)
        return Seen(pictures, [RETURNS, *violations] if hangs else violations)

    def after_the_last(self) -> list[Violation]:
        """What no step has told of yet."""
        return self._checks.after_the_last() if self._checks else []
