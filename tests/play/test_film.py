"""A film says at every moment what the kernel says, and stays small."""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from hugeresv.errors import UnsupportedError
from hugeresv.kernels.grammar import parse_behaviour
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.model.session import ModelSession
from hugeresv.outcome import ENDINGS
from hugeresv.play.change import STATES
from hugeresv.play.film import Film
from hugeresv.play.play import play
from hugeresv.scenario.load import load
from hugeresv.scenario.scenario import Scenario
from hugeresv.scenario.scn_format import parse_scn
from tests.play.changes import become
from tests.played import SCENARIOS

Values = dict[tuple[str, ...], Any]

FOLDERS = [SCENARIOS, *(path for path in sorted(SCENARIOS.rglob("*")) if path.is_dir())]


def filmed(scenario: Scenario, kernel: str) -> dict[str, Any]:
    """The film as a page has it."""
    model = ModelKernel(parse_behaviour(kernel))
    film = Film(scenario, model)
    for result in play(scenario, model, attend=film.attend):
        film.take(result)
    data: dict[str, Any] = json.loads(json.dumps(film.data()))
    return data


def moments(film: dict[str, Any]) -> Iterator[Values]:
    """Everything at each moment: what film.py says of changes, done plainly."""
    values: Values = {}
    for moment in film["moments"]:
        become(values, [(tuple(film["things"][number]), *change) for number, *change in moment["changes"]])
        yield dict(values)


def answered(scenario: Scenario, kernel: str) -> Iterator[tuple[Any, dict[tuple[str, str], list[Any]]]]:
    """What a session of its own answers to each step, and every page of every mapping then."""
    with ModelKernel(parse_behaviour(kernel)).start(scenario.pool, scenario.cgroups, scenario.pools or ()) as session:
        for step in scenario.steps:
            answer = session.apply(step.operation, may_hang=True, fails=step.fails)
            yield answer, _pages(session)
            if answer.outcome in ENDINGS:
                return


def _pages(session: ModelSession) -> dict[tuple[str, str], list[Any]]:
    names = [(proc, name) for proc, mappings in session.names.processes.items() for name in mappings]
    views = {name: session.view(*name) for name in names}
    return {name: list(chain.from_iterable(view.runs)) for name, view in views.items() if view is not None}


@pytest.mark.parametrize("kernel", ["ideal", "6.18"])
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_film_has_the_kernels_numbers_at_every_step(folder: Path, kernel: str) -> None:
    """Counters, cgroups, mounts and every page of every mapping. Catches: a change that is applied to the wrong one."""
    for file in [path for path in sorted(folder.iterdir()) if path.is_file()]:
        for scenario in load(file):
            try:
                agree(scenario, kernel, str(file))
            except UnsupportedError:
                continue


def agree(scenario: Scenario, kernel: str, place: str) -> None:
    """See that the film of a scenario has what a session of its own answers and shows."""
    steps = list(answered(scenario, kernel))
    film = filmed(scenario, kernel)
    start, *found = moments(film)
    assert start["pool",][:4] == [scenario.pool.pages, scenario.pool.pages, 0, 0]
    for number, (answer, pages) in enumerate(steps, 1):
        values, step = found[number - 1], f"{place}, step {number}"
        assert film["moments"][number]["outcome"] == str(answer.outcome), step
        assert values["pool",][:4] == [*answer.counters], step
        for name, usage in (answer.cgroups or {}).items():
            assert (values["cgroup", name, ""]["usage"], values["cgroup", name, ""]["rsvd"]) == usage, step
        for name, statfs in (answer.statfs or {}).items():
            assert values["mount", name].items() >= statfs._asdict().items(), step
        shown = {thing[1:]: _states(value) for thing, value in values.items() if thing[0] == "pages"}
        assert shown == pages, step
    assert len(found) == len(steps) + (steps[-1][0].outcome not in ENDINGS)


def test_a_long_list_is_changed_where_it_differs() -> None:
    """Pages touched here and there, and unmapped again. Catches: a change at the wrong place, or of too few items."""
    touched = " ".join(str(page * 37 % 101) for page in range(101))
    lines = [f"p touch {name} {touched}\np munmap {name} 3+2\np munmap {name} 40+30" for name in ("a", "s")]
    text = "\n".join(["pool 2M nr=300", "p mmap a 101 private", "p mmap s 101 shared", *lines])
    agree(parse_scn(text, "f.scn"), "ideal", "f.scn")


def _states(flat: list[int]) -> list[Any]:
    return [STATES[value] if at % 2 == 0 else value for at, value in enumerate(flat)]


def test_promises_are_beside_the_counter_that_does_not_count_them() -> None:
    """A fork and an exit on 6.18 take one off the counter. Catches: a page on which the ledger seems to add up."""
    scenario = parse_scn("pool 2M nr=1\np mmap a 1 private\np touch a 0\np fork q\np exit", "f.scn")
    film = filmed(scenario, "6.18")
    assert [values["pool",][2] for values in moments(film)][:5] == [0, 1, 0, 0, -1]
    assert [values.get(("promise", "p.a", "")) for values in moments(film)][:5] == [None, 1, None, None, None]
    assert any("I1" in film["texts"][number] for number in film["moments"][4]["wrong"])


def test_every_pool_has_its_own_promises() -> None:
    """Pages of 1 GiB beside such of 2 MiB. Catches: a sum over both, and a large page drawn as 512 small ones."""
    text = "pool 2M nr=8\npool 1G nr=3\np mmap a 4 private\np mmap g 2 shared page_size=1G\np touch g 1"
    *_, last, _ = moments(filmed(parse_scn(text, "f.scn"), "ideal"))
    promised = {thing[1:]: value for thing, value in last.items() if thing[0] == "promise"}
    assert promised == {("p.a", ""): 4, ("memory of p.g", "1G"): 1}
    assert last["other pool", "1G"] == [3, 2, 1, 0, 0]
    assert last["regions", "p", "g"] == [0, 2]
    assert (last["mapping", "p", "g"][0]["from"], last["mapping", "p", "g"][0]["to"]) == (0, 2)


def test_a_long_run_costs_little_more_than_its_steps() -> None:
    """A thousand pages touched one by one, scattered. Catches: a moment that says everything again."""
    pages = " ".join(str(page) for page in range(0, 2000, 2))
    film = filmed(parse_scn(f"pool 2M nr=2000\np mmap a 2000 private\np touch a {pages}", "f.scn"), "ideal")
    assert len(film["moments"]) == 1003
    assert len(json.dumps(film["moments"][1:], separators=(",", ":"))) < 150 * 1000
