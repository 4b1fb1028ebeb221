"""Two kernels carrying out the same scenario step by step, compared after each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from hugeresv.answer import Answer
from hugeresv.errors import HugeresvError, UnsupportedError
from hugeresv.invariants.ending import check_end
from hugeresv.invariants.violation import Violation
from hugeresv.kernels.model.session import ModelSession
from hugeresv.kernels.protocol import Kernel, Session
from hugeresv.outcome import ENDINGS, NOT_FOR_REAL, Outcome
from hugeresv.play.allowed import Allowed
from hugeresv.play.insight import Seer
from hugeresv.play.often import TIMES, is_chance
from hugeresv.play.play import StepLook, apply_step
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

    left_violations: Sequence[Violation] = ()
    right_violations: Sequence[Violation] = ()
    """What does not hold after the step, where that is looked at."""

    @property
    def differ(self) -> bool:
        """Whether they answer differently, or an invariant does not hold on the right which holds on the left."""
        return self.answers_differ or bool(self.beyond)

    @property
    def answers_differ(self) -> bool:
        """Whether the answers are not the same; at the release the counters, which show what leaked, and reports.

        What a kernel says of a call that hangs on both depends on how long it was waited for.
        """
        left, right = self.left, self.right
        if left.outcome is right.outcome is Outcome.HANG:
            left, right = left._replace(report=None), right._replace(report=None)
        if self.step is None:
            return left_over(left) != left_over(right)
        return left != right

    @property
    def beyond(self) -> list[Violation]:
        """The violations on the right that are not there on the left."""
        known = {violation.key for violation in self.left_violations}
        return [violation for violation in self.right_violations if violation.key not in known]


Divergence = Pair
"""A pair that differs."""

Audits = tuple[Seer, Seer]
"""What gives insight into the sessions of the left and the right kernel."""


def lockstep(
    scenario: Scenario,
    left: Kernel,
    right: Kernel,
    *,
    show: bool = False,
    audits: Audits | None = None,
    times: int = TIMES,
) -> Iterator[Pair]:
    """Run the scenario on both, as `_lockstep` does; `times`, up to the first difference, where chance decides.

    Chance is which order a real kernel gives to calls at once: all orders of the model are allowed. Raises as `play`,
    and UnsupportedError for calls at once on two real kernels.
    """
    if not (is_chance(scenario, left) or is_chance(scenario, right)):
        yield from _lockstep(scenario, left, right, show=show, audits=audits)
        return
    if left.real and right.real:
        raise UnsupportedError(
            "calls at once run in another order on each real kernel: "
            f"compare {left.name} and {right.name} each with a behaviour"
        )
    pairs: list[Pair] = []
    for _ in range(times):
        pairs = list(_lockstep(scenario, left, right, show=show, audits=audits))
        if pairs and pairs[-1].differ:
            break
    yield from pairs


def _lockstep(
    scenario: Scenario, left: Kernel, right: Kernel, *, show: bool = False, audits: Audits | None = None
) -> Iterator[Pair]:
    """Run the scenario on both, a pair a step and one for the release; ends with the first pair that differs or hangs.

    A model answers before a real kernel does, and a step that hangs there is not tried on the real one unless the
    scenario says that it may hang. `show`: with pictures of the first difference. `audits`: with what does not hold
    after every step. Raises as `play`.
    """
    left.admit(scenario)
    right.admit(scenario)
    right_first = left.real and not right.real
    beginning = scenario.pool, scenario.cgroups, scenario.pools or ()
    with left.start(*beginning) as first, right.start(*beginning) as second:
        model = second if right_first else first
        chance = is_chance(scenario, left) or is_chance(scenario, right)
        allowed = Allowed(model) if chance and isinstance(model, ModelSession) else None
        show = show and not chance
        sides = _Side(first, audits and audits[0], show=show), _Side(second, audits and audits[1], show=show)
        for number, step in enumerate(scenario.steps, 1):
            early = allowed.step(number, step)[0] if allowed else apply_step(model, number, step)
            if early.outcome in NOT_FOR_REAL and (left.real or right.real) and not step.hangs:
                return
            late = apply_step(first if right_first else second, number, step)
            if allowed:
                early = allowed.settle(late) or late._replace(report=None)
            answers = (late, early) if right_first else (early, late)
            wrong = [side.after(step, answer) for side, answer in zip(sides, answers, strict=True)]
            pair = Pair(number, step, *answers, (), (), *wrong)
            if pair.differ:
                if Outcome.CRASH not in (early.outcome, late.outcome):
                    pictures = [side.pictures() for side in sides]
                    pair = pair._replace(left_pictures=pictures[0], right_pictures=pictures[1])
                yield pair
                return
            yield pair
            if early.outcome in ENDINGS:
                return
        answers = _released(allowed, first, second, right_first=right_first)
        wrong = [side.after(None, answer) for side, answer in zip(sides, answers, strict=True)]
        yield Pair(len(scenario.steps) + 1, None, *answers, (), (), *wrong)


def _released(allowed: Allowed | None, first: Session, second: Session, *, right_first: bool) -> tuple[Answer, Answer]:
    """What both answer when everything is let go of."""
    if allowed is None:
        return first.release(), second.release()
    allowed.release()
    real = (first if right_first else second).release()
    model = allowed.settle(real) or real._replace(report=None)
    return (real, model) if right_first else (model, real)


class _Side:
    """One kernel's half: what is looked at beside its answers."""

    def __init__(self, session: Session, audit: Seer | None, *, show: bool) -> None:
        self._session = session
        self._watch = Watch(session) if show else None
        self._insight = audit(session) if audit else None
        self._look = StepLook(session, self._insight, pictures=False, audited=True) if self._insight else None

    def after(self, step: Step | None, answer: Answer) -> Sequence[Violation]:
        """What does not hold after a step, or after everything; a memory that cannot be read any more is that, too."""
        if self._watch and step is not None:
            self._watch.note(step.operation)
        if self._look is None or self._insight is None or answer.outcome is Outcome.CRASH:
            return ()
        if step is None and answer.outcome is not Outcome.OK:  # a release that hangs has left things behind
            return ()
        try:
            if step is None:
                found: Sequence[Violation] = check_end(self._insight.machine())
            else:
                found = self._look.after(step.operation, answer.outcome).violations
        except HugeresvError as error:
            found = [Violation("LEDGER", "the ledger can be read", str(error))]
        self._session.spoiled = self._session.spoiled or bool(found)
        return found

    def pictures(self) -> Sequence[Picture]:
        """All mappings as they are, where they are to be shown."""
        return self._watch.look_around() if self._watch else ()


