"""The engines agree: every two words of a bound together, on every kernel."""

import os
from collections.abc import Iterator
from itertools import combinations
from random import Random
from typing import Any

import pytest

pytest.importorskip("numpy", reason="tables need numpy")

from hugeresv.errors import InputError, UnsupportedError
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.presets import PRESETS
from hugeresv.search.explore import learn, plain, witness
from hugeresv.search.explore.bound import OFFERS, Bound
from hugeresv.search.explore.bounded_model import BoundedModel
from hugeresv.search.explore.plain import PlainSearch
from hugeresv.search.explore.table import TableSearch, loop_class

_MOST = 1_000
"""Transitions of a bound that is compared."""
_WORDS = [word for word in OFFERS if word not in ("mmap", "touch", "overcommit")]
_LIMITS: dict[str, dict[str, Any]] = {
    "--size": {"size": 1},
    "--min-size": {"min_size": 1},
    "--cgroup-max": {"cgroup_max": 1},
    "--cgroup-rsvd-max": {"cgroup_rsvd_max": 2},
    "--overcommit": {"overcommit": 1},
}
_OF_FILES = {"remove", "punch", "allocate", "truncate"}


def _all_pairs(random: Random) -> Iterator[list[str]]:
    """Lists of words and limits, until every two of them were in one list."""
    words = [*_WORDS, *_LIMITS]
    missing = {frozenset(pair) for pair in combinations(words, 2)}
    while missing:
        chosen: list[str] = [*random.choice(sorted(map(sorted, missing)))]
        while len(chosen) < 5:
            random.shuffle(words)
            left = [word for word in words if word not in chosen]
            chosen.append(max(left, key=lambda word: sum(frozenset((word, each)) in missing for each in chosen)))
        missing -= {frozenset(pair) for pair in combinations(chosen, 2)}
        yield chosen


def _bounds(words: list[str]) -> Iterator[Bound]:
    """Bounds with these words and limits, for two processes at first."""
    limits = {name: value for word in words if word in _LIMITS for name, value in _LIMITS[word].items()}
    operations = ("mmap", "touch", *(word for word in words if word in _WORDS))
    if "cgroup_move" in operations and not limits.keys() & {"cgroup_max", "cgroup_rsvd_max"}:
        limits["cgroup_max"] = 1
    smaller = (1, 0, 1, 2) if _OF_FILES.intersection(words) else (1, 1, 0, 2)
    for pool, pages, shared, processes in ((2, 1, 1, 2), smaller, (2, 1, 1, 1)):
        yield Bound(pool, pages, shared, processes, operations, **limits)


def _compared(behaviour: Behaviour, words: list[str], *, compiled: bool) -> bool:
    """Whether both engines can explore the first bound that is small enough, and fail where they differ."""
    for bound in _bounds(words):
        try:
            search = PlainSearch([BoundedModel(behaviour, bound)])
            if not search.run(_MOST).complete:
                continue
            table = TableSearch(behaviour, bound, symmetric=False, compiled=compiled).run()
        except InputError:
            return False
        except UnsupportedError as error:
            if "has no table" in str(error):
                pytest.fail(f"{error}: {behaviour.name}, {bound}")
            return False
        found = search.found
        assert found.depth == table.depth, (behaviour.name, bound)
        # Interesting states ask for NORESERVE, by which most kernels' machines do not differ.
        assert found.reached == table.reached or "noreserve" in words, (behaviour.name, bound)
        # The two exceptions of docs/explore.md, where the engines count different states.
        excepted = bound.has_mount or behaviour.steal_at_owner_address
        assert found.levels == table.levels or excepted, (behaviour.name, bound)
        return True
    return False


@pytest.mark.parametrize("seed", range(4, 4 + int(os.environ.get("HUGERESV_FUZZ", "1"))))
def test_engines_agree_on_every_two_words(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """The table and the plain engine go through the same states, transitions and interesting states.

    Every two operations and limits are together in some bound, and no bound ends at what its kernel breaks: no
    invariant is asked. Catches: an operation, a limit or an old kernel's rule that the table gets wrong together with
    another one.
    """
    for module in (plain, learn):
        monkeypatch.setattr(module, "check", lambda _machine: [])
        monkeypatch.setattr(module, "check_step", lambda *_: [])
    monkeypatch.setattr(witness, "CHECKED_OF", 1 << 62)
    random = Random(seed)
    kernels = [*PRESETS.values()]
    random.shuffle(kernels)
    compared = 0
    for number, words in enumerate(_all_pairs(random)):
        compiled = number % 2 == 0 and loop_class(None).name == "compiled"
        compared += _compared(kernels[number % len(kernels)], words, compiled=compiled)
    assert compared > len(kernels)
