"""One exploration from beginning to end: which engine, which kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hugeresv.errors import InputError
from hugeresv.kernels.grammar import parse_behaviour
from hugeresv.search.explore.bound import Bound
from hugeresv.search.explore.bounded_model import BoundedModel
from hugeresv.search.explore.plain import PlainSearch
from hugeresv.search.explore.result import Exploration, Progress, no_progress


class Search(Protocol):
    """An engine at work."""

    found: Exploration
    """What is known so far."""

    def run(self) -> Exploration:
        """Explore to the end of the bound or to the first finding."""
        ...


def search(kernels: Sequence[str], bound: Bound, progress: Progress = no_progress) -> Search:
    """An engine, ready to run, for one kernel or two side by side: behaviours of the model by name.

    Raises InputError for another number of kernels and for a bound that cannot be prepared, UnavailableError for a
    kernel that is not a model's.
    """
    if not 1 <= len(kernels) <= 2:
        raise InputError(f"{len(kernels)} kernels: one is explored, or two side by side")
    return PlainSearch([BoundedModel(parse_behaviour(kernel), bound) for kernel in kernels], progress)
