"""What the sessions of real kernels share: processes by their names, and which of them, or what else, makes a call."""

import os
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Generic, NamedTuple, Protocol, Self, TypeVar

from hugeresv.answer import Answer
from hugeresv.calls import abi
from hugeresv.calls.call import Call, OfProcess
from hugeresv.calls.names import Names
from hugeresv.errors import UnavailableError, UnsupportedError
from hugeresv.kernels.keeper import Keeper, OfPath
from hugeresv.kernels.named_session import NamedSession
from hugeresv.kernels.protocol import MappingView, PageState
from hugeresv.kernels.system_outcome import outcome_of_errno, outcome_of_signal
from hugeresv.outcome import OK, Outcome
from hugeresv.scenario.scenario import Together
from hugeresv.sources.pool_files import OVERCOMMIT

FIRST_NODE = 0
"""Where processes run from the start."""

_POOL_FILES: Mapping[str, str] = {
    "set_nr_hugepages": "nr_hugepages",
    "set_nr_overcommit": OVERCOMMIT,
    "demote": "demote",
    "set_demote_size": "demote_size",
}
"""The files of a pool that calls of no process write to."""

_LARGEST_OFFSET = (1 << 63) - 1


class SessionWorker(Protocol):
    """A worker of a session. Its methods raise TimeoutError when it takes too long, EOFError when it is gone."""

    def call(self, name: str, *words: int | str | bytes | OfPath, patience: float) -> tuple[int, int]:
        """Have it make a system call of `calls.numbers`: an errno, 0 for success, and the value."""
        ...

    def touch(self, address: int, write: bool, *, patience: float) -> tuple[int, int]:
        """Have it read or write a byte: an errno, and the signal that this raised, 0 for none."""
        ...

    def move_page(self, address: int, node: int, flags: int, *, patience: float) -> tuple[int, int]:
        """Have it make move_pages(2) of one page of its own: the errno of the call, or else the page's, and 0."""
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


ProcessT = TypeVar("ProcessT", bound=SessionWorker)


class WorkerCall(NamedTuple, Generic[ProcessT]):
    """A call for a worker: `touch`, or a system call by its name."""

    worker: ProcessT
    name: str
    words: Sequence[int | str | bytes | OfPath]


class AnswersOutcome(Protocol):
    """The readings of a session."""

    def answer(self, outcome: Outcome) -> Answer:
        """An outcome, and how things stand now."""
        ...


