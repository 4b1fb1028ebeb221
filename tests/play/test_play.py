"""What a run says of each step: the answer, what it contradicts, and what there is to see."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from hugeresv.errors import ScenarioError
from hugeresv.kernels.grammar import parse_kernel
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.model.session import ModelSession
from hugeresv.kernels.protocol import PageState
from hugeresv.model.presets import IDEAL
from hugeresv.outcome import Outcome
from hugeresv.play.pages import PageRun
from hugeresv.play.play import Ending, StepResult, play
from hugeresv.play.watch import Picture
from hugeresv.scenario.scenario import Cgroup, Expectation, Pool, Scenario
from hugeresv.scenario.scn_format import parse_scn

PRESENT, RESERVED, UNRESERVED, HOLE = PageState.PRESENT, PageState.RESERVED, PageState.UNRESERVED, PageState.HOLE


def scenario(text: str, pool: str = "pool 2M nr=10") -> Scenario:
    return parse_scn(f"{pool}\n{text}", "test.scn")


def seen(text: str, kernel: str = "ideal") -> list[Sequence[Picture]]:
    """The pictures of each step."""
    results = play(scenario(text), parse_kernel(kernel), show=True)
    return [result.seen.pictures for result in results if isinstance(result, StepResult) and result.seen]


SPLIT = """
db mmap a 10 private -> rsvd=10
db touch a 0         -> rsvd=9 | count-in-vma: rsvd=8
db munmap a 5        -> rsvd=8
"""


def test_each_kernel_is_held_to_what_is_expected_of_it() -> None:
    """What `expect_on` gives for a kernel is expected of that kernel alone.

    Catches: an override that is used for every kernel, or for none.
    """
    found = {
        name: [[str(each) for each in result.contradictions] for result in play(scenario(SPLIT), parse_kernel(name))]
        for name in ("2008", "count-in-vma")
    }
    assert found["2008"] == [[], [], [], []]
    assert found["count-in-vma"] == [
        [],
        ["rsvd is 9, expected 8"],
        ["rsvd is 0, expected 8"],
        ["rsvd when everything is gone is -18, expected 0"],
    ]


def test_what_is_left_at_the_end_may_be_expected() -> None:
    """A leak that the scenario expects of a kernel is no contradiction there.

    Catches: a leak that is told as an error though the scenario says that this kernel has it, or only this kernel.
    """
    text = "leaks count-in-vma: rsvd=-18\ndb mmap a 10 private\ndb touch a 0\ndb munmap a 5"
    for name in ("2008", "count-in-vma"):
        *_, ending = play(scenario(text), parse_kernel(name))
        assert isinstance(ending, Ending)
        assert ending.contradictions == []


HANGS = """
db mmap a 1 private
db touch a 0
db fork kid
cache mmap b 1 private
db mremap a 0 new=1 move_to=c
db touch c 0 hangs
db exit
"""


def test_a_step_that_hangs_is_the_last() -> None:
    """A step that hangs is the last result, and there is no ending.

    Catches: a kernel that is asked again though it does not answer, or an end that is made up.
    """
    *_, last = play(scenario(HANGS, "pool 2M nr=2"), parse_kernel("6.18"))
    assert isinstance(last, StepResult)
    assert (last.number, last.answer.outcome) == (6, Outcome.HANG)


def test_an_error_names_the_step() -> None:
    """An error of a scenario names its step. Catches: a scenario of a thousand steps with 'no mapping a'."""
    with pytest.raises(ScenarioError, match=r"step 2: .*'a'"):
        list(play(scenario("db mmap b 1 private\ndb touch a 0"), ModelKernel(IDEAL)))


def test_nothing_is_looked_at_unless_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pictures no mapping is looked at. Catches: `--json` at a tenth of the model's speed."""
    monkeypatch.setattr(ModelSession, "view", None)
    results = list(play(scenario(SPLIT), ModelKernel(IDEAL)))
    assert [result.seen for result in results if isinstance(result, StepResult)] == [None] * 3


class _Session(ModelSession):
    is_closed = False

    def close(self) -> None:
        self.is_closed = True


class _Kernel:
    """A kernel that shows its last session."""

    name = "test"
    expectation_names = ("test",)
    real = False
    behaviour = IDEAL
    nodes = 1
    session: _Session

    def admit(self, scenario: Scenario) -> None:
        """It takes everything."""

    def start(self, pool: Pool, cgroups: Mapping[str, Cgroup] | None = None, pools: Sequence[Pool] = ()) -> _Session:
        self.session = _Session(IDEAL, pool, cgroups)
        return self.session

    def close(self) -> None:
        """It has nothing to give back."""


def test_a_session_is_closed_wherever_a_run_ends() -> None:
    """The session is closed also when a run is abandoned.

    Catches: processes and mounts of an abandoned run that stay on a real kernel.
    """
    kernel = _Kernel()
    results = play(scenario(SPLIT), kernel)
    next(results)
    assert not kernel.session.is_closed
    results.close()  # type: ignore[attr-defined]
    assert kernel.session.is_closed


