"""Concurrent calls: every order, one order, and that what the search leaves out is not missing."""

from io import StringIO

import pytest

from hugeresv.calls.call import Call
from hugeresv.calls.resolve import resolve
from hugeresv.kernels.grammar import parse_kernel
from hugeresv.kernels.model import calls
from hugeresv.kernels.model.at_once import block_of
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.model.machine import Machine
from hugeresv.outcome import Outcome
from hugeresv.reports.interleave import InterleaveReport
from hugeresv.reports.screen import Screen
from hugeresv.scenario.scenario import Scenario, Together
from hugeresv.scenario.scn_format import parse_scn
from hugeresv.search.interleave.failures import fail_each
from hugeresv.search.interleave.interleave import OrderEnding, Orders, interleave
from hugeresv.search.interleave.story import explanation, turns
from hugeresv.together.orders import Interleavings
from tests.played import SCENARIOS, on, scenario_in

FAULT_AND_MMAP = """
pool 2M nr=4
  memfd f
a mmap x 1 shared file=f noreserve
together
a touch x 0
b mmap y 1 shared file=f
apart
"""
FAULT_AND_TRUNCATION = FAULT_AND_MMAP.replace(" noreserve", "").replace("b mmap y 1 shared file=f", "b ftruncate f 0")
THREE = FAULT_AND_MMAP.replace("apart", "c ftruncate f 0\napart")
TOO_FEW_PAGES = "pool 2M nr=0 overcommit=2\ntogether\na mmap x 2 private\nb mmap y 2 private\napart\n"
RACES = {
    "H07": "surplus-promised-late", "H15": "steal-walks-unlocked", "H33": "races-counted-twice",
    "H46": "surplus-freed-unlocked", "H48": "truncation-passes-faults", "H53": "private-fault-mutex",
    "H86": "rsvd-uncharged-unlocked", "H102": "rsvd-of-second-cgroup",
}  # fmt: skip
"""The races of the history that an invariant or an answer shows, and the old rule of each."""


def kernel(name: str) -> ModelKernel:
    found = parse_kernel(name)
    assert isinstance(found, ModelKernel)
    return found


def race(entry: str) -> Scenario:
    (path,) = (SCENARIOS / "history").glob(f"{entry}-*")
    return scenario_in(path)


def endings(scenario: Scenario, name: str, **how: bool | int | None) -> set[OrderEnding]:
    """How all orders of the one block end, whatever is wrong with them."""
    found = set()
    with kernel(name).start(scenario.pool, scenario.cgroups) as session:
        for step in scenario.steps:
            if isinstance(step.operation, Together):
                calls = [resolve(each.operation, session.names) for each in step.operation.steps]
                block = block_of(step.operation, session.machine, calls)
                orders: Interleavings = block.orders(**how)  # type: ignore[arg-type]
                for run in orders:
                    h = run.machine.hstate
                    counters = h.nr_huge_pages, h.free_huge_pages, h.resv_huge_pages, h.surplus_huge_pages
                    found.add(OrderEnding(tuple(block.outcomes(run).values()), counters))
                return found
            session.apply(step.operation)
    raise AssertionError("no block")


@pytest.mark.parametrize("name", ["ideal", "ideal,races-counted-twice=on,truncation-passes-faults=on"])
@pytest.mark.parametrize("text", [FAULT_AND_MMAP, FAULT_AND_TRUNCATION, TOO_FEW_PAGES])
def test_what_reduction_leaves_out_ends_in_no_other_way(text: str, name: str) -> None:
    """The reduced search and the one of every order end in the same ways.

    Catches: a step that is taken for independent of another, such as locks told apart by what differs between runs.
    """
    scenario = parse_scn(text, "at-once.scn")
    assert endings(scenario, name) == endings(scenario, name, every=True)


def test_reduction_is_worth_it() -> None:
    """Of a fault and mmap at most one order in forty is run. Catches: a reduction that reduces nothing."""
    scenario = parse_scn(FAULT_AND_MMAP, "at-once.scn")
    with kernel("ideal").start(scenario.pool) as session:
        for step in scenario.steps[:-1]:
            session.apply(step.operation)
        together = scenario.steps[-1].operation
        assert isinstance(together, Together)
        block = block_of(together, session.machine, [resolve(each.operation, session.names) for each in together.steps])
        assert 40 * sum(1 for _ in block.orders()) <= sum(1 for _ in block.orders(every=True))


@pytest.mark.parametrize("entry", RACES)
def test_a_race_of_the_history_is_found(entry: str) -> None:
    """With its old rule a race is found with at most two preemptions, and the order that is told shows it again.

    Catches: a lock that is held where the old kernel held none, and a switch that does not say the order it stands for.
    """
    name = f"ideal,{RACES[entry]}=on"
    (found,) = interleave(race(entry), kernel(name))
    assert found.finding is not None
    assert found.finding.run.preemptions <= 2
    told = Together(_block(race(entry)).steps, found.finding.switch)
    replayed = endings_of(told, race(entry), name)
    assert replayed == found.finding.ending