class ProcessSession(NamedSession, Generic[ProcessT]):
    """A session in which processes make system calls.

    Processes end, and files, segments and mounts are let go, in the order in which they came into being.
    """

    hang_seconds: float
    """After this a call that may hang is given up."""

    patience_seconds: float
    """After this, one that was not said to hang."""

    _readings: AnswersOutcome

    def __init__(self, root: ProcessT, keeper: Keeper, names: Names) -> None:
        self._root = root
        self.keeper = keeper
        self.names = names
        self._workers: dict[str, ProcessT] = {}
        self._nodes: dict[str, int] = {}

    @abstractmethod
    def _conversing(self) -> AbstractContextManager[None]:
        """Around everything that is said to processes: what becomes of the session when that fails."""

    @abstractmethod
    def _give_up(self) -> Answer:
        """A call has not returned: how things stand, when the session is over."""

    @abstractmethod
    def _at_once(self, told: Sequence[WorkerCall[ProcessT]], patience: float) -> list[tuple[int, int]]:
        """Have workers make calls that start at once: what each returned, as `SessionWorker.call` and `touch` do."""

    @abstractmethod
    def _write_pool(self, page_bytes: int, file: str, number: int, node: int | None) -> int:
        """Write a number to a file of a pool, or of a node's part of it: an errno."""

    @abstractmethod
    def _pool_directory(self, page_bytes: int) -> str:
        """Where the files of a pool are for its processes."""

    @abstractmethod
    def _cpus(self, node: int) -> Sequence[int]:
        """The CPUs of a node; none where there is no such node."""

    @abstractmethod
    def _pid(self, worker: ProcessT) -> int:
        """A process as other processes know it."""

    def _does_not_return(self, call: Call, answer: Answer) -> Answer:
        """What is answered for a call that was not said to hang. Raises UnavailableError where that must not be."""
        raise UnavailableError(
            f"{call.name} did not return within {self.patience_seconds:g} s, and its step does not say it hangs"
        )

    def _apply(self, call: Call, *, may_hang: bool) -> Answer:
        _refuse_to_lose_the_pool(call, self.names.page_bytes)
        with self._conversing():
            try:
                outcome, value = self._carry_out(call, self.hang_seconds if may_hang else self.patience_seconds)
            except TimeoutError:
                answer = self._give_up()
                return answer if may_hang else self._does_not_return(call, answer)
            if outcome is Outcome.OK:
                self.keeper.made(call, value)
            self._learn(call, outcome, value)
            return self._readings.answer(outcome)

    def _together(self, block: Together, calls: Sequence[Call]) -> Answer:
        """The kernel chooses the order. What each call answered is in `outcomes`."""
        from hugeresv.kernels.model.at_once import task_names

        with self._conversing():
            told = [
                WorkerCall(self._root, call.name, self.keeper.own_words(call))
                if call.task is None
                else WorkerCall(self._worker(call.task), call.name, [*map(self._word, call.words)])
                for call in calls
            ]
            try:
                returned = self._at_once(told, self.hang_seconds)
            except TimeoutError:
                return self._give_up()
            outcomes = {}
            for task, call, (errno, value) in zip(task_names(block), calls, returned, strict=True):
                touched = call.name == "touch" and not errno
                outcomes[task] = outcome_of_signal(value) if touched else outcome_of_errno(errno)
                if outcomes[task] is OK:
                    self.keeper.made(call, value)
                self._learn(call, outcomes[task], value)
            return self._readings.answer(OK)._replace(outcomes=outcomes)

    def view(self, proc: str, mapping: str) -> MappingView | None:
        """What the process sees of the mapping."""
        return None if self.over else super().view(proc, mapping)

    def _runs(self, proc: str, start: int, extent_bytes: int, page_bytes: int) -> tuple[tuple[PageState, int], ...]:
        with self._conversing():
            errno, runs = self._workers[proc].observe(start, -(-extent_bytes // page_bytes), page_bytes)
        if errno:
            raise UnavailableError(f"cannot observe the memory of {proc!r} at {start:#x}: {os.strerror(errno)}")
        return tuple(runs)

    def release(self) -> Answer:
        """End and let go of everything but the cgroups, whose usage then shows what leaked there."""
        with self._conversing():
            self._let_go()
            return self._readings.answer(Outcome.OK)

    def _let_go(self) -> None:
        for proc in list(self._workers):
            self._exit(proc, self.patience_seconds)
            self.names.exited(proc)
        if not self.over:
            self.keeper.release()

    def _carry_out(self, call: Call, patience: float) -> tuple[Outcome, int]:
        if call.name in _POOL_FILES:
            number, page_bytes, *node = call.words
            errno = self._write_pool(page_bytes, _POOL_FILES[call.name], number, *(node or [None]))
            return outcome_of_errno(errno), 0
        if call.task is None:
            errno, value = self.keeper.carry_out(call)
            return outcome_of_errno(errno), value
        worker = self._worker(call.task)
        match call.name:
            case "touch":
                errno, signal = worker.touch(*call.words, patience=patience)
                return (outcome_of_errno(errno) if errno else outcome_of_signal(signal)), 0
            case "fork":
                self._nodes[call.words[0]] = self._node_of(call.task)
                return outcome_of_errno(self._fork(worker, call.words[0], patience)), 0
            case "exit":
                self._exit(call.task, patience)
                return Outcome.OK, 0
            case "cgroup_move":  # the process moves itself: 0 is the writer
                path = OfPath(f"{self.keeper.cgroups[call.words[0].name]}/cgroup.procs")
                errno, value = worker.call("write", path, "0", 1, patience=patience)
                if not errno:  # up to 6.1 the move has given the process every CPU of the cgroup
                    worker.call("sched_setaffinity", 0, *self._affinity(self._node_of(call.task)), patience=patience)
            case "set_nr_hugepages_mempolicy":
                pages, page_bytes = call.words
                path = OfPath(f"{self._pool_directory(page_bytes)}/nr_hugepages_mempolicy")
                text = str(pages)
                errno, value = worker.call("write", path, text, len(text), patience=patience)
            case "set_cpu":
                errno, value = worker.call("sched_setaffinity", 0, *self._affinity(call.words[0]), patience=patience)
                if not errno:
                    self._nodes[call.task] = call.words[0]
            case "move_pages":
                errno, value = worker.move_page(*call.words, patience=patience)
            case _:
                errno, value = worker.call(call.name, *map(self._word, call.words), patience=patience)
        return outcome_of_errno(errno), value

    def _word(self, word: object) -> int | str | bytes | OfPath:
        """What a word of a process's call stands for on this kernel."""
        return self._pid(self._worker(word.name)) if isinstance(word, OfProcess) else self.keeper.word(word)

    def _node_of(self, proc: str) -> int:
        """The node whose CPUs a process runs on: as it was told, or as its parent was when it was forked."""
        return self._nodes.get(proc, FIRST_NODE)

    def _affinity(self, node: int) -> tuple[int, bytes]:
        """The CPUs of a node as sched_setaffinity(2) takes them: how many bytes, and these."""
        mask = abi.node_mask(self._cpus(node))
        return len(mask), mask

    def _worker(self, proc: str) -> ProcessT:
        """The process of that name, which comes into being when first named."""
        if proc not in self._workers:
            errno, worker = self._root.fork(self.patience_seconds)
            if worker is None:
                raise UnavailableError(f"cannot make process {proc!r}: {os.strerror(errno)}")
            self._workers[proc] = worker
        return self._workers[proc]

    def _fork(self, parent: ProcessT, child: str, patience: float) -> int:
        errno, worker = parent.fork(patience)
        if worker is not None:
            self._workers[child] = worker
        return errno

    def _exit(self, proc: str, patience: float) -> None:
        self._workers[proc].end(patience)
        self._workers.pop(proc).let_go()
        self._nodes.pop(proc, None)


def _refuse_to_lose_the_pool(call: Call, page_bytes: int) -> None:
    """UnsupportedError for what a stock kernel does not get over."""
    if call.name != "fallocate":
        return
    _, mode, start, length = call.words
    if not mode & abi.FALLOC_FL_PUNCH_HOLE and _LARGEST_OFFSET - page_bytes < start + length - 1 < _LARGEST_OFFSET:
        raise UnsupportedError(
            "fallocate: the last page of this range ends behind the largest file offset, where this kernel takes every "
            "page there is and never gives them back (docs/findings.md)"
        )
