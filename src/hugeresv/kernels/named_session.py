"""What the sessions of all kernels share: an operation becomes a call, and what it returned is learnt."""

from abc import abstractmethod

from hugeresv.answer import Answer
from hugeresv.calls.call import Call, nothing_to_learn
from hugeresv.calls.names import Names
from hugeresv.calls.resolve import resolve
from hugeresv.errors import ScenarioError
from hugeresv.kernels.closed_on_exit import ClosedOnExit
from hugeresv.kernels.protocol import MappingView, PageState
from hugeresv.outcome import OK, Outcome
from hugeresv.scenario.operation import Operation


class NamedSession(ClosedOnExit):
    """A session that carries calls out. See `protocol.Session` for what its methods promise."""

    names: Names
    """What the scenario's names stand for."""

    spoiled = False
    """Whether something of the scenario may be left in the kernel: set by whoever has seen it."""

    over = False
    """Whether a call has never returned: nothing is answered any more."""

    def apply(self, operation: Operation, *, may_hang: bool = False) -> Answer:
        """Carry out one operation; see `protocol.Session`."""
        if self.over:
            raise ScenarioError("the session has ended with a call that never returned")
        return self._apply(resolve(operation, self.names), may_hang=may_hang)

    def view(self, proc: str, mapping: str) -> MappingView | None:
        """The mapping as far as this kernel can observe it; None when it has no such mapping."""
        binding = self.names.processes.get(proc, {}).get(mapping)
        if binding is None:
            return None
        return MappingView(binding.shared, self._runs(proc, binding.start, binding.extent_bytes))

    def _learn(self, call: Call, outcome: Outcome, value: int) -> None:
        """A process that was named exists from now on, whatever its call answered."""
        if call.task is not None and call.task not in self.names.processes:
            self.names.processes[call.task] = {}
        if outcome is OK and call.learn is not nothing_to_learn:
            call.learn(value)

    @abstractmethod
    def _apply(self, call: Call, *, may_hang: bool) -> Answer:
        """Carry it out, learn what it returned, and answer."""

    @abstractmethod
    def _runs(self, proc: str, start: int, extent_bytes: int) -> tuple[tuple[PageState, int], ...]:
        """What is at the pages of a process from an address on, as runs of pages in one state."""
