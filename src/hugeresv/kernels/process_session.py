"""What the sessions of real kernels share: processes by their names, and which of them, or what else, does what."""

import os
from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Generic, Protocol, Self, TypeVar

from hugeresv.errors import ScenarioError, UnavailableError
from hugeresv.kernels.closed_on_exit import ClosedOnExit
from hugeresv.kernels.host.calls import call_of
from hugeresv.kernels.host.keeper import Keeper
from hugeresv.kernels.host.names import Names
from hugeresv.kernels.protocol import Answer, MappingView, PageState
from hugeresv.kernels.system_outcome import outcome_of_errno, outcome_of_signal
from hugeresv.outcome import Outcome
from hugeresv.scenario import operation as ops


class Process(Protocol):
    """A worker of a session. Its methods raise TimeoutError when it takes too long, EOFError when it is gone."""

    def call(self, name: str, *arguments: Any, file: str | None = None, patience: float) -> tuple[int, Any]:
        """Have it make a call of `host.worker.CALLS`: an errno, 0 for success, and the value."""
        ...

    def observe(self, start: int, pages: int, page_bytes: int) -> tuple[int, list[tuple[PageState, int]]]:
        """What it sees of its memory from an address on: an errno, and runs of pages in one state."""
        ...

    def fork(self, patience: float) -> tuple[int, Self | None]:
        """Have it fork: the errno of that, and the child if there is one."""
        ...

    def end(self, patience: float) -> None:
        """Kill it, and wait until its memory is gone."""
        ...

    def let_go(self) -> None:
        """Forget it, when it has ended."""
        ...


ProcessT = TypeVar("ProcessT", bound=Process)


class AnswersOutcome(Protocol):
    """The readings of a session."""

    def answer(self, outcome: Outcome) -> Answer:
        """An outcome, and how things stand now."""
        ...


class ProcessSession(ClosedOnExit, Generic[ProcessT]):
    """A session in which processes make system calls. See `protocol.Session` for what its methods promise.

    Processes end, and files, segments and mounts are let go, in the order in which they came into being.
    """

    hang_seconds: float
    """After this a call that may hang is given up."""

    patience_seconds: float
    """After this, one that was not said to hang."""

    _readings: AnswersOutcome

    def __init__(self, root: ProcessT, keeper: Keeper, names: Names, page_bytes: int) -> None:
        self._root = root
        self._keeper = keeper
        self._names = names
        self._page_bytes = page_bytes
        self._workers: dict[str, ProcessT] = {}
        self._over = False
        self._by_keeper: Mapping[type[ops.Operation], Callable[[Any], int]] = {
            ops.OpenFile: keeper.open_file,
            ops.Memfd: keeper.memfd,
            ops.CloseFile: keeper.close_file,
            ops.Shmrm: keeper.remove_segment,
            ops.Mount: keeper.mount,
            ops.Umount: keeper.umount,
            ops.CgroupSet: keeper.set_cgroup,
            ops.CgroupRmdir: keeper.remove_cgroup,
        }

    @abstractmethod
    def _conversing(self) -> AbstractContextManager[None]:
        """Around everything that is said to processes: what becomes of the session when that fails."""

    @abstractmethod
    def _give_up(self) -> Answer:
        """A call has not returned: how things stand, when the session is over."""

    @abstractmethod
    def _set_nr(self, pages: int) -> int:
        """Write nr_hugepages: an errno."""

    @abstractmethod
    def _set_nr_overcommit(self, pages: int) -> int:
        """Write nr_overcommit_hugepages: an errno."""

    def apply(self, operation: ops.Operation, *, may_hang: bool = False) -> Answer:
        """Carry out one operation with real system calls.

        Raises UnavailableError for a call that does not return within `patience_seconds` although it was not said to
        hang; the session is over then.
        """
        if self._over:
            raise ScenarioError("the session has ended with a call that never returned")
        with self._conversing():
            try:
                outcome = self._carry_out(operation, self.hang_seconds if may_hang else self.patience_seconds)
            except TimeoutError:
                answer = self._give_up()
                if may_hang:
                    return answer
                raise UnavailableError(
                    f"{operation.op} did not return within {self.patience_seconds:g} s, "
                    "and its step does not say it hangs"
                ) from None
            return self._readings.answer(outcome)

    def view(self, proc: str, mapping: str) -> MappingView | None:
        """What the process sees of the mapping."""
        binding = self._names.processes.get(proc, {}).get(mapping)
        if binding is None or self._over:
            return None
        pages = -(-binding.extent_bytes // self._page_bytes)
        with self._conversing():
            errno, runs = self._workers[proc].observe(binding.start, pages, self._page_bytes)
        if errno:
            raise UnavailableError(f"cannot observe mapping {mapping!r} of {proc!r}: {os.strerror(errno)}")
        return MappingView(binding.shared, tuple(runs))

    def release(self) -> Answer:
        """End and let go of everything but the cgroups, whose usage then shows what leaked there."""
        with self._conversing():
            self._let_go()
            return self._readings.answer(Outcome.OK)

    def _let_go(self) -> None:
        for proc in list(self._workers):
            self._exit(proc, self.patience_seconds)
        if not self._over:
            self._keeper.release()

    def _carry_out(self, operation: ops.Operation, patience: float) -> Outcome:
        match operation:
            case ops.SetNrHugepages(n=pages):
                return outcome_of_errno(self._set_nr(pages))
            case ops.SetNrOvercommit(n=pages):
                return outcome_of_errno(self._set_nr_overcommit(pages))
            case ops.Fork():
                return outcome_of_errno(self._fork(operation, patience))
            case ops.Exit(proc=proc):
                self._process(proc)
                self._exit(proc, patience)
                return Outcome.OK
        by_keeper = self._by_keeper.get(type(operation))
        if by_keeper is not None:
            return outcome_of_errno(by_keeper(operation))
        call = call_of(operation, self._names, self._page_bytes)
        worker = self._process(call.proc)
        errno, value = worker.call(call.name, *call.arguments, file=call.file, patience=patience)
        if call.name == "touch" and errno == 0:
            return outcome_of_signal(value)
        if errno == 0:
            call.learn(value)
        return outcome_of_errno(errno)

    def _process(self, proc: str) -> ProcessT:
        """The process of that name, which comes into being when first named."""
        if proc not in self._workers:
            errno, worker = self._root.fork(self.patience_seconds)
            if worker is None:
                raise UnavailableError(f"cannot make process {proc!r}: {os.strerror(errno)}")
            self._workers[proc] = worker
            self._names.processes[proc] = {}
        return self._workers[proc]

    def _fork(self, operation: ops.Fork, patience: float) -> int:
        if operation.child in self._workers:
            raise ScenarioError(f"there is a process {operation.child!r} already")
        errno, worker = self._process(operation.proc).fork(patience)
        if worker is not None:
            self._workers[operation.child] = worker
            self._names.fork(operation.proc, operation.child)
        return errno

    def _exit(self, proc: str, patience: float) -> None:
        self._workers[proc].end(patience)
        self._workers.pop(proc).let_go()
        del self._names.processes[proc]
