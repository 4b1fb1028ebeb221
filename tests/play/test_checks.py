"""A small machine is checked after every step, a large one often enough, and nothing is missed at the end."""

from collections.abc import Sequence

import pytest

from hugeresv.invariants.check import check
from hugeresv.invariants.violation import Violation
from hugeresv.kernels.grammar import parse_behaviour
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.ledger.promise import Naming
from hugeresv.model.machine import Machine
from hugeresv.play import checks
from hugeresv.play.insight import Seer, model_insight
from hugeresv.play.play import Ending, play
from hugeresv.scenario.scn_format import parse_scn

MAPPINGS = 200
MANY = "\n".join(f"p mmap m{number} 1 private" for number in range(MAPPINGS))
SPLIT = "p mmap a 6 private\np munmap a 2+2"
"""Violates I1 on the kernel before the patch, at its second step."""


def told(text: str, audit: Seer | None = None) -> tuple[list[list[str]], list[str]]:
    """The names of what was told to be violated after each step, and at the end."""
    scenario = parse_scn(f"pool 2M nr=400\n{text}", "f.scn")
    kernel = ModelKernel(parse_behaviour("count-in-vma"))
    *steps, end = play(scenario, kernel, show=audit is None, audit=audit)
    assert isinstance(end, Ending)
    return [_names(step.seen.violations) for step in steps if not isinstance(step, Ending) and step.seen], _names(
        end.violations
    )


def _names(violations: Sequence[Violation]) -> list[str]:
    return [violation.name for violation in violations]


def test_a_small_machine_is_checked_after_every_step() -> None:
    """A small machine is checked after each step, so that a violation is told at its own.

    Catches: a violation told a step late in a scenario that a person reads.
    """
    steps, _ = told(f"{SPLIT}\np touch a 0")
    assert ["I1" in step for step in steps] == [False, True, True]


def test_a_violation_in_a_large_machine_is_told_soon_or_at_the_end() -> None:
    """800 quarters of mappings are checked every 26th step. Catches: never, and once for each step after it."""
    steps, end = told(f"{MANY}\n{SPLIT}")
    assert "I1" in end
    assert not any("I1" in step for step in steps)
    idle = "\n".join(["p mprotect m0 0 r"] * 40)
    steps, _ = told(f"{MANY}\n{SPLIT}\n{idle}")
    late = next(number for number, step in enumerate(steps) if "I1" in step) - (MAPPINGS + 1)
    assert 0 < late <= 26
    assert all("I1" in step for step in steps[MAPPINGS + 1 + late :])


def test_an_audit_is_made_after_every_step() -> None:
    """An audit is made after each step, however large the machine is.

    Catches: a row of `run --audit --json` that says nothing of its step.
    """
    steps, _ = told(f"{MANY}\n{SPLIT}", audit=model_insight)
    assert ["I1" in step for step in steps] == [False] * (MAPPINGS + 1) + [True]


def test_checks_cost_a_constant_for_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten times the steps on ten times the mappings. Catches: a check of everything after each."""
    looked = 0

    def counted(machine: Machine, naming: Naming) -> list[Violation]:
        nonlocal looked
        looked += sum(len(process.mm.vmas) for process in machine.processes.values())
        return check(machine, naming)

    monkeypatch.setattr(checks, "check", counted)
    by_steps = {}
    for number in (400, 4000):
        looked = 0
        text = "\n".join(f"p mmap m{each} 1 private" for each in range(number))
        for _ in play(parse_scn(f"pool 2M nr=4000\n{text}", "f.scn"), ModelKernel(parse_behaviour("6.18")), show=True):
            pass
        by_steps[number] = looked / number
    assert by_steps[4000] < 2 * by_steps[400]
