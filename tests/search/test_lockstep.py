"""Two kernels in lockstep: where they part, and what is known of that moment."""

from collections.abc import Mapping, Sequence
from typing import Self

import pytest

from hugeresv.answer import Answer, Counters, KernelReport
from hugeresv.errors import ScenarioError
from hugeresv.kernels.grammar import parse_kernel
from hugeresv.kernels.protocol import MappingView, Session
from hugeresv.model.presets import LINUX_6_18
from hugeresv.outcome import Outcome
from hugeresv.scenario.expectation import contradictions
from hugeresv.scenario.operation import Operation
from hugeresv.scenario.scenario import Cgroup, Expectation, Pool, Scenario
from hugeresv.scenario.scn_format import parse_scn
from hugeresv.search.lockstep import Pair, first_difference, lockstep
from tests.played import SCENARIOS, scenario_in

SPLIT = scenario_in(SCENARIOS / "split-middle.scn")
BEFORE, WITH = parse_kernel("count-in-vma"), parse_kernel("2008")


def test_it_stops_where_they_first_differ() -> None:
    """The last pair is the first that differs, in any counter.

    Catches: a comparison that goes on, or that looks at less than all counters.
    """
    pairs = list(lockstep(SPLIT, BEFORE, WITH))
    assert [pair.differ for pair in pairs] == [False, False, False, False, True]
    last = pairs[-1]
    assert last.number == 5
    assert (last.left.counters, last.right.counters) == (Counters(10, 7, 0, 0), Counters(10, 7, 6, 0))


def test_kernels_that_agree_are_compared_to_the_end() -> None:
    """Kernels that agree are compared at every step and at the release.

    Catches: a release that is left out: the last pair is that, and has no step.
    """
    pairs = list(lockstep(SPLIT, WITH, parse_kernel("6.18")))
    assert len(pairs) == len(SPLIT.steps) + 1
    assert pairs[-1].step is None
    assert first_difference(SPLIT, WITH, parse_kernel("6.18")) is None


def test_a_leak_is_a_difference() -> None:
    """Kernels that answer every step alike differ where they leave something else behind.

    Catches: the release left out of the comparison.
    """
    scenario = parse_scn("pool 2M nr=10\ndb mmap a 10 private\ndb mprotect a 4+2 r", "test.scn")
    found = first_difference(scenario, BEFORE, WITH)
    assert found is not None
    assert (found.number, found.step) == (3, None)
    assert (found.left.counters.rsvd, found.right.counters.rsvd) == (-20, 0)


def test_what_a_kernel_says_while_a_call_hangs_is_no_difference() -> None:
    """Both hang: whether one also prints a stall depends on how long it is waited for, and on whether its kernel spins.

    Catches: a stock kernel without preemption that is accused of a hang that it is known for.
    """
    hangs = Answer(Outcome.HANG, Counters(1, 1, 0, 0))
    says = hangs._replace(report=KernelReport("rcu: INFO: rcu_sched detected stalls", "rcu: INFO: rcu_sched ..."))
    step = SPLIT.steps[0]
    assert not Pair(1, step, hangs, says).differ
    assert not Pair(1, None, hangs, says).differ
    assert Pair(1, step, hangs._replace(outcome=Outcome.OK), says._replace(outcome=Outcome.OK)).differ
    assert contradictions(Expectation(Outcome.HANG), says) == []
    assert contradictions(Expectation(), says) != []


def test_a_difference_is_shown_with_every_mapping() -> None:
    """A difference comes with pictures of every mapping, named or not by the step.

    Catches: a difference in somebody else's mapping, which the step does not name, that cannot be seen.
    """
    text = "pool 2M nr=9\ndb mmap a 2 private\ndb touch a 0\ndb fork kid\ndb mmap b 1 private\ndb exit"
    *_, found = lockstep(parse_scn(text, "test.scn"), parse_kernel("6.18"), parse_kernel("ideal"), show=True)
    assert found.differ
    assert [(each.proc, each.map) for each in found.left_pictures] == [("kid", "a")]
    assert [(each.proc, each.map) for each in found.right_pictures] == [("kid", "a")]


