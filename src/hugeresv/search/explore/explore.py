"""One exploration from beginning to end: which engine, which kernels. Also in a browser, with the plain engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from hugeresv.errors import InputError, UnavailableError, UnsupportedError
from hugeresv.kernels.grammar import GUEST, HOST, parse_behaviour
from hugeresv.model.behaviour import Behaviour
from hugeresv.plain import count_of
from hugeresv.search.explore.bound import Bound
from hugeresv.search.explore.bounded_model import BoundedModel
from hugeresv.search.explore.plain import PlainSearch
from hugeresv.search.explore.result import Exploration, Progress, no_progress
from hugeresv.shell import installs

if TYPE_CHECKING:
    from concurrent.futures import Executor


class EngineRun(Protocol):
    """An engine at work."""

    @property
    def found(self) -> Exploration:
        """What is known so far."""
        ...

    def run(self) -> Exploration:
        """Explore to the end of the bound or to the first finding."""
        ...


ENGINES = ("auto", "plain", "table")

_SMALL = 3_000
"""Transitions that the plain engine makes sooner than numba is imported."""

Tell = Callable[[str], None]
"""Called with a sentence that the user should know at once."""


def _untold(_sentence: str) -> None:
    """Tell no one."""


def search(
    kernels: Sequence[str],
    bound: Bound,
    progress: Progress = no_progress,
    tell: Tell = _untold,
    *,
    engine: str = "auto",
    symmetric: bool = True,
    executor: Executor | None = None,
) -> EngineRun:
    """An engine, ready to run, for one kernel or two side by side: behaviours of the model by name.

    `engine` is one of ENGINES: auto is the table where numpy is installed and the bound has one, and the plain engine
    where it turns out to have none, and for bounds that it has explored in no time. `symmetric`: the table counts
    states once that differ by which process is which. `executor`: where the table learns many rows. `tell`: called with
    the reason where auto is the plain engine though the bound is large.

    Raises InputError for another number of kernels, for one that is no behaviour of the model and for a bound that
    cannot be prepared, UnavailableError for a table without numpy, UnsupportedError for a bound that has no table.
    """
    if engine not in ENGINES:
        raise InputError(f"unknown engine {engine!r}; there is: {', '.join(ENGINES)}")
    if not 1 <= len(kernels) <= 2:
        raise InputError(f"{len(kernels)} kernels: one is explored, or two side by side")
    behaviours = [_explorable(kernel) for kernel in kernels]
    table = partial(_table, behaviours, bound, progress, symmetric, executor)
    if engine == "table":
        return table()
    plain = PlainSearch([BoundedModel(behaviour, bound) for behaviour in behaviours], progress)
    return plain if engine == "plain" or len(kernels) > 1 else _Auto(plain, table, tell)


class _Auto:
    """The table, except for what is done before numpy and numba are imported, and for what has no place in a table."""

    def __init__(self, plain: PlainSearch, table: Callable[[], EngineRun], tell: Tell) -> None:
        self._plain, self._make_table, self._tell = plain, table, tell
        self._table: EngineRun | None = None

    @property
    def found(self) -> Exploration:
        """What is known so far, from the engine that went further."""
        plain = self._plain.found
        if self._table is None or plain.complete:
            return plain
        table = self._table.found
        return table if table.complete or len(table.levels) >= len(plain.levels) else plain

    def run(self) -> Exploration:
        """Explore to the end of the bound or to the first finding."""
        if self._plain.run(_SMALL).complete:
            return self._plain.found
        try:
            self._table = self._make_table()
            return self._table.run()
        except (UnsupportedError, UnavailableError) as error:
            reason = str(error).partition("; use --engine")[0]
        if self._table is None:
            self._tell(f"the plain engine explores this bound: {reason}")
        else:
            longest = count_of(len(self._table.found.levels), "operation")
            self._tell(f"the table ends after histories of {longest}: {reason}; the plain engine does it again")
        return self._plain.run()


def _explorable(kernel: str) -> Behaviour:
    if kernel == HOST or kernel.startswith(GUEST):
        raise InputError(
            f"{kernel} is a real kernel, and only the model can be explored: name one of its behaviours, such as 6.18,"
            f" and run what is found with `hugeresv run --on {kernel} FILE`"
        )
    return parse_behaviour(kernel)


def _table(
    behaviours: Sequence[Behaviour], bound: Bound, progress: Progress, symmetric: bool, executor: Executor | None
) -> EngineRun:
    if len(behaviours) > 1:
        raise UnsupportedError("two kernels have no table; use --engine plain")
    try:
        from hugeresv.search.explore.table import TableSearch
    except ImportError as error:
        raise UnavailableError(f"tables need numpy: {installs('numpy')}") from error
    return TableSearch(behaviours[0], bound, progress, symmetric=symmetric, executor=executor)
