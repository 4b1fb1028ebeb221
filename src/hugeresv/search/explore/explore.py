"""One exploration from beginning to end: which engine, which kernels."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Protocol

from hugeresv.errors import InputError, UnavailableError, UnsupportedError
from hugeresv.kernels.grammar import parse_behaviour
from hugeresv.kernels.syscalls import die_with
from hugeresv.model.behaviour import Behaviour
from hugeresv.search.explore.bound import Bound
from hugeresv.search.explore.bounded_model import BoundedModel
from hugeresv.search.explore.plain import PlainSearch
from hugeresv.search.explore.result import Exploration, Progress, no_progress


class EngineRun(Protocol):
    """An engine at work."""

    found: Exploration
    """What is known so far."""

    def run(self) -> Exploration:
        """Explore to the end of the bound or to the first finding."""
        ...


_SCHEDULER_SECONDS = 10

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


@contextmanager
def learners(jobs: int, scheduler: str | None = None) -> Iterator[Executor | None]:
    """Where rows are learned: `jobs` processes here, or a Dask cluster by its scheduler's address; None: this process.

    Raises UnavailableError where Dask is not installed, or the scheduler does not answer.
    """
    if scheduler is None and jobs == 1:
        yield None
        return
    if scheduler is None:
        with ProcessPoolExecutor(jobs, initializer=die_with, initargs=(os.getpid(),)) as here:
            yield here
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise UnavailableError("a cluster needs Dask: pip install 'hugeresv[explore-cluster]'") from error
    try:
        client = Client(scheduler, timeout=_SCHEDULER_SECONDS)
    except (OSError, ValueError) as error:
        raise UnavailableError(f"{scheduler}: no Dask scheduler answers there: {error}") from error
    with client:
        yield client.get_executor()
