"""The fuzzer: scenarios by seed, what they reach, and how short a difference becomes."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import cast

import pytest

from hugeresv.errors import UnavailableError
from hugeresv.kernels.grammar import parse_kernel
from hugeresv.kernels.protocol import Kernel, Session
from hugeresv.model.presets import LINUX_6_18
from hugeresv.scenario.operation import OPERATIONS, Fork, Mmap, Touch
from hugeresv.scenario.scenario import Cgroup, Pool, Scenario, Step
from hugeresv.search.fuzz.campaign import Budget, Draws, Tally, fuzz, run_batch
from hugeresv.search.fuzz.draw import Answering
from hugeresv.search.fuzz.generate import Coverage, draw
from hugeresv.search.fuzz.shrink import shrink
from hugeresv.search.fuzz.states import STATES
from hugeresv.search.lockstep import first_difference


def ignore(tally: Tally, seconds: float) -> None:
    """No progress is shown."""


def test_a_seed_always_draws_the_same_scenario() -> None:
    """The same seed draws the same scenario.

    Catches: a drawing that depends on anything else, so that a finding cannot be drawn again.
    """
    assert draw("7:3", 40, LINUX_6_18, Coverage()) == draw("7:3", 40, LINUX_6_18, Coverage())


def test_a_campaign_reaches_every_state_and_draws_every_operation() -> None:
    """A state that no scenario reaches is not tested, however long the campaign.

    Catches: a state or an operation that the fuzzer has lost.
    """
    coverage = Coverage()
    for number in range(1000):
        draw(f"reach:{number}", 40, LINUX_6_18, coverage, answering=Answering.MODELS)
    assert {name for name in STATES if not coverage.states[name]} == set()
    nodes = Coverage()
    for number in range(150):
        draw(f"nodes:{number}", 40, LINUX_6_18, nodes, nodes=2)
    assert {name for name in OPERATIONS if not coverage.operations[name] + nodes.operations[name]} == set()
    of_nodes = {"set_mempolicy", "mbind", "set_cpu", "cpuset_set", "move_pages", "migrate_pages", "demote"}
    assert not of_nodes & set(coverage.operations)
    assert of_nodes < set(nodes.operations)


def test_kernels_that_agree_have_no_difference() -> None:
    """A kernel does not differ from itself. Catches: a comparison of something else than answers."""
    tally = fuzz("ideal", "ideal", Draws("0", 40), Budget(scenarios=100), ignore)
    assert tally.findings == []
    assert tally.scenarios == 100


def test_a_campaign_stops_where_it_is_told_to() -> None:
    """A campaign with a limit of steps makes no step more.

    Catches: a limit that is looked at between scenarios only.
    """
    assert fuzz("6.18", "6.18", Draws("0", 40), Budget(scenarios=1, steps=3), ignore).steps == 3


class Disturbed:
    """A host whose pool somebody else uses, but only while the scenario runs for the first time."""

    name, real, nodes, expectation_names = "host", False, 1, ()

    def __init__(self) -> None:
        self._starts = 0

    def admit(self, scenario: Scenario) -> None:
        pass

    def start(self, pool: Pool, cgroups: Mapping[str, Cgroup] | None = None, pools: Sequence[Pool] = ()) -> Session:
        self._starts += 1
        total = pool.pages + (self._starts == 1)
        return parse_kernel("6.18").start(replace(pool, nr_hugepages=total), cgroups, pools)

    def close(self) -> None:
        pass


def test_a_difference_that_does_not_come_again_is_none_of_kernels() -> None:
    """On the host somebody else may have used the pool. Catches: a finding that nobody can repeat."""
    with pytest.raises(UnavailableError, match="did not when it was run again: another program"):
        run_batch(parse_kernel("6.18"), cast(Kernel, Disturbed()), Draws("1", 10), 1)


def test_a_finding_can_be_drawn_again_by_its_number() -> None:
    """The number in a finding draws it again. Catches: a number that leads nowhere."""
    finding = fuzz("6.18", "ideal", Draws("3", 40), Budget(scenarios=200), ignore).findings[0]
    assert isinstance(finding.scenario.source, dict)
    number = int(str(finding.scenario.source["drawn"]).split(":")[1])
    assert fuzz("6.18", "ideal", Draws("3", 40, number), Budget(scenarios=1), ignore).findings == [finding]


def test_an_executor_finds_what_one_process_finds() -> None:
    """A campaign spread over workers finds what one process finds. Catches: one batch that is handed out to all."""
    budget = Budget(scenarios=200, findings=1000)
    alone = fuzz("6.18", "ideal", Draws("0", 30), budget, ignore)
    with ThreadPoolExecutor(2) as executor:
        spread = fuzz("6.18", "ideal", Draws("0", 30), budget, ignore, executor=executor, workers=2)
    found = [finding.scenario.id for finding in spread.findings]
    assert [finding.scenario.id for finding in alone.findings] == found


def test_shrinking_keeps_what_is_needed_and_nothing_else() -> None:
    """A scenario is shrunk to the steps that its difference needs. Catches: the fork left out, or noise left in."""
    noise = [Step(Touch("q", "n", "write", page)) for page in range(5)]
    scenario = Scenario(
        Pool(2048, 20, 3),
        (
            Step(Mmap("q", "n", "private", pages=5)),
            *noise,
            Step(Mmap("p", "m", "private", pages=3, populate=True)),
            Step(Fork("p", "c")),
            Step(Mmap("q", "o", "shared", pages=2)),
        ),
    )

    def shows(candidate: Scenario) -> bool:
        operations = [step.operation for step in candidate.steps]
        return any(isinstance(call, Fork) and call.proc == "p" for call in operations)

    assert shrink(scenario, shows) == replace(scenario, pool=Pool(2048, 0), steps=(Step(Fork("p", "c")),))


def test_a_shrunk_scenario_still_differs() -> None:
    """The finding that is written differs as it says. Catches: a scenario one step too short."""
    tally = fuzz("6.18", "ideal", Draws("1", 40), Budget(scenarios=500), ignore)
    finding = tally.findings[0]
    again = first_difference(finding.scenario, parse_kernel("6.18"), parse_kernel("ideal"))
    assert again == finding.divergence
