"""What the sessions of all kernels share: an operation becomes a call, and what it returned is learnt."""

from abc import abstractmethod
from collections.abc import Sequence

from hugeresv.answer import Answer
from hugeresv.calls.call import Call, nothing_to_learn
from hugeresv.calls.names import Names
from hugeresv.calls.resolve import resolve
from hugeresv.errors import ScenarioError, UnsupportedError
from hugeresv.kernels.closed_on_exit import ClosedOnExit
from hugeresv.kernels.protocol import MappingView, PageState
from hugeresv.outcome import OK, Outcome
from hugeresv.scenario.operation import Operation
from hugeresv.scenario.scenario import Together


class NamedSession(ClosedOnExit):
    """A session that carries calls out. See `protocol.Session` for what its methods promise."""

    names: Names
    """What the scenario's names stand for."""

    spoiled = False
    """Whether something of the scenario may be left in the kernel: set by whoever has seen it."""

    over = False
    """Whether a call has never returned: nothing is answered any more."""

    also: Sequence[Answer] = ()
    """What the concurrent calls that were made last may answer in other orders."""

    def apply(self, operation: Operation, *, may_hang: bool = False, fails: int | None = None) -> Answer:
        """Carry out one operation; see `protocol.Session`."""
        if self.over:
            raise ScenarioError("the session has ended with a call that never returned")
        if self.also:
            self.also = ()
        if isinstance(operation, Together):
            return self._together(operation, [resolve(step.operation, self.names) for step in operation.steps])
        call = resolve(operation, self.names)
        return self._apply(call, may_hang=may_hang) if fails is None else self._apply_failing(call, fails)

    def view(self, proc: str, mapping: str) -> MappingView | None:
        """The mapping as far as this kernel can observe it; None when it has no such mapping."""
        binding = self.names.processes.get(proc, {}).get(mapping)
        if binding is None:
            return None
        return MappingView(binding.shared, self._runs(proc, binding.start, binding.extent_bytes, binding.page_bytes))

    def _learn(self, call: Call, outcome: Outcome, value: int) -> None:
        """A process that was named exists from now on, whatever its call answered."""
        if call.task is not None and call.task not in self.names.processes:
            self.names.processes[call.task] = {}
        if outcome is OK and call.learn is not nothing_to_learn:
            call.learn(value)

    @abstractmethod
    def _apply(self, call: Call, *, may_hang: bool) -> Answer:
        """Carry it out, learn what it returned, and answer."""

    def _apply_failing(self, call: Call, fails: int) -> Answer:
        """Carry it out with one of its allocations failing."""
        raise UnsupportedError("allocations fail on a behaviour of the model only")

    def _together(self, block: Together, calls: Sequence[Call]) -> Answer:
        """Make concurrent calls, learn what they returned, and answer."""
        raise UnsupportedError("concurrent calls run on a behaviour of the model only")

    @abstractmethod
    def _runs(self, proc: str, start: int, extent_bytes: int, page_bytes: int) -> tuple[tuple[PageState, int], ...]:
        """What is at the pages, of that size, of a process from an address on, as runs of pages in one state."""
