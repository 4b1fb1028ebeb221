"""One exploration from beginning to end: which engine, which kernels. Also in a browser, with the plain engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from hugeresv.errors import InputError, UnavailableError, UnsupportedError
from hugeresv.kernels.grammar import parse_behaviour
from hugeresv.model.behaviour import Behaviour
from hugeresv.search.explore.bound import Bound
from hugeresv.search.explore.bounded_model import BoundedModel
from hugeresv.search.explore.plain import PlainSearch
from hugeresv.search.explore.result import Exploration, Progress, no_progress

if TYPE_CHECKING:
    from concurrent.futures import Executor


class EngineRun(Protocol):
    """An engine at work."""

    found: Exploration
    """What is known so far."""

    def run(self) -> Exploration:
        """Explore to the end of the bound or to the first finding."""
        ...


ENGINES = ("auto", "plain", "table")


def search(
    kernels: Sequence[str],
    bound: Bound,
    progress: Progress = no_progress,
    *,
    engine: str = "auto",
    symmetric: bool = True,
    executor: Executor | None = None,
) -> EngineRun:
    """An engine, ready to run, for one kernel or two side by side: behaviours of the model by name.

    `engine` is one of ENGINES: auto is the table where numpy is installed and the bound has one. `symmetric`: the table
    counts states once that differ by which process is which. `executor`: where the table learns many rows.

    Raises InputError for another number of kernels and for a bound that cannot be prepared, UnavailableError for a
    kernel that is not a model's, and for a table without numpy, UnsupportedError for a bound that has no table.
    """
    if engine not in ENGINES:
        raise InputError(f"unknown engine {engine!r}; there is: {', '.join(ENGINES)}")
    if not 1 <= len(kernels) <= 2:
        raise InputError(f"{len(kernels)} kernels: one is explored, or two side by side")
    behaviours = [parse_behaviour(kernel) for kernel in kernels]
    if engine != "plain":
        try:
            return _table(behaviours, bound, progress, symmetric, executor)
        except (UnsupportedError, UnavailableError):
            if engine == "table":
                raise
    return PlainSearch([BoundedModel(behaviour, bound) for behaviour in behaviours], progress)


def _table(
    behaviours: Sequence[Behaviour], bound: Bound, progress: Progress, symmetric: bool, executor: Executor | None
) -> EngineRun:
    if len(behaviours) > 1:
        raise UnsupportedError("two kernels have no table; use --engine plain")
    try:
        from hugeresv.search.explore.table import TableSearch
    except ImportError as error:
        raise UnavailableError("tables need numpy: pip install 'hugeresv[explore]'") from error
    return TableSearch(behaviours[0], bound, progress, symmetric=symmetric, executor=executor)