def test_a_picture_marks_the_pages_that_changed() -> None:
    """A picture marks the pages that the step has changed, and no others.

    Catches: a mark on all of the mapping, or on none of it.
    """
    *_, (last,) = seen("db mmap a 6 private\ndb touch a 0\ndb munmap a 3+2")
    assert last == Picture(
        "db",
        "a",
        False,
        (PageRun(PRESENT, 1, False), PageRun(RESERVED, 2, False), PageRun(HOLE, 2, True), PageRun(RESERVED, 1, False)),
    )


def test_a_fork_shows_what_the_child_has() -> None:
    """A fork shows the child's mapping, whose untouched pages are not reserved.

    Catches: the parent's picture instead: its promises are what the child does not have.
    """
    *_, (last,) = seen("db mmap a 2 private\ndb touch a 0\ndb fork kid")
    assert last == Picture("kid", "a", False, (PageRun(PRESENT, 1, False), PageRun(UNRESERVED, 1, False)))


def test_a_page_that_is_taken_from_another_process_is_shown() -> None:
    """A page taken from another process is shown in that process's mapping too.

    Catches: a steal that nobody sees: the step names the parent's mapping alone.
    """
    text = "db mmap a 10 private\ndb touch a 0\ndb fork kid\ndb touch a 0"
    *_, last = seen(text)
    assert [(picture.proc, picture.runs[0]) for picture in last] == [
        ("db", PageRun(PRESENT, 1, False)),
        ("kid", PageRun(UNRESERVED, 1, True)),
    ]


def test_what_is_shared_is_shown_once() -> None:
    """A file that two processes map is shown once, where the step names it.

    Catches: two lines for every touch of a file that two processes map.
    """
    text = "memfd f\none mmap a 2 shared file=f\ntwo mmap b 2 shared file=f\ntwo touch b 0"
    *_, last = seen(text)
    assert [picture.proc for picture in last] == ["two"]


def test_an_operation_on_a_file_shows_the_mappings_that_it_changed() -> None:
    """An operation on a file shows the mappings in which pages changed.

    Catches: a truncation that is drawn as if nothing had happened.
    """
    text = "memfd f\ndb mmap a 4 shared file=f\ndb mmap b 2 private\ndb touch a 3\ndb ftruncate f 2"
    *_, last = seen(text)
    assert [(picture.map, [run.changed for run in picture.runs]) for picture in last] == [("a", [False, True])]


def test_violations_are_of_the_model_and_of_the_step() -> None:
    """Violations are found after the step that makes them, and at the end.

    Catches: an invariant that is checked before the operation, or not at the end.
    """
    results = list(play(scenario(SPLIT), parse_kernel("count-in-vma"), show=True))
    found = [result if isinstance(result, Ending) else result.seen for result in results]
    names = [{each.name for each in result.violations} for result in found if result]
    assert names[:2] == [set(), set()]
    assert "I1" in names[2]
    assert "I11" in names[3]


@pytest.mark.parametrize(
    ("kernel", "operation", "told"),
    [
        ("count-in-vma", "munmap a 0", "private mapping p.a pages [1,6)"),
        ("6.18", "mremap a 4+2 new=2 move_to=d maymove", "private mapping p.d pages [0,2)"),
    ],
)
def test_a_violation_names_mappings_as_the_scenario_does(kernel: str, operation: str, told: str) -> None:
    """A violation names a mapping and its pages as the scenario does.

    Catches: addresses that the scenario's author never chose; pages counted from where a moved mapping once was.
    """
    *_, last, _ = play(scenario(f"p mmap a 6 private\np {operation}"), parse_kernel(kernel), show=True)
    assert isinstance(last, StepResult)
    assert last.seen is not None
    assert told in last.seen.violations[0].message


def test_a_step_may_expect_something_of_one_kernel_only() -> None:
    """An expectation of a kernel counts without one of all. Catches: those of kernels that are never looked at."""
    (step,) = scenario("db touch a 0").steps
    (mmap,) = scenario("db mmap a 10 private").steps
    of_one = Scenario(Pool(2048, 10), (mmap, replace(step, expect_on={"2008": Expectation(rsvd=7)})))
    for name, found in (("2008", ["rsvd is 9, expected 7"]), ("6.18", [])):
        _, touch, _ = play(of_one, parse_kernel(name))
        assert [str(each) for each in touch.contradictions] == found


def test_a_call_that_hangs_is_a_violation() -> None:
    """Every call returns. Catches: a kernel that hangs and is said to violate nothing."""
    *before, last = play(scenario(HANGS, "pool 2M nr=2"), parse_kernel("6.18"), show=True)
    assert isinstance(last, StepResult)
    assert last.seen is not None
    assert [violation.name for violation in last.seen.violations][:1] == ["HANG"]
    assert not any("HANG" in str(each.seen) for each in before if isinstance(each, StepResult))
