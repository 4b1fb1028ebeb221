"""What the playground asks of Python in the browser. Everything goes in and comes out as JSON.

Only what needs no third-party package is imported, and what a run does not need only when it is asked for.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

from hugeresv.errors import HugeresvError, InputError
from hugeresv.kernels.grammar import GUEST, HOST, parse_behaviour
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.play.film import filmed
from hugeresv.reports.html.films import described, films_data
from hugeresv.scenario.json_format import parse_json
from hugeresv.scenario.load import to_text
from hugeresv.scenario.scenario import Scenario, Together
from hugeresv.scenario.scn_format import parse_scn
from hugeresv.search.lockstep import first_difference

_PLACE = "scenario"
_LINE = re.compile(rf"^{_PLACE}:(\d+): ")
_FIT_COLUMNS = 76
MOST_STEPS = 20_000
"""More would keep a browser busy for too long."""
MOST_TRANSITIONS = 40_000
"""Of an exploration, for the same reason."""
MOST_PREEMPTIONS = 2
"""Of an order of concurrent calls, for the same reason."""


def answer(question: str) -> str:
    """The answer to what `do` names (`_ACTIONS`). What is wrong is an answer, too: `error`, and its `line`."""
    asked: dict[str, Any] = json.loads(question)
    do = _ACTIONS[asked.pop("do")]
    try:
        found = do(**asked)
    except HugeresvError as error:
        text = str(error)
        line = _LINE.match(text)
        found = {"error": _LINE.sub("", text), "line": int(line[1]) if line else None}
    return json.dumps(found)


def _run(text: str, kernel: str, other: str) -> dict[str, Any]:
    """A scenario on a kernel and, unless `other` is empty, on another one beside it."""
    scenario = _parsed(text)
    if len(scenario.steps) > MOST_STEPS:
        raise InputError(
            f"a scenario of {len(scenario.steps)} steps is too long for a browser: run it with hugeresv run"
        )
    if any(isinstance(step.operation, Together) for step in scenario.steps):
        _must_stop_calls()
    kernels = [_model(name.strip()) for name in (kernel, other) if name.strip()]
    part = None
    if len(kernels) > 1:
        part = _part(scenario, *kernels)
    films = [filmed(scenario, each) for each in kernels]
    names = " and ".join(each.name for each in kernels)
    run = described(scenario.id or "the scenario", scenario, films, names, part)
    return {"films": films_data([run])}


def _must_stop_calls() -> None:
    """Raise InputError where a call cannot be stopped in its middle."""
    try:
        import greenlet  # noqa: F401  a browser has its own (website/browser), or none
    except ImportError:
        raise InputError(
            "concurrent calls (together) need WebAssembly that can be suspended (JSPI), which this browser has not:"
            " use hugeresv run --html"
        ) from None


def _model(name: str) -> ModelKernel:
    if name == HOST or name.startswith(GUEST):
        raise InputError(f"{name}: a browser has the model's kernels and no real one")
    return ModelKernel(parse_behaviour(name))


def _part(scenario: Scenario, left: ModelKernel, right: ModelKernel) -> int | None:
    """The step at which they part; a step that only one of them can carry out ends the comparison."""
    try:
        found = first_difference(scenario, left, right)
    except InputError:
        return None
    return found.number if found else None


def _convert(text: str, to: str) -> dict[str, Any]:
    """The same scenario in the other spelling."""
    return {"text": to_text([_parsed(text)], to)}


def _parsed(text: str) -> Scenario:
    if text.lstrip().startswith("{"):
        return parse_json(text, _PLACE)
    return parse_scn(text, _PLACE)


def _fit(
    kernel: str, size: str, page: str, total: int, free: int, rsvd: int, surp: int, overcommit: int, what: str
) -> dict[str, Any]:
    """Whether mappings fit into a pool with these counters, and if not why, as `hugeresv fit` says it."""
    import io

    from hugeresv.fitting.forecast import forecast
    from hugeresv.fitting.situation import Request, Situation, What
    from hugeresv.ledger.observation import PoolUse
    from hugeresv.reports.fit import show_fit
    from hugeresv.reports.screen import Screen
    from hugeresv.units import parse_bytes, parse_size

    page_bytes = parse_bytes(page)
    pool = PoolUse(page_bytes >> 10, total, free, rsvd, surp, overcommit)
    if not 0 <= free <= total or surp > total:
        raise InputError("free and surplus pages are a part of all pages")
    sizes = [parse_size(each) for each in size.split()]
    if not sizes or any(each.number == 0 for each in sizes):
        raise InputError("give a size of at least a byte, such as 64G or 70p")
    request = Request(What(what), tuple(each.pages(page_bytes) for each in sizes))
    found = forecast(Situation(pool, request, parse_behaviour(kernel)))
    stream = io.StringIO()
    show_fit(Screen(stream, _FIT_COLUMNS, colour=False, unicode=True), found)
    return {"text": stream.getvalue(), "fits": found.fits}


def _interleave(text: str, kernel: str) -> dict[str, Any]:
    """Every order of concurrent calls, as the page of `hugeresv interleave --html` draws them."""
    _must_stop_calls()
    from hugeresv.reports.html.lanes import LanesPage
    from hugeresv.search.interleave.interleave import interleave

    scenario, model = _parsed(text), _model(kernel.strip())
    page = LanesPage(model.name)
    for found in interleave(scenario, model, preemptions=MOST_PREEMPTIONS):
        page.block(scenario.id or "the scenario", found)
    return {"page": page.text}


def _explore(
    kernel: str, other: str, pool: int, pages: int, shared: int, processes: int, overcommit: int, operations: str
) -> dict[str, Any]:
    """Every history within a small bound, as `hugeresv explore` tries them, and the scenario that it finds."""
    import io

    from hugeresv.plain import count_of
    from hugeresv.reports.explore import ExploreReport
    from hugeresv.reports.screen import Screen
    from hugeresv.search.explore.bound import USUAL, Bound
    from hugeresv.search.explore.bounded_model import BoundedModel
    from hugeresv.search.explore.plain import PlainSearch

    words = [each for word in operations.replace(",", " ").split() for each in (USUAL if word == "usual" else (word,))]
    bound = Bound(pool, pages, shared, processes, tuple(dict.fromkeys(words)), overcommit)
    kernels = [_model(name.strip()) for name in (kernel, other) if name.strip()]
    begin = time.process_time()
    found = PlainSearch([BoundedModel(each.behaviour, bound) for each in kernels]).run(MOST_TRANSITIONS)
    if not found.complete:
        tried = count_of(len(found.levels), "operation")
        text = (
            f"Nothing is wrong in histories of up to {tried}: {found.states:,} states. A browser explores no further;"
            " `hugeresv explore` does.\n"
        )
        return {"text": text, "scenario": None}
    stream = io.StringIO()
    screen = Screen(stream, _FIT_COLUMNS, colour=False, unicode=True)
    ExploreReport(screen).result(found, time.process_time() - begin)
    scenario = to_text([found.finding.scenario], ".scn") if found.finding else None
    return {"text": stream.getvalue(), "scenario": scenario}


_ACTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "run": _run,
    "convert": _convert,
    "fit": _fit,
    "explore": _explore,
    "interleave": _interleave,
}
