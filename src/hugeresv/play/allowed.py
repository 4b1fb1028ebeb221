"""What a behaviour allows a real kernel to answer where calls are made at once: every order is followed."""

from __future__ import annotations

from collections.abc import Sequence

from hugeresv.answer import Answer
from hugeresv.kernels.model.session import ModelSession
from hugeresv.play.play import apply_step
from hugeresv.scenario.expectation import Contradiction
from hugeresv.scenario.scenario import Step, Together


class Allowed:
    """The sessions of a model that have answered as the kernel has, up to now: several after calls at once."""

    def __init__(self, session: ModelSession) -> None:
        self._sessions = [session]
        self._branches: list[tuple[Answer, ModelSession]] = []
        self._at_once = ""
        self._lost = False
        """Whether the kernel has left what is allowed: what a model answers from there on says nothing of it."""

    def step(self, number: int, step: Step) -> list[Answer]:
        """What is allowed for a step, each answer once. `settle` or `judge` comes next."""
        if self._lost:
            return []
        block = step.operation
        self._branches = []
        for session in self._sessions:
            if isinstance(block, Together):
                self._branches += session.every_ending(block)
            else:
                self._branches.append((apply_step(session, number, step), session))
        return self._answers(f"step {number}" if isinstance(block, Together) else "")

    def release(self) -> list[Answer]:
        """What is allowed when everything is let go of."""
        if self._lost:
            return []
        self._branches = [(session.release(), session) for session in self._sessions]
        return self._answers("")

    def _answers(self, at_once: str) -> list[Answer]:
        self._at_once = at_once or self._at_once
        found: list[Answer] = []
        for answer, _ in self._branches:
            if answer not in found:
                found.append(answer)
        return found

    def settle(self, real: Answer) -> Answer | None:
        """Go on with the sessions that answer as the kernel did: None, or the nearest answer where there is none.

        Then all go on.
        """
        answers = [answer for answer, _ in self._branches]
        told = real._replace(report=None)
        fitting = [session for answer, session in self._branches if answer == told]
        self._sessions = fitting or [session for _, session in self._branches]
        return None if fitting else nearest(answers, told)

    def judge(self, real: Answer) -> Sequence[Contradiction]:
        """Settle; what there is to say the first time that no order of the calls at once so far answers so."""
        if self._lost:
            return ()
        allowed = len(set(map(_spelled, (answer for answer, _ in self._branches))))
        nearest = self.settle(real)
        if nearest is None:
            return ()
        self._lost = True
        orders = f"the nearest of {allowed} that an order of the calls at {self._at_once} gives"
        if not self._at_once:
            orders = "as the model of this kernel"
        return [Contradiction("the answer", f"{_spelled(nearest)}, {orders}", _spelled(real))]


def nearest(answers: Sequence[Answer], answer: Answer) -> Answer:
    """The one that differs from `answer` in the fewest things."""
    return min(answers, key=lambda other: _distance(other, answer))


def _distance(one: Answer, other: Answer) -> int:
    """In how many things two answers differ."""
    outcomes = {**(one.outcomes or {}), **(other.outcomes or {})}
    return (
        sum((one.outcomes or {}).get(task) != (other.outcomes or {}).get(task) for task in outcomes)
        + sum(here != there for here, there in zip(one.counters, other.counters, strict=True))
        + sum(here != there for here, there in zip(one[2:6], other[2:6], strict=True))
        + (one.outcome != other.outcome)
    )


def _spelled(answer: Answer) -> str:
    """An answer and the pool's counters in a few words."""
    said = ", ".join(f"{task} {outcome}" for task, outcome in (answer.outcomes or {}).items()) or str(answer.outcome)
    counters = " ".join(f"{name}={value}" for name, value in answer.counters._asdict().items())
    cgroups = "".join(f" {name} {usage.usage}/{usage.rsvd}" for name, usage in (answer.cgroups or {}).items())
    mounts = "".join(f" {name} {each.bfree} of {each.blocks}" for name, each in (answer.statfs or {}).items())
    return f"{said}; {counters}{cgroups}{mounts}"
