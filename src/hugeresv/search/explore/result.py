"""What an exploration has found out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hugeresv.invariants.violation import Violation
from hugeresv.scenario.scenario import Scenario
from hugeresv.search.explore.bound import Bound


@dataclass(frozen=True, slots=True)
class Level:
    """All histories of one length: how many states they lead to that no shorter one does.

    `states` and `transitions` count from the start of the exploration.
    """

    depth: int
    new: int
    states: int
    transitions: int


@dataclass(frozen=True, slots=True)
class Shortest:
    """The shortest history that breaks an invariant, or on which two kernels differ.

    `violations` is empty where two kernels differ.
    """

    scenario: Scenario
    operations: int
    violations: tuple[Violation, ...] = ()


@dataclass(slots=True)
class Exploration:
    """How far it went. `complete`: every state within the bound was seen, or the shortest finding was.

    States and transitions are those of the search, in which two states that differ by the names of processes may count
    as one (`symmetry` says by which factor at most). `reached`: the interesting states that were seen. `elsewhere`:
    seconds of CPU time that other processes and machines have spent on it.
    """

    kernels: tuple[str, ...]
    bound: Bound
    engine: str
    symmetry: int = 1
    states: int = 1
    transitions: int = 0
    levels: list[Level] = field(default_factory=list)
    reached: set[str] = field(default_factory=set)
    finding: Shortest | None = None
    complete: bool = False
    elsewhere: float = 0.0

    @property
    def depth(self) -> int:
        """The most operations that are needed to reach a state; of a finding, its operations."""
        if self.finding is not None:
            return self.finding.operations
        return max((level.depth for level in self.levels if level.new), default=0)


Progress = Callable[[Exploration], None]
"""Called now and then with what is known so far."""


def no_progress(_exploration: Exploration) -> None:
    """Tell no one."""