def test_an_error_names_the_step() -> None:
    """An error of a scenario names its step. Catches: a scenario of a thousand steps with 'no mapping a'."""
    scenario = parse_scn("pool 2M nr=9\ndb mmap b 1 private\ndb touch a 0", "test.scn")
    with pytest.raises(ScenarioError, match=r"step 2: .*'a'"):
        list(lockstep(scenario, BEFORE, WITH))


HANGS = """pool 2M nr=2
db mmap a 1 private
db touch a 0
db fork kid
cache mmap b 1 private
db mremap a 0 new=1 move_to=c
db touch c 0
db exit
"""


class _Real:
    """A real kernel as lockstep sees it: not the model. It answers everything, and keeps what it was asked."""

    name = "real"
    expectation_names = ("real",)
    real = True
    also = ()
    behaviour = LINUX_6_18
    nodes = 1

    def __init__(self) -> None:
        self.asked: list[Operation] = []
        self.may_hang: list[bool] = []

    def admit(self, scenario: Scenario) -> None:
        """It takes everything."""

    def start(self, pool: Pool, cgroups: Mapping[str, Cgroup] | None = None, pools: Sequence[Pool] = ()) -> Session:
        return self

    spoiled = False

    def apply(self, operation: Operation, *, may_hang: bool = False, fails: int | None = None) -> Answer:
        self.asked.append(operation)
        self.may_hang.append(may_hang)
        model = Counters(2, 2, 0, 0)
        told = [Counters(2, 2, 1, 0), Counters(2, 1, 0, 0), Counters(2, 1, 0, 0), *[Counters(2, 1, 1, 0)] * 3]
        return Answer(Outcome.OK, [*told, model][len(self.asked) - 1])

    def view(self, proc: str, mapping: str) -> MappingView | None:
        return None

    def release(self) -> Answer:
        return Answer(Outcome.OK, Counters(2, 2, 0, 0))

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def test_a_call_that_the_model_says_hangs_is_not_tried_on_a_real_kernel() -> None:
    """A call that hangs on the model ends the comparison before a real kernel is asked.

    Catches: a stuck process in a real kernel, because of a fuzzer.
    """
    real = _Real()
    pairs = list(lockstep(parse_scn(HANGS, "test.scn"), parse_kernel("6.18"), real))
    assert [pair.differ for pair in pairs] == [False] * 5
    assert len(real.asked) == 5


def test_a_call_that_may_hang_is_tried_and_watched() -> None:
    """A call that the scenario says hangs is tried on a real kernel, with a watch.

    Catches: a scenario about a hang that no kernel is ever put to.
    """
    real = _Real()
    scenario: Scenario = parse_scn(HANGS.replace("touch c 0", "touch c 0 hangs"), "test.scn")
    *_, last = lockstep(scenario, parse_kernel("6.18"), real)
    assert (last.number, last.left.outcome, last.right.outcome) == (6, Outcome.HANG, Outcome.OK)
    assert real.may_hang == [False] * 5 + [True]


def test_models_may_hang_as_they_like() -> None:
    """Between two models a hang of one is a difference.

    Catches: a bug of hanging that two behaviours do not share, and that is not found.
    """
    found = first_difference(parse_scn(HANGS, "test.scn"), parse_kernel("6.18"), parse_kernel("ideal"))
    assert found is not None
    assert found.number == 6


def test_columns_stay_where_they_were_asked_for() -> None:
    """The left kernel's answer is on the left, also where the right one, a model, answers first.

    Catches: answers of the two kernels exchanged.
    """
    scenario: Scenario = parse_scn(HANGS.replace("touch c 0", "touch c 0 hangs"), "test.scn")
    *_, last = lockstep(scenario, _Real(), parse_kernel("6.18"))
    assert (last.left.outcome, last.right.outcome) == (Outcome.OK, Outcome.HANG)
