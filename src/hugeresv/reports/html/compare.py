"""`compare` as a page: both kernels side by side, opened where they part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hugeresv.kernels.protocol import Kernel
from hugeresv.plain import count_of
from hugeresv.play.film import Film
from hugeresv.reports.html.films import described
from hugeresv.reports.html.page import films_page
from hugeresv.reports.screen import Screen
from hugeresv.scenario.scenario import Scenario


class ComparePage:
    """Gathers comparisons of two kernels; `text` is the page."""

    def __init__(self, left: Kernel, right: Kernel) -> None:
        self._kernels = f"{left.name} and {right.name}"
        self._runs: list[dict[str, Any]] = []

    def add(self, name: str, scenario: Scenario, films: Sequence[Film], part: int | None) -> None:
        """Both films of a scenario, and the step at which they part; None: they do not, as far as they go."""
        self._runs.append(described(name, scenario, films, self._kernels, part))

    @property
    def is_empty(self) -> bool:
        """Whether nothing could be compared."""
        return not self._runs

    @property
    def text(self) -> str:
        """The whole page."""
        title = self._runs[0]["name"] if len(self._runs) == 1 else "Scenarios"
        return films_page(f"{title} on {self._kernels}", self._runs)

    def sum_up(self, screen: Screen) -> None:
        """Say how many of them part."""
        parted = [run["name"] for run in self._runs if run["part"] is not None]
        count = count_of(len(self._runs), "scenario")
        found = f"{len(parted)} with a difference: {', '.join(parted)}" if parted else "no difference"
        screen.paragraph(f"{count}, {found}")
