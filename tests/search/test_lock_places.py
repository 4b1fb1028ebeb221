"""A lock taken away from one place in the model is told: by `run --locks`, by `interleave`, or by a race that is lost.

`.venv/bin/python -m tests.search.test_lock_places` prints which scenario tells of each, and how.
"""

import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from hugeresv.kernels.grammar import parse_behaviour
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.model.presets import IDEAL
from hugeresv.scenario.scenario import Scenario
from hugeresv.search.interleave.interleave import interleave
from hugeresv.search.interleave.locking import judge_locks
from tests.played import SCENARIOS, scenario_in
from tests.search.lock_places import NEIGHBOURS, Place, key_of, neighbours, places, rare, watched

Named = tuple[str, Scenario]
Judge = Callable[[Scenario, ModelKernel], set[str]]

OLD_RULES = {
    "H07-surplus-pages-taken-before-they-are-promised": "ideal,surplus-promised-late=on",
    "H46-surplus-pages-freed-after-their-promise": "ideal,surplus-freed-unlocked=on",
}
"""Races of the history, found because an old rule lets go of a lock."""

HARMLESS = {
    "fault.py: _write_protected: with _mutex_of(machine, vma, inode, index).dropped",
    "page_table.py: copy_entry: @takes(lock)",
}
"""Nothing can miss these. A mutex that is kept makes others wait longer; a child's page table is nobody else's yet."""


def by_locks(scenario: Scenario, kernel: ModelKernel) -> set[str]:
    """What `run --locks` says."""
    return {f"{fault.name}: {fault.message}" for fault in judge_locks(scenario, kernel)}


def by_orders(scenario: Scenario, kernel: ModelKernel) -> set[str]:
    """What `interleave` finds."""
    found = (each.finding for each in interleave(scenario, kernel, preemptions=2) if each.finding)
    return {violation.name for finding in found for violation in finding.violations}


def lost(scenario: Scenario, kernel: ModelKernel) -> set[str]:
    """Whether `interleave` finds nothing any more, or only that the answers of the old rule are missing."""
    return set() if by_orders(scenario, kernel) - {"EXPECTED"} else {"no longer found"}


def searches() -> Iterator[tuple[str, Judge, Sequence[Named]]]:
    """What is tried, the quickest first: kernel, how its verdict is had, and on which scenarios."""
    files = {path.stem: scenario_in(path) for path in sorted(SCENARIOS.rglob("*.scn"))}
    yield "ideal", by_locks, [*files.items(), ("rare operations", rare())]
    blocks = {name: neighbours(name) for name in NEIGHBOURS}
    races = {name: scenario for name, scenario in files.items() if name.startswith("H57")}
    yield "ideal", by_orders, [*blocks.items(), *races.items()]
    for kernel in ("6.12", "6.18", "ideal,truncation-passes-faults=on", "ideal,steal-walks-unlocked=on"):
        known = [each for each in files.items() if kernel in str(each[1].steps) or each[0][:3] in ("H15", "H48")]
        yield kernel, by_locks, known
    for name, kernel in OLD_RULES.items():
        yield kernel, lost, [(name, files[name])]


def who_tells() -> dict[Place, str]:
    """The first verdict on each place whose lock is taken away; places that nothing tells of are left out."""
    found: dict[Place, str] = {}
    missing = {key_of(place): place for place in places()}
    for name, judge, scenarios in searches():
        kernel = ModelKernel(parse_behaviour(name))
        for title, scenario in scenarios:
            with watched() as reached:
                before = judge(scenario, kernel)
            for key in missing.keys() & reached:
                if verdict := _verdict(missing[key], judge, scenario, kernel) - before:
                    found[missing.pop(key)] = f"{min(verdict)}, {title} on {name}"
    return found


def _verdict(place: Place, judge: Judge, scenario: Scenario, kernel: ModelKernel) -> set[str]:
    with watched(place):
        try:
            return judge(scenario, kernel)
        except (KeyError, ValueError) as error:  # the model itself does not survive
            return {type(error).__name__}


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_calls_that_meet_in_one_page_are_clean(name: str) -> None:
    """On ideal no order of two calls that meet in one page breaks an invariant, or ends in a bug of the model.

    Catches: an entry of a page table that is looked at in one step and changed in another, and a page that nobody frees
    because each thinks that the other still maps it.
    """
    (found,) = interleave(neighbours(name), ModelKernel(IDEAL))
    assert found.finding is None or [each.name for each in found.finding.violations] == ["SERIAL"]


def test_a_lock_taken_away_is_told() -> None:
    """Each place where the model takes a lock, or lets go of one, is missed by some scenario when it is taken away.

    Catches: a lock without a rule, and a rule that nothing uses.
    """
    found = who_tells()
    assert {str(place) for place in places() if place not in found} == HARMLESS


if __name__ == "__main__":
    begin = time.process_time()
    told = who_tells()
    for each in places():
        print(f"{each}\n    {told.get(each, 'nothing tells')}")  # noqa: T201  what it is for
    print(f"{time.process_time() - begin:.1f} s of CPU time")  # noqa: T201
