"""Something that answers operations: a behaviour of the model, the host, a guest.

A `Kernel` is a place where scenarios can be run; `start` gives a `Session`, one scenario's time on it.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from hugeresv.answer import Answer
    from hugeresv.model.behaviour import Behaviour
    from hugeresv.scenario.operation import Operation
    from hugeresv.scenario.scenario import Cgroup, Pool, Scenario


class PageState(Enum):
    """What is known of one page of a mapping."""

    HOLE = "hole"
    """Not mapped (any more)."""
    RESERVED = "reserved"
    """Promised, not yet handed out."""
    PRESENT = "present"
    """A page is there: mapped (private) or in the page cache (shared)."""
    CONSUMED = "consumed"
    """The promise was used, and the page is no longer there."""
    UNRESERVED = "unreserved"
    """Mapped, nothing promised, nothing there."""
    ABSENT = "absent"
    """No page there; whether one is promised cannot be observed on this kernel."""

    __hash__ = object.__hash__
    """Every state is there once; by its name, as enums do it, it takes ten times as long to look up."""


class MappingView(NamedTuple):
    """A mapping as runs of (state, number of pages), from its start to the end of what it ever covered."""

    shared: bool
    runs: tuple[tuple[PageState, int], ...]


class Session(Protocol):
    """One scenario's time on a kernel. Leaving it as a context manager ends everything it made."""

    spoiled: bool
    """Whether something of the scenario may be left in the kernel: set by whoever has seen it."""

    def apply(self, operation: Operation, *, may_hang: bool = False, fails: int | None = None) -> Answer:
        """Carry out one operation, or concurrent calls. After `HANG` the session answers nothing more.

        Raises ScenarioError for a name that is not bound, UnsupportedError for an operation that this kernel of ours
        does not have. `may_hang`: the call may never return; it is given up after a while. `fails`: which of its
        allocations fails, from 1.
        """
        ...

    @property
    def also(self) -> Sequence[Answer]:
        """What the concurrent calls that were made last may answer in other orders."""
        ...

    def view(self, proc: str, mapping: str) -> MappingView | None:
        """The mapping as far as this kernel can observe it; None when it has no such mapping."""
        ...

    def release(self) -> Answer:
        """End every process and let go of every file, segment and mount; the counters afterwards show what leaked."""
        ...

    def close(self) -> None:
        """End the session and put everything back."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class Kernel(Protocol):
    """A kernel by its name."""

    @property
    def name(self) -> str:
        """The name as KERNEL spells it; `expect_on` is looked up by `expectation_names`."""
        ...

    @property
    def expectation_names(self) -> tuple[str, ...]:
        """Keys of `expect_on` that apply to this kernel, the most specific one last."""
        ...

    @property
    def behaviour(self) -> Behaviour:
        """Its rules; of a real kernel those of the closest behaviour to its release."""
        ...

    @property
    def real(self) -> bool:
        """Whether a step that hangs hangs something: True for a real kernel."""
        ...

    @property
    def nodes(self) -> int:
        """The NUMA nodes that it was asked to have; it has those, too, that a scenario tells apart."""
        ...

    def admit(self, scenario: Scenario) -> None:
        """Prepare for a scenario before it is started. Raises UnsupportedError for steps that cannot be carried out."""
        ...

    def start(self, pool: Pool, cgroups: Mapping[str, Cgroup] | None = None, pools: Sequence[Pool] = ()) -> Session:
        """A fresh start with this pool, and these of other page sizes.

        Raises UnavailableError where this kernel cannot run here, UnsupportedError for pools that it cannot have.
        """
        ...

    def close(self) -> None:
        """Give back what it took of this machine."""
        ...
