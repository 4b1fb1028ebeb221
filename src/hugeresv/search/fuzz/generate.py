"""A random scenario, drawn step by step while a model runs it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.model.behaviour import Behaviour
from hugeresv.outcome import ENDINGS, NOT_FOR_REAL
from hugeresv.scenario.scenario import Cgroup, NodePages, Pool, Scenario, Step
from hugeresv.search.fuzz.draw import GIGANTIC, NODE_THEMES, THEMES, Draw
from hugeresv.search.fuzz.states import reached


@dataclass(slots=True)
class Coverage:
    """How often each state, operation and outcome was reached, counted in steps."""

    states: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)

    def add(self, other: Coverage) -> None:
        """Add another's counts to these."""
        self.states += other.states
        self.operations += other.operations
        self.outcomes += other.outcomes


def generate(
    seed: str, steps: int, guide: Behaviour, coverage: Coverage, *, may_hang: bool = False, nodes: int = 1
) -> Scenario:
    """The scenario of that seed, of at most `steps` steps. Adds what it reached to `coverage`.

    With several `nodes` the pools are told node by node. What succeeds under `guide` decides what can be drawn next. A
    step that hangs ends the scenario; unless it `may_hang`, it is left out.
    """
    random = Random(seed)
    theme = random.choice(list(THEMES if nodes == 1 else NODE_THEMES))
    if nodes == 1:
        pool = Pool(2048, random.randint(6 if theme == "minimum" else 0, 10), random.choice([None, None, 1, 3]))
    else:
        on_nodes = tuple(NodePages(random.randint(0, 5)) for _ in range(nodes))
        pool = Pool(2048, nodes=on_nodes, nr_overcommit=random.choice([None, None, 1, 3]))
    pools = (GIGANTIC,) if theme == "demotion" else None
    cgroups = _cgroups(random) if theme in ("cgroup", "all", "cpusets", "everything") else None
    taken: list[Step] = []
    with ModelKernel(guide).start(pool, cgroups, pools or ()) as session:
        draw = Draw(random, theme, session.names, nodes=nodes)
        while len(taken) < steps:
            operation = draw.operation()
            outcome = session.apply(operation).outcome
            if outcome not in NOT_FOR_REAL or may_hang:
                taken.append(Step(operation))
            if outcome in ENDINGS:
                break
            coverage.states += reached(session.machine)
            coverage.operations[operation.op] += 1
            coverage.outcomes[outcome] += 1
    return Scenario(pool, tuple(taken), id=f"fuzz-{seed}".replace(":", "-"), cgroups=cgroups, pools=pools)


def _cgroups(random: Random) -> dict[str, Cgroup]:
    """A parent and a child, and one beside them, with or without limits."""
    parents = {"g": None, "g1": "g", "h": None}
    return {name: Cgroup(_limit(random), _limit(random), parent) for name, parent in parents.items()}


def _limit(random: Random) -> int | None:
    return random.choice([None, None, 2, 4, 6])
