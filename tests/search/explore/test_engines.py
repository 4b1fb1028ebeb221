"""The engines agree: on bounds, operations and kernels that are drawn."""

import os
from random import Random
from typing import Any

import pytest

pytest.importorskip("numpy", reason="tables need numpy")

from hugeresv.errors import InputError, UnsupportedError
from hugeresv.model.presets import PRESETS
from hugeresv.search.explore.bound import OFFERS, Bound
from hugeresv.search.explore.bounded_model import BoundedModel
from hugeresv.search.explore.plain import PlainSearch
from hugeresv.search.explore.result import Exploration
from hugeresv.search.explore.table import TableSearch, loop_class

_MOST = 800
"""Transitions of a bound that is compared."""


def _drawn(random: Random) -> Bound | None:
    words = [word for word in OFFERS if word not in ("mmap", "touch")]
    operations = ("mmap", "touch", *random.sample(words, random.randrange(2, 8)))
    limits: dict[str, Any] = {
        "size": random.choice((None, None, 1, 2)),
        "min_size": random.choice((None, None, None, 1)),
        "cgroup_max": random.choice((None, None, 1, 2)),
        "cgroup_rsvd_max": random.choice((None, None, 1, 2)),
    }
    sizes = random.randrange(1, 4), random.randrange(3), random.randrange(2), random.randrange(1, 3)
    try:
        return Bound(*sizes, operations, random.choice((0, 0, 1)), **limits)
    except InputError:
        return None


def _compared(kernel: str, bound: Bound, *, compiled: bool) -> bool:
    """Whether both engines could explore the bound, and fail where they differ."""
    behaviour = PRESETS[kernel]
    try:
        search = PlainSearch([BoundedModel(behaviour, bound)])
        plain = search.run(_MOST)
        if not plain.complete:
            return False
        table = TableSearch(behaviour, bound, symmetric=False, compiled=compiled).run()
    except InputError:
        return False
    except UnsupportedError as error:
        if "has no table" in str(error):
            pytest.fail(f"{error}: {kernel}, {bound}")
        return False
    assert _told(plain) == _told(table), (kernel, bound)
    if plain.finding is None and not bound.has_mount and not behaviour.steal_at_owner_address:
        assert (plain.levels, plain.reached) == (table.levels, table.reached), (kernel, bound)
    return True


def _told(found: Exploration) -> int | None:
    """The length of a finding."""
    return None if found.finding is None else found.finding.operations


@pytest.mark.parametrize("seed", range(4, 4 + int(os.environ.get("HUGERESV_FUZZ", "1"))))
def test_engines_agree_on_what_is_drawn(seed: int) -> None:
    """The table and the plain engine find as long a history, or the same states, transitions and interesting states.

    Catches: an operation, a limit or an old kernel's rule that the table gets wrong together with another one.
    """
    random = Random(seed)
    compared = 0
    while compared < 8:
        bound = _drawn(random)
        kernel = random.choice([*PRESETS])
        compiled = random.random() < 0.5 and loop_class(None).name == "compiled"
        compared += bound is not None and _compared(kernel, bound, compiled=compiled)
