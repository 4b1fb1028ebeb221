"""The names under which a scenario says what single kernels answer, held against the kernels that there are."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain

from hugeresv.errors import HugeresvError
from hugeresv.kernels.grammar import GUEST, HOST, parse_behaviour
from hugeresv.scenario.scenario import Scenario


def unknown_names(scenario: Scenario, names: Sequence[str]) -> list[str]:
    """What `expect_on` and `leaks_rsvd` name and no kernel is known by, nor the one known by `names`; each once."""
    return [name for name in dict.fromkeys(_named(scenario)) if name not in names and not _is_known(name)]


def _named(scenario: Scenario) -> Iterator[str]:
    leaks = scenario.leaks_rsvd if isinstance(scenario.leaks_rsvd, Mapping) else {}
    return chain(leaks, *(step.expect_on for step in scenario.steps if step.expect_on))


@lru_cache
def _is_known(name: str) -> bool:
    """Whether a kernel is looked up by that name: for a behaviour with switches only their canonical spelling is."""
    if name == HOST or name.startswith(GUEST):
        return True
    try:
        return parse_behaviour(name).name == name
    except HugeresvError:
        return False
