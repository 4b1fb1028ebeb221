"""A random scenario, drawn step by step while a model runs it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from hugeresv.answer import Answer
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.model.behaviour import Behaviour
from hugeresv.outcome import ENDINGS, NOT_FOR_REAL
from hugeresv.scenario.scenario import Cgroup, NodePages, Pool, Scenario, Step
from hugeresv.search.fuzz.block import THEMES_APART, DrawApart
from hugeresv.search.fuzz.draw import GIGANTIC_KB, Answering, Draw, draw_theme
from hugeresv.search.fuzz.states import reached


@dataclass(slots=True)
class Coverage:
    """How often each state, operation and outcome was reached, counted in steps; states unless `stateless`."""

    stateless: bool = False
    states: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)

    def add(self, other: Coverage) -> None:
        """Add another's counts to these."""
        self.states.update(other.states)
        self.operations.update(other.operations)
        self.outcomes.update(other.outcomes)


class Drawn(NamedTuple):
    """A scenario, and what the guide answered while it was drawn: step by step, then at the release."""

    scenario: Scenario
    answers: list[Answer]
    left: Answer


def draw(
    seed: str,
    steps: int,
    guide: Behaviour,
    coverage: Coverage,
    *,
    answering: Answering = Answering.GUEST,
    nodes: int = 1,
    together: bool = False,
) -> Drawn:
    """The scenario of that seed, of at most `steps` steps. Adds what it reached to `coverage`.

    `together`: it ends with concurrent calls, before which there are from 1 to `steps` steps. They are not made here.
    With several `nodes` the pools are told node by node. What succeeds under `guide` decides what can be drawn next. A
    step that hangs ends the scenario; for real kernels it is left out.
    """
    random = Random(seed)
    theme = random.choice(THEMES_APART) if together and nodes == 1 else draw_theme(random, nodes, answering)
    if nodes == 1:
        pool = Pool(2048, random.randint(6 if theme == "minimum" else 0, 10), random.choice([None, None, 1, 3]))
    else:
        on_nodes = tuple(NodePages(random.randint(0, 5)) for _ in range(nodes))
        pool = Pool(2048, nodes=on_nodes, nr_overcommit=random.choice([None, None, 1, 3]))
    pools = _gigantic(random, theme, nodes)
    cgroups = _cgroups(random) if theme in ("cgroup", "all", "cpusets", "everything") else None
    taken: list[Step] = []
    answers: list[Answer] = []
    with ModelKernel(guide).start(pool, cgroups, pools or ()) as session:
        drawing = (DrawApart if together else Draw)(random, theme, session.names, nodes=nodes, answering=answering)
        if together:
            steps = random.randint(1, steps)
        while len(taken) < steps:
            operation = drawing.operation()
            answer = session.apply(operation)
            if answer.outcome not in NOT_FOR_REAL or answering is Answering.MODELS:
                taken.append(Step(operation))
                answers.append(answer)
            if answer.outcome in ENDINGS:
                break
            if not coverage.stateless:
                coverage.states.update(reached(session.machine))
            coverage.operations[operation.op] += 1
            coverage.outcomes[answer.outcome] += 1
        if isinstance(drawing, DrawApart) and not session.over:
            taken.append(Step(block := drawing.block()))
            coverage.operations.update(step.operation.op for step in block.steps)
        left = session.release()
    scenario = Scenario(pool, tuple(taken), id=f"fuzz-{seed}".replace(":", "-"), cgroups=cgroups, pools=pools)
    return Drawn(scenario, answers, left)


def _gigantic(random: Random, theme: str, nodes: int) -> tuple[Pool, ...] | None:
    """The pool of 1 GiB pages of a theme that has one."""
    if theme == "gigantic":
        return (Pool(GIGANTIC_KB, random.randint(0, 2)),)
    return (Pool(GIGANTIC_KB, nodes=(NodePages(1),) * nodes),) if theme == "demotion" else None


def _cgroups(random: Random) -> dict[str, Cgroup]:
    """A parent and a child, and one beside them, with or without limits."""
    parents = {"g": None, "g1": "g", "h": None}
    return {name: Cgroup(_limit(random), _limit(random), parent) for name, parent in parents.items()}


def _limit(random: Random) -> int | None:
    return random.choice([None, None, 2, 4, 6])
