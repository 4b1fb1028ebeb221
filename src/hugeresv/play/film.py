"""A run as moments, one after the other: each as what is different from the one before, so that a long run stays small.

`Film.data` is what a page draws; `inside` says whether the machine behind the answers was seen, promises included. It
is made of what JSON has: a thing is a number, its place in `things`; a moment's `changes` are

    [thing]                             it is gone
    [thing, value]                      it is there, or has another value
    [thing, at, removed, inserted]      of a list: from `at` on, so many items are replaced

and the first moment is the start, before any step. `pages` of a mapping are state, pages, state, pages, …
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from hugeresv.answer import Answer, Counters, NodeCounters, PoolAnswer
from hugeresv.errors import InputError
from hugeresv.kernels.model.session import ModelSession
from hugeresv.kernels.named_session import NamedSession
from hugeresv.kernels.protocol import Kernel, Session
from hugeresv.outcome import OK, Outcome
from hugeresv.play.change import Change, difference, flat
from hugeresv.play.insight import Insight
from hugeresv.play.moment import Moment, Thing, seen_from_outside, seen_inside
from hugeresv.play.play import WHY_IT_ENDS, Result, StepResult, play, violations_of
from hugeresv.play.scene import Scene
from hugeresv.play.watch import Watch
from hugeresv.scenario.operation import Operation
from hugeresv.scenario.scenario import Pool, Scenario


class Film:
    """Takes a moment a result. `attend` goes to `play`, and each result to `take` before the next is made."""

    def __init__(self, scenario: Scenario, kernel: Kernel) -> None:
        self._things: dict[Thing, int] = {}
        self._said: dict[str, int] = {}
        self._last: Moment = {}
        self._kernel = kernel
        self._causes: list[str] = []
        self._stopped: str | None = None
        self._log: str | None = None
        self._start = _start(scenario)
        self._moments: list[dict[str, Any]] = []
        self._insight: Insight | None = None

    def attend(self, session: Session, insight: Insight | None) -> None:
        """A session has begun: what follows is taken from it."""
        model = session if isinstance(session, ModelSession) else None
        assert isinstance(session, NamedSession)
        self._session: NamedSession = session
        self._insight = insight
        self._watch = Watch(session if insight is None else insight)
        self._scene = Scene(model, insight) if model and insight else None
        self._moments.append({"changes": self._changes(None, self._start)})

    def take(self, result: Result) -> None:
        """The moment right after a step, or after the end."""
        answer = result.answer
        operation = result.step.operation if isinstance(result, StepResult) else None
        if operation is None:
            self._watch = Watch(self._session)
        crashed = answer.outcome is Outcome.CRASH
        changes = [] if crashed else self._changes(operation, answer)
        moment: dict[str, Any] = {"outcome": str(answer.outcome), "changes": changes}
        if wrong := [self._text(str(each)) for each in chain(result.contradictions, violations_of(result))]:
            moment["wrong"] = wrong
        self._moments.append(moment)
        if answer.report is not None:
            self._log = answer.report.log
        if answer.outcome in WHY_IT_ENDS:
            self.stopped(WHY_IT_ENDS[answer.outcome])

    def stopped(self, why: str) -> None:
        """There is no further moment."""
        self._stopped = why

    def untrue(self, behaviour: str) -> None:
        """At the last moment something is violated that this behaviour of the model does not violate."""
        text = f"{behaviour} does not violate this invariant here: the ledger is not true."
        self._moments[-1].setdefault("wrong", []).append(self._text(text))

    def because(self, causes: Iterable[str]) -> None:
        """Where violations come from, as far as that is known."""
        self._causes.extend(causes)

    def data(self) -> dict[str, Any]:
        """What a page draws."""
        return {
            "kernel": self._kernel.name,
            "inside": self._insight is not None,
            "things": list(self._things),
            "texts": list(self._said),
            "moments": self._moments,
            "causes": self._causes,
            "stopped": self._stopped,
            "log": self._log,
        }

    def _text(self, text: str) -> int:
        return self._said.setdefault(text, len(self._said))

    def _changes(self, operation: Operation | None, answer: Answer) -> list[list[Any]]:
        """What is different from the moment before, which the present one takes the place of; None: start or end."""
        changes: Iterable[Change]
        if self._scene is None:
            changes = self._looked_at(operation, answer)
        else:
            changes = self._scene.everything(answer) if operation is None else self._scene.after(operation, answer)
        return [[self._number(thing), *change] for thing, *change in changes]

    def _looked_at(self, operation: Operation | None, answer: Answer) -> Iterator[Change]:
        """The same of a real kernel, where everything is looked at after every step."""
        if operation is not None:
            self._watch.note(operation)
        if self._insight is None:
            now = seen_from_outside(answer)
        else:
            now = seen_inside(answer, self._insight, self._session.names)
        for name, pages in self._watch.whole():
            now["pages", *name] = flat(pages)
            now.setdefault(("mapping", *name), [{"shared": pages.shared}])
        before, self._last = self._last, now
        yield from ((thing,) for thing in before if thing not in now)
        for thing, value in now.items():
            if before.get(thing) != value:
                yield thing, *difference(before.get(thing), value)

    def _number(self, thing: Thing) -> int:
        return self._things.setdefault(thing, len(self._things))


def filmed(scenario: Scenario, kernel: Kernel, *, steps: int | None = None) -> Film:
    """The film of a scenario, or of its first `steps`; it ends where a step cannot be carried out, and says why."""
    part = scenario if steps is None else replace(scenario, steps=scenario.steps[:steps])
    film = Film(scenario, kernel)
    try:
        for result in play(part, kernel, attend=film.attend):
            film.take(result)
    except InputError as error:
        film.stopped(str(error))
    return film


def _start(scenario: Scenario) -> Answer:
    """What there is before the first step."""
    first, *others = ((pool, _counted(pool)) for pool in (scenario.pool, *(scenario.pools or ())))
    pools = {pool.page_size_kB: counted for pool, counted in others}
    return Answer(OK, first[1].counters, nodes=first[1].nodes, pools=pools or None)


def _counted(pool: Pool) -> PoolAnswer:
    nodes = tuple(NodeCounters(node.nr, node.nr, 0) for node in pool.nodes or ())
    return PoolAnswer(Counters(pool.pages, pool.pages, 0, 0), nodes or None)