def up_to(divergence: Divergence, scenario: Scenario) -> Scenario:
    """The scenario up to the step at which the kernels differ. A call that did not return is marked: it may hang."""
    steps = list(scenario.steps[: divergence.number])
    if divergence.step is not None and Outcome.HANG in (divergence.left.outcome, divergence.right.outcome):
        steps[-1] = replace(steps[-1], hangs=True)
    return replace(scenario, steps=tuple(steps))


def left_over(answer: Answer) -> tuple[object, ...]:
    """What is compared of the release's answer."""
    return answer.outcome, answer.counters, answer.report


def first_difference(
    scenario: Scenario, left: Kernel, right: Kernel, audits: Audits | None = None, times: int = TIMES
) -> Divergence | None:
    """Where the kernels first differ, in their answers or to their audits; None if they never do."""
    return next((pair for pair in lockstep(scenario, left, right, audits=audits, times=times) if pair.differ), None)


def answers_alike(scenario: Scenario, kernel: Kernel, answers: Sequence[Answer], left: Answer) -> bool:
    """Whether a kernel answers every step, and the release, as another one did: half a `lockstep`."""
    with kernel.start(scenario.pool, scenario.cgroups, scenario.pools or ()) as session:
        for number, (step, answer) in enumerate(zip(scenario.steps, answers, strict=True), 1):
            if apply_step(session, number, step) != answer:
                return False
        return left_over(session.release()) == left_over(left)
