"""What a page with films is given: every run with its steps, and what its films have. In a browser, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hugeresv.play.change import STATES
from hugeresv.play.film import Film
from hugeresv.reports.drawing import MEANINGS
from hugeresv.reports.run import pool_in_words
from hugeresv.reports.spelling import spell
from hugeresv.scenario.scenario import Scenario
from hugeresv.units import format_bytes


def films_data(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Runs as JSON has them, and what the numbers of states stand for."""
    states = [{"name": state.value, "words": MEANINGS[state]} for state in STATES]
    return {
        "states": states,
        "runs": [{**run, "films": [film.data() for film in run["films"]]} for run in runs],
    }


def described(
    name: str, scenario: Scenario, films: Sequence[Film], kernels: str, part: int | None = None
) -> dict[str, Any]:
    """A run as a page takes it; `part` is the step at which its films part."""
    return {
        "name": name,
        "title": scenario.title,
        "about": f"{name} on {kernels}: {pool_in_words(scenario)}",
        "page": format_bytes(scenario.pool.page_bytes),
        "steps": [[spell(step.operation), step.note] for step in scenario.steps],
        "part": part,
        "films": films,
    }
