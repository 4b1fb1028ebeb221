"""The way through the VMAs of a range, as madvise(2) and mlock(2) take it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.vma import Vma


class Walk:
    """Remembers how far it came, and whether there was a hole."""

    __slots__ = ("hole", "reached")

    def __init__(self, start: int) -> None:
        """At the start of the range."""
        self.reached = start
        self.hole = False

    def enter(self, vma: Vma, end: int) -> tuple[int, int]:
        """The part of `vma` that lies in the range."""
        self.hole = self.hole or vma.vm_start > self.reached
        start = max(self.reached, vma.vm_start)
        self.reached = vma.vm_end
        return start, min(end, vma.vm_end)

    def outcome(self, end: int) -> Outcome:
        """ENOMEM if not all up to `end` is mapped."""
        return Outcome.ENOMEM if self.hole or self.reached < end else Outcome.OK
