"""`run` as a page: every scenario as a film that one steps through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hugeresv.kernels.protocol import Kernel
from hugeresv.play.film import Film
from hugeresv.play.play import Attendant, Result
from hugeresv.reports.html.films import described
from hugeresv.reports.html.page import films_page
from hugeresv.reports.run import causes_in_words, total_in_words
from hugeresv.reports.screen import Screen
from hugeresv.reports.spelling import spell_name
from hugeresv.scenario.scenario import Scenario
from hugeresv.search.known import Cause


class RunPage:
    """Gathers runs on one kernel; `text` is the page."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._runs: list[dict[str, Any]] = []
        self._contradicted: list[str] = []
        self._untrue: list[str] = []
        self._unfinished: list[str] = []
        self._film: Film | None = None

    def film(self, scenario: Scenario) -> Attendant:
        """What `play` takes to have a scenario filmed."""
        self._film = Film(scenario, self._kernel)
        return self._film.attend

    def scenario(self, file: str, identifier: str, scenario: Scenario) -> None:
        """The results that follow are this scenario's."""
        assert self._film is not None
        self._names = spell_name(file, identifier)
        self._runs.append(described(self._names, scenario, [self._film], self._kernel.name))

    def result(self, result: Result) -> None:
        """A step or the ending."""
        assert self._film is not None
        self._film.take(result)
        name = self._runs[-1]["name"]
        if result.contradictions and name not in self._contradicted[-1:]:
            self._contradicted.append(name)

    def unfinished(self, file: str, identifier: str) -> None:
        """The scenario, begun or not, could not be played to its end."""
        name = spell_name(file, identifier)
        self._unfinished.append(name)
        if self._film is not None and self._runs and self._runs[-1]["name"] == name:
            self._film.stopped("The scenario could not be played any further.")

    def untrue(self, behaviour: str) -> None:
        """The ledger of the kernel is not true at a step at which that of the behaviour is."""
        assert self._film is not None
        self._untrue.append(self._runs[-1]["name"])
        self._film.untrue(behaviour)

    def causes(self, verdicts: Sequence[Cause]) -> None:
        """Which defect each violated invariant comes from, if one alone does it."""
        assert self._film is not None
        self._film.because(causes_in_words(verdicts))

    def total(self) -> None:
        """Nothing is written before `text` is asked for."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing could be run."""
        return not self._runs

    @property
    def text(self) -> str:
        """The whole page."""
        only = self._runs[0] if len(self._runs) == 1 else None
        title = (only["title"] or only["name"]) if only else f"Runs on {self._kernel.name}"
        return films_page(title, self._runs)

    def sum_up(self, screen: Screen) -> None:
        """Say how all of them went, as `run` does without a page."""
        text, is_wrong = total_in_words(len(self._runs), self._contradicted, self._untrue, self._unfinished)
        screen.paragraph(text, "  ", first="", fg="red" if is_wrong else "green")
