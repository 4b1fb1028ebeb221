"""Campaigns of scenarios that end with concurrent calls."""

from dataclasses import replace
from pathlib import Path

from hugeresv.kernels.grammar import parse_kernel
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.model.presets import IDEAL, LINUX_6_18
from hugeresv.scenario.load import load
from hugeresv.scenario.scenario import Scenario, Together
from hugeresv.scenario.scn_format import parse_scn
from hugeresv.search.fuzz.campaign import Budget, Draws, Tally, fuzz
from hugeresv.search.fuzz.difference import as_found
from hugeresv.search.fuzz.generate import Coverage, draw
from hugeresv.search.fuzz.kept import Kept
from hugeresv.search.fuzz.orders import other_ending, wrong_order

OLD = "ideal,truncation-passes-faults=on"


def ignore(tally: Tally, seconds: float) -> None:
    """No progress is shown."""


def scenario(text: str) -> Scenario:
    """Its steps, separated by bars."""
    return parse_scn("\n".join(text.split("|")), "test.scn")


H33 = scenario(
    "pool 2M nr=4|memfd f|a mmap x 1 shared file=f noreserve|together|a touch x 0|b mmap y 1 shared file=f|apart"
)


def test_every_scenario_ends_with_calls_that_a_guest_can_make() -> None:
    """What is drawn for a guest is admitted there, and ends with concurrent calls.

    Catches: a block with a fork, or two calls of no process, which no guest makes.
    """
    kernel = parse_kernel("guest:6.12")
    for number in range(100):
        drawn = draw(f"guest:{number}", 12, LINUX_6_18, Coverage(stateless=True), together=True).scenario
        assert isinstance(drawn.steps[-1].operation, Together)
        kernel.admit(drawn)


def test_a_race_of_an_old_rule_is_found_on_it_and_not_on_the_mended_one() -> None:
    """A fault and mmap that count one page twice break an invariant in some order; mended, in none.

    Catches: orders that are not tried, or whose invariants are not looked at.
    """
    found = wrong_order(H33, ModelKernel(replace(IDEAL, races_counted_twice=True)))
    assert found is not None
    assert {violation.name for violation in found.right_violations} == {"I1"}
    assert found.right.counters.rsvd == found.left.counters.rsvd + 1
    assert wrong_order(H33, ModelKernel(IDEAL)) is None


def test_what_a_serial_order_breaks_too_is_no_race() -> None:
    """An invariant that the calls break one after the other is left to campaigns without concurrent calls.

    Catches: a known sequential defect that is reported for each block after it.
    """
    before = "pool 2M nr=1|a mmap x 1 private|a touch x 0|a fork b|a exit"
    leaves = f"{before}|together|c mmap y 1 private|d mmap z 1 private|apart"
    assert wrong_order(scenario(leaves), ModelKernel(LINUX_6_18)) is None


def test_a_refusal_in_passing_is_no_race_and_a_deeper_one_is() -> None:
    """A call may be refused pages that another one gives back, though one after the other one of them would get them.

    Catches: every pair of mappings that is too large for the pool reported as a race.
    """
    both = "pool 2M nr=0 overcommit=2|together|a mmap x 2 private|b mmap y 2 private|apart"
    assert wrong_order(scenario(both), ModelKernel(IDEAL)) is None


def test_two_models_differ_in_an_ending_that_one_of_them_has() -> None:
    """Two models differ where an order of one ends as none of the other does, whichever of them is on the left.

    Catches: a comparison of the first order only, or of one direction.
    """
    ideal, old = ModelKernel(IDEAL), ModelKernel(replace(IDEAL, races_counted_twice=True))
    found = other_ending(H33, ideal, old)
    assert found is not None
    assert (found.left.counters.rsvd, found.right.counters.rsvd) == (0, 1)
    turned = other_ending(H33, old, ideal)
    assert turned is not None
    assert (turned.left.counters.rsvd, turned.right.counters.rsvd) == (1, 0)
    assert other_ending(H33, ideal, ideal) is None


def test_a_finding_is_short_and_on_disk(tmp_path: Path) -> None:
    """The file of a finding repeats it, and has no call or argument that is not needed.

    Catches: blocks that are not shortened.
    """
    kept = Kept(tmp_path, "fuzz-1")
    tally = fuzz("ideal", OLD, Draws("0", 15, 200, together=True), Budget(scenarios=40), ignore, keep=kept)
    [finding] = tally.findings
    [again] = load(kept.scenario(finding))
    assert again == finding.scenario
    block = again.steps[-1].operation
    assert isinstance(block, Together)
    assert len(block.steps) == 2
    assert other_ending(again, ModelKernel(IDEAL), ModelKernel(replace(IDEAL, truncation_passes_faults=True)))


def test_the_order_that_is_wrong_is_in_the_file() -> None:
    """A wrong order of one model is kept with its `switch=`, which replays it.

    Catches: an order of the long calls that the short ones do not have.
    """
    found = wrong_order(H33, ModelKernel(replace(IDEAL, races_counted_twice=True)))
    assert found is not None
    short = as_found(H33, found, ("old",), "1:7")
    block = short.scenario.steps[-1].operation
    assert isinstance(block, Together)
    assert block.switch == ("a@resv_map->lock#2",)
    assert short.scenario.title == "An order of the concurrent calls at step 3 on old: I1."