@pytest.mark.parametrize("entry", [*RACES, "H57", "H75"])
def test_the_mended_rule_has_no_such_order(entry: str) -> None:
    """On ideal all orders were run, and none is wrong. Catches: a gap that ideal leaves between two locks."""
    (found,) = interleave(race(entry), kernel("ideal"))
    assert (found.finding, found.preemptions) == (None, None)


def test_three_calls_at_once_are_clean() -> None:
    """A fault, mmap and a truncation of one file, in any order. Catches: a gap that only a third task falls into."""
    (found,) = interleave(parse_scn(THREE, "three.scn"), kernel("ideal"))
    assert found.finding is None


def test_an_answer_that_no_serial_order_gives_is_a_finding() -> None:
    """Two mappings that need both surplus pages can be refused both; one after the other one of them gets its pages.

    Catches: outcomes that are compared with those of orders that are not serial.
    """
    (found,) = interleave(parse_scn(TOO_FEW_PAGES, "few.scn"), kernel("ideal"))
    assert _names(found) == ["SERIAL"]


def test_a_lock_order_that_is_turned_round_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """fallocate takes i_rwsem and then a fault mutex. A truncation that takes them the other way round waits for it.

    The finding is drawn to its end, and says who waits for whom. Catches: calls that never return and pass for done,
    and a picture that ends before a process waits.
    """

    def inverted(machine: Machine, _task: None, call: Call) -> Outcome:
        inode = machine.files[call.words[0].name]
        with inode.fault_mutex, inode.i_rwsem:
            return Outcome.OK

    scenario = parse_scn(
        "pool 2M nr=4\nmemfd f\ntogether\na fallocate f 0+1 alloc\nb ftruncate f 0\napart", "inverted.scn"
    )
    assert interleave(scenario, kernel("ideal"))[0].finding is None
    monkeypatch.setitem(calls._CALLS, "ftruncate", inverted)
    (found,) = interleave(scenario, kernel("ideal"))
    assert _names(found) == ["DEADLOCK"]
    assert found.finding is not None
    assert found.finding.run.preemptions == 1
    shown = turns(found)
    assert [(found.tasks[turn.task], turn.lock) for turn in shown if turn.waits] == [
        ("a", "hugetlb_fault_mutex"), ("ftruncate", "i_rwsem"),
    ]  # fmt: skip
    assert explanation(found, shown) == (
        "a waits for hugetlb_fault_mutex, which ftruncate holds; ftruncate waits for i_rwsem, which a holds."
    )
    report = StringIO()
    InterleaveReport(Screen(report, 80, colour=False, unicode=False), every=False).block("f", "ideal", found, 0)
    assert report.getvalue().index("waits for hugetlb_fault_mutex") < report.getvalue().index("waits for i_rwsem")


def test_what_is_expected_holds_in_every_order() -> None:
    """A block whose orders differ contradicts an expectation that only a serial order fulfils.

    Catches: a run that looks at one order.
    """
    text = FAULT_AND_MMAP.replace("apart", "apart -> rsvd=0")
    assert on(parse_scn(text, "one.scn"), "ideal").contradictions == []
    wrong = on(parse_scn(text, "one.scn"), "ideal,races-counted-twice=on").contradictions
    assert [str(each) for each in wrong] == ["3: rsvd is 1, expected 0"]


def _names(found: Orders) -> list[str]:
    assert found.finding is not None
    return [violation.name for violation in found.finding.violations]


def _block(scenario: Scenario) -> Together:
    return next(step.operation for step in scenario.steps if isinstance(step.operation, Together))


def endings_of(together: Together, scenario: Scenario, name: str) -> OrderEnding:
    """How a scenario's block ends in the order that `together` says."""
    with kernel(name).start(scenario.pool, scenario.cgroups) as session:
        for step in scenario.steps:
            if isinstance(step.operation, Together):
                answer = session.apply(together)
                assert answer.outcomes is not None
                return OrderEnding(tuple(answer.outcomes.values()), answer.counters)
            session.apply(step.operation)
    raise AssertionError("no block")


FAILURES = {
    "H25": "error-restore=never", "H51": "restore-puts-subpool=on", "H59": "mmap-without-region=on",
    "H62": "hole-loses-promise=on", "H65": "error-restore=promise-only", "H87": "restore-without-region=on",
    "H107": "failed-mount-keeps-minimum=on",
}  # fmt: skip
"""The failed allocations of the history, and the old rule of each."""


@pytest.mark.parametrize("entry", FAILURES)
def test_a_failed_allocation_of_the_history_is_found(entry: str) -> None:
    """With its old rule one of the allocations breaks an invariant when it fails; on ideal none does.

    Catches: an allocation that nobody asks for, and a way back that is not exact.
    """
    scenario = race(entry)
    assert any(each.violations for each in fail_each(scenario, kernel(f"ideal,{FAILURES[entry]}")))
    assert [each for each in fail_each(scenario, kernel("ideal")) if each.violations] == []
