"""Violations are laid at the door of the defect that causes them, and of no other."""

from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner

from hugeresv.cli.verbs import cli
from hugeresv.kernels.grammar import parse_behaviour, parse_kernel
from hugeresv.model.presets import IDEAL, LINUX_6_18
from hugeresv.play.insight import model_insight
from hugeresv.play.play import play, violates
from hugeresv.scenario.load import dump, load
from hugeresv.scenario.operation import Exit, Fork, Mmap, Mremap, Operation, Touch
from hugeresv.scenario.scenario import Pool, Scenario, Step
from hugeresv.search.known import KnownViolations, explain


def scenario(*operations: Operation) -> Scenario:
    return Scenario(Pool(2048, 4), tuple(Step(operation) for operation in operations))


H104 = scenario(
    Mmap("p", "m", "private", pages=3), Touch("p", "m", "write", 0), Fork("p", "c"), Exit("p")
)  # docs/kernel/fork.md#e26: the parent's exit credits the page that lives on in the child
H71 = scenario(
    Mmap("p", "m", "private", pages=4), Mremap("p", "m", page=0, pages=1, new_pages=1, move_to="n"), Exit("p")
)  # docs/kernel/remap.md#e12b


def test_a_parent_that_leaves_first_is_known_by_its_switch() -> None:
    """The violation of H104 is laid to zap-restore alone.

    Catches: a verdict that names every switch of the behaviour, or none.
    """
    verdicts = {verdict.invariant: verdict.switches for verdict in explain(H104, LINUX_6_18)}
    assert verdicts["I1"] == ("zap-restore",)


def test_a_leak_at_the_end_is_known_too() -> None:
    """The leak at the end of H71 is laid to its switch.

    Catches: a replay that does not look at the invariants of the end.
    """
    verdicts = {verdict.invariant: verdict.switches for verdict in explain(H71, LINUX_6_18)}
    assert verdicts["I11"] == ("partial-mremap-drops-map",)


def test_two_defects_at_once_leave_no_single_cause() -> None:
    """Where two defects cause one violation, neither is named.

    Catches: one of them blamed, though mending it does not help.
    """
    both = scenario(
        Mmap("p", "m", "private", pages=2),
        Mremap("p", "m", page=0, pages=1, new_pages=1, move_to="n"),
        Mmap("p", "o", "private", pages=1),
        Touch("p", "o", "write", 0),
        Fork("p", "c"),
        Exit("p"),
    )
    verdicts = {verdict.invariant: verdict.switches for verdict in explain(both, LINUX_6_18)}
    assert verdicts["I1"] == ()


def test_nothing_violated_needs_no_explanation() -> None:
    """Where nothing is violated, there is no verdict. Catches: a defect named on the ideal ledger."""
    assert explain(H104, IDEAL) == []
    assert explain(H104, parse_behaviour("6.18,zap-restore=last-unmap")) == []


def test_a_run_says_which_defect_it_was(tmp_path: Path) -> None:
    """`run` names the known defect below a violation. Catches: an old bug reported as a new one."""
    path = tmp_path / "h104.scn"
    dump([H104], path)
    output = CliRunner().invoke(cli, ["run", "--on", "6.18", str(path)]).output
    assert "from a known defect, zap-restore " in output.replace("\n", " ")


def test_a_call_that_hangs_is_known_by_its_switch(tmp_path: Path) -> None:
    """A hang is laid to the switch that causes it. Catches: a run that ends in a hang and looks as if all were well."""
    (path,) = Path("scenarios/history").glob("H117-*.scn")
    (h117,) = load(path)
    unexpected = replace(h117, steps=tuple(replace(step, expect=None, expect_on=None) for step in h117.steps))
    verdicts = {verdict.invariant: verdict.switches for verdict in explain(unexpected, LINUX_6_18)}
    assert len(verdicts["HANG"]) == 1
    dump([unexpected], tmp_path / "h117.scn")
    output = CliRunner().invoke(cli, ["run", "--on", "6.18", str(tmp_path / "h117.scn")]).output
    assert "! HANG (every call returns): this one does not" in output


def test_a_violation_is_known_where_the_behaviour_has_it_and_not_before() -> None:
    """What 6.18 breaks is known to 6.18 at every step, and to `ideal` at none at which it shows.

    Catches: a patch's broken ledger that is excused, and a stock kernel that is accused.
    """
    found = list(play(H104, parse_kernel("6.18"), audit=model_insight))
    same, ideal = KnownViolations(H104, LINUX_6_18), KnownViolations(H104, IDEAL)
    assert all(same.has(result) for result in found)
    assert [ideal.has(result) for result in found] == [not violates(result) for result in found]
    assert not all(ideal.has(result) for result in found)
