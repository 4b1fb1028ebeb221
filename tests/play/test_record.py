"""Recording: afterwards the scenario expects what happened, of each kernel that it was recorded on."""

from dataclasses import replace

import pytest

from hugeresv.kernels.grammar import parse_kernel
from hugeresv.play.play import play
from hugeresv.play.record import recorded
from hugeresv.scenario.scenario import Scenario
from hugeresv.scenario.scn_format import format_scn, parse_scn
from tests.played import SCENARIOS, scenario_in

KERNELS = ("ideal", "6.18", "6.1", "7.3", "count-in-vma")
FILES = {str(path.relative_to(SCENARIOS)): path for path in sorted(SCENARIOS.rglob("*.scn"))}


def record(scenario: Scenario, kernel: str) -> Scenario:
    return recorded(scenario, list(play(scenario, parse_kernel(kernel))), parse_kernel(kernel).expectation_names)


def contradictions(scenario: Scenario, kernel: str) -> list[str]:
    return [str(found) for result in play(scenario, parse_kernel(kernel)) for found in result.contradictions]


@pytest.mark.parametrize("name", FILES)
def test_what_was_recorded_on_several_kernels_is_true_on_each(name: str) -> None:
    """A scenario that was recorded on several kernels is as expected on each.

    Catches: an override that is lost to the next kernel's, that hides what all have in common, or that is not complete.
    """
    scenario = scenario_in(FILES[name])
    kernels = KERNELS if "/" not in name else KERNELS[:-1]  # which has all that the others need
    bare = replace(
        scenario,
        leaks_rsvd=None,
        steps=tuple(replace(step, expect=None, expect_on=None) for step in scenario.steps),
    )
    for kernel in kernels:
        bare = record(bare, kernel)
    for kernel in kernels:
        assert contradictions(bare, kernel) == []
        assert record(bare, kernel) == bare


TEXT = """# A title.
pool 2M nr=10

# A note.
db  mmap a 10 private        -> rsvd=10
db  touch a 0 1 2
db  munmap a 5               -> rsvd=7 | count-in-vma: rsvd=0 | host: free=1
"""


def test_what_is_there_stays_and_the_rest_is_added() -> None:
    """Recording keeps notes and the overrides of other kernels, and adds what is missing.

    Catches: a note or another kernel's override that is gone, an expectation that is overwritten for all kernels.
    """
    text = format_scn(record(parse_scn(TEXT, "test.scn"), "2008"))
    assert (
        text
        == """# A title.
pool 2M nr=10

# A note.
db  mmap a 10 private        -> ok total=10 free=10 rsvd=10 surp=0
db  touch a 0                -> ok total=10 free=9 rsvd=9 surp=0
db  touch a 1                -> ok total=10 free=8 rsvd=8 surp=0
db  touch a 2                -> ok total=10 free=7 rsvd=7 surp=0
db  munmap a 5               -> ok total=10 free=7 rsvd=7 surp=0 | count-in-vma: rsvd=0 | host: free=1 | 2008: rsvd=6
"""
    )


def test_an_override_that_is_no_longer_true_goes() -> None:
    """An override that says what is expected of every kernel anyway is removed.

    Catches: a kernel that was fixed, and is still said to differ.
    """
    text = "pool 2M nr=2\ndb mmap a 1 private -> rsvd=1 | ideal: rsvd=0 free=1"
    (step,) = record(parse_scn(text, "test.scn"), "ideal").steps
    assert step.expect_on is None


def test_a_kernel_of_two_names_gets_what_it_answers_under_the_one_that_holds() -> None:
    """A kernel with two names is recorded under the name that decides.

    Catches: the host, recorded under its release, contradicted by what stands under `host`.
    """
    text = "pool 2M nr=2\ndb mmap a 1 private -> rsvd=7 | 6.18: rsvd=8 | host: rsvd=9"
    scenario = parse_scn(text, "test.scn")
    results = list(play(scenario, parse_kernel("ideal")))
    (step,) = recorded(scenario, results, ("6.18", "host")).steps
    assert step.expect is not None
    assert step.expect_on is not None
    assert (step.expect.rsvd, step.expect_on["6.18"].rsvd, step.expect_on["host"].rsvd) == (7, 8, 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("-> rsvd=0", "-> ok total=2 free=2 rsvd=1 surp=0"),
        ("-> rsvd=0 | 6.18: rsvd=1 free=2", "-> ok total=2 free=2 rsvd=1 surp=0"),
        ("-> rsvd=0 | 6.18: rsvd=1 free=0", "-> ok total=2 free=2 rsvd=1 surp=0 | 6.18: free=0"),
        ("-> rsvd=7 | 6.18: rsvd=8 | host: rsvd=1", "-> ok total=2 free=2 rsvd=1 surp=0 | 6.18: rsvd=8 | host: rsvd=1"),
        ("-> rsvd=7 | 6.18: rsvd=1 | host: rsvd=1", "-> ok total=2 free=2 rsvd=1 surp=0"),
    ],
)
def test_the_default_kernel_says_what_is_right(before: str, after: str) -> None:
    """What is recorded on ideal is expected of every kernel.

    Catches: a file that no recording brings up to date, an override for no difference, or a needed one that is gone.
    """
    text = format_scn(record(parse_scn(f"pool 2M nr=2\ndb mmap a 1 private {before}", "test.scn"), "ideal"))
    assert text.partition("private")[2].strip() == after


@pytest.mark.parametrize(
    ("before", "kernel", "after"),
    [
        (3, "ideal", None),
        (3, "6.18", {"ideal": 3}),
        ({"6.18": 3}, "6.18", None),
        ({"ideal": 1, "6.18": 3}, "ideal", {"6.18": 3}),
        (None, "6.18", None),
    ],
)
def test_leaks_are_recorded_where_they_stand(
    before: int | dict[str, int] | None, kernel: str, after: int | dict[str, int] | None
) -> None:
    """A leak is recorded for all kernels on ideal, and for the one where another differs.

    Catches: a number for every behaviour there is, after one was recorded; a leak that is gone and still said to be 0.
    """
    scenario = replace(parse_scn("pool 2M nr=2\ndb exit", "test.scn"), leaks_rsvd=before)
    assert record(scenario, kernel).leaks_rsvd == after
