"""How often a machine is held against the invariants: after every step while it is small.

A check takes time in proportion to all that is mapped and present. Of a large machine one is made after as many steps
as pay for it, so that no scenario takes longer by more than a constant for each step; what holds at the end is always
known. Where the memory of a real kernel is read, that costs more than any check: there one is made after every step.
"""

from __future__ import annotations

from dataclasses import replace

from hugeresv.invariants.check import check
from hugeresv.invariants.violation import Violation
from hugeresv.model.machine import Machine
from hugeresv.play.insight import Insight

_PAID_BY_A_STEP = 32
"""Pages that are in use, or quarters of a mapping, that a step may cost."""
_PAGES_OF_A_MAPPING = 4


class Checks:
    """What does not hold, step by step."""

    def __init__(self, insight: Insight, *, every_step: bool) -> None:
        self._insight = insight
        self._every_step = every_step
        self._paid = 0
        self._cost = 0
        self._unchecked = 0
        """Steps since the last check."""
        self._known: dict[Violation, Violation] = {}
        """What the last check found, and how it was told."""

    def after_step(self, machine: Machine, *, last: bool) -> list[Violation]:
        """What does not hold; where no check is made now, what did not when one was made last."""
        self._unchecked += 1
        self._paid += _PAID_BY_A_STEP
        if self._every_step or last or self._paid >= self._cost:
            self._check(machine)
        return list(self._known.values())

    def after_the_last(self) -> list[Violation]:
        """What does not hold after the last step, where that has not been said."""
        if not self._unchecked:
            return []
        self._check(self._insight.machine())
        return list(self._known.values())

    def _check(self, machine: Machine) -> None:
        late = f" (first seen now; the last check was {self._unchecked} steps ago)" if self._unchecked > 1 else ""
        found = check(machine, self._insight.name)
        self._known = {each: self._known.get(each) or replace(each, message=each.message + late) for each in found}
        self._unchecked = self._paid = 0
        mappings = sum(len(process.mm.vmas) for process in machine.processes.values())
        in_use = machine.hstate.nr_huge_pages - machine.hstate.free_huge_pages
        self._cost = in_use + _PAGES_OF_A_MAPPING * mappings
