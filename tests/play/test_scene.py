"""What is not described again has not changed: a scene beside the description of the whole machine after every step."""

from contextlib import suppress
from itertools import combinations, pairwise, product

import pytest

from hugeresv.answer import Answer
from hugeresv.errors import InputError
from hugeresv.kernels.grammar import parse_behaviour
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.model.session import ModelSession
from hugeresv.model.presets import PRESETS
from hugeresv.outcome import ENDINGS
from hugeresv.play.change import flat, replaced
from hugeresv.play.insight import ModelInsight
from hugeresv.play.moment import Moment, seen_inside
from hugeresv.play.pages import PageRuns
from hugeresv.play.scene import Scene
from hugeresv.scenario.load import load
from hugeresv.scenario.scenario import Scenario
from hugeresv.search.fuzz.generate import Coverage, draw
from tests.play.changes import become
from tests.played import SCENARIOS


def whole(session: ModelSession, answer: Answer) -> Moment:
    """The whole machine."""
    moment = seen_inside(answer, ModelInsight(session), session.names)
    for proc, mappings in session.names.processes.items():
        for mapping in mappings:
            view = session.view(proc, mapping)
            if view is not None:
                moment["pages", proc, mapping] = flat(PageRuns(view.shared, view.runs))
    return moment


def follow(scenario: Scenario, kernel: str, place: str) -> None:
    """See that changes, step by step, come to what there is."""
    with ModelKernel(parse_behaviour(kernel)).start(scenario.pool, scenario.cgroups, scenario.pools or ()) as session:
        scene, values = Scene(session, ModelInsight(session)), Moment()
        for number, step in enumerate(scenario.steps, 1):
            answer = session.apply(step.operation, may_hang=True, fails=step.fails)
            become(values, scene.after(step.operation, answer))
            assert values == whole(session, answer), f"{place}, step {number}: {step.operation}"
            if answer.outcome in ENDINGS:
                return


@pytest.mark.parametrize("kernel", ["6.18", "2008"])
def test_nothing_is_missed_in_a_scenario(kernel: str) -> None:
    """Of every scenario. Catches: a step that changes more than what is looked at again."""
    for file in sorted(SCENARIOS.rglob("*.scn")):
        for scenario in load(file):
            with suppress(InputError):
                follow(scenario, kernel, str(file))


@pytest.mark.parametrize("nodes", [1, 2])
def test_nothing_is_missed_in_any_history(nodes: int) -> None:
    """Of histories drawn at random. Catches: relatives, files or promises that an operation changes unseen."""
    for seed in range(60):
        drawn = draw(f"scene:{seed}", 40, PRESETS["6.18"], Coverage(stateless=True), nodes=nodes)
        follow(drawn.scenario, "6.18", f"seed {seed}")


def test_edges_are_replaced_where_they_differ() -> None:
    """Every range of a line of six pages becomes every set. Catches: a range that is joined or cut wrongly."""
    for before, (first, end) in product(product((False, True), repeat=6), combinations(range(7), 2)):
        for inside in product((False, True), repeat=end - first):
            edges = edges_of([*before])
            at, removed, inserted = replaced(
                edges, first, end, [(first + n, first + n + 1) for n, i in enumerate(inside) if i]
            )
            edges[at : at + removed] = inserted
            assert edges == edges_of([*before[:first], *inside, *before[end:]])


def edges_of(line: list[bool]) -> list[int]:
    """Where it begins and ends to be true."""
    return [at for at, (last, now) in enumerate(pairwise([False, *line, False])) if last != now]
