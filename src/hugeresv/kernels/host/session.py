"""One scenario's time on the host."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from hugeresv.errors import ScenarioError, UnavailableError
from hugeresv.kernels.closed_on_exit import ClosedOnExit
from hugeresv.kernels.host import observe
from hugeresv.kernels.host.calls import call_of
from hugeresv.kernels.host.claim import Claim
from hugeresv.kernels.host.keeper import Keeper
from hugeresv.kernels.host.names import Names
from hugeresv.kernels.host.pool import HugePool
from hugeresv.kernels.host.process import PATIENCE_SECONDS, Worker
from hugeresv.kernels.host.readings import Readings
from hugeresv.kernels.protocol import Answer, MappingView, PageState
from hugeresv.kernels.system_outcome import outcome_of_errno, outcome_of_signal
from hugeresv.outcome import Outcome
from hugeresv.scenario import operation as ops
from hugeresv.scenario.scenario import Cgroup

_HANG_SECONDS = 3.0
"""After this a call that may hang is given up."""

_GRACE_SECONDS = 1.0
"""How long it then has to return, when nobody else is left."""

_STATE = {observe.HOLE: PageState.HOLE, observe.PRESENT: PageState.PRESENT, observe.ABSENT: PageState.ABSENT}


class HostSession(ClosedOnExit):
    """A session of `HostKernel`. See `protocol.Session` for what its methods promise.

    Processes end, and files, segments and mounts are let go, in the order in which they came into being.
    """

    def __init__(self, claim: Claim, pool: HugePool, cgroups: Mapping[str, Cgroup] | None) -> None:
        self._claim = claim
        self._pool = pool
        self._page_bytes = pool.page_size_kB * 1024
        self._names = Names()
        self._workers: dict[str, Worker] = {}
        self._root, pid = claim.keeper()
        self._keeper = keeper = Keeper(self._root, pid, self._names, self._page_bytes)
        self._over = False
        self.closed = False
        self._by_keeper: dict[type[ops.Operation], Callable[[Any], int]] = {
            ops.OpenFile: keeper.open_file,
            ops.Memfd: keeper.memfd,
            ops.CloseFile: keeper.close_file,
            ops.Shmrm: keeper.remove_segment,
            ops.Mount: keeper.mount,
            ops.Umount: keeper.umount,
            ops.CgroupSet: keeper.set_cgroup,
            ops.CgroupRmdir: keeper.remove_cgroup,
        }
        with self._collapsing_when_interrupted():
            if cgroups:
                self._make_cgroups(cgroups)
            self._readings = Readings(pool, keeper, self._names, has_cgroups=bool(cgroups))

    def apply(self, operation: ops.Operation, *, may_hang: bool = False) -> Answer:
        """Carry out one operation with real system calls.

        Raises UnavailableError for a call that does not return within half a minute although it was not said to hang;
        every process is ended then.
        """
        if self._over:
            raise ScenarioError("the session has ended with a call that never returned")
        with self._collapsing_when_interrupted():
            try:
                outcome = self._carry_out(operation, _HANG_SECONDS if may_hang else PATIENCE_SECONDS)
            except TimeoutError:
                answer = self._readings.answer(Outcome.HANG)
                self._collapse()
                if may_hang:
                    return answer
                raise UnavailableError(
                    f"{operation.op} did not return within {PATIENCE_SECONDS:g} s, and its step does not say it hangs"
                ) from None
            return self._readings.answer(outcome)

    def view(self, proc: str, mapping: str) -> MappingView | None:
        """What the process sees of the mapping; see `observe` for how."""
        binding = self._names.processes.get(proc, {}).get(mapping)
        if binding is None:
            return None
        pages = -(-binding.extent_bytes // self._page_bytes)
        with self._collapsing_when_interrupted():
            number, runs = self._workers[proc].call("observe", binding.start, pages, self._page_bytes)
        if number:
            raise UnavailableError(f"cannot observe mapping {mapping!r} of {proc!r}: {os.strerror(number)}")
        return MappingView(binding.shared, tuple((_STATE[state], count) for state, count in runs))

    def release(self) -> Answer:
        """End and let go of everything but the cgroups, whose usage then shows what leaked there."""
        with self._collapsing_when_interrupted():
            self._let_go()
            return self._readings.answer(Outcome.OK)

    def close(self) -> None:
        """Release, and remove the cgroups. The pool goes back when the kernel is closed."""
        if self.closed:
            return
        self.closed = True
        try:
            self._let_go()
            if not self._over:
                self._keeper.remove_cgroups()
        except (EOFError, TimeoutError):
            self._collapse()
        self._readings.close()

    def _make_cgroups(self, cgroups: Mapping[str, Cgroup]) -> None:
        try:
            self._keeper.make_cgroups(self._claim.cgroups(), cgroups)
        except UnavailableError:
            self._collapse()
            raise

    def _carry_out(self, operation: ops.Operation, patience: float) -> Outcome:
        match operation:
            case ops.SetNrHugepages(n=pages):
                return outcome_of_errno(_errno_of(self._pool.set_nr, pages))
            case ops.SetNrOvercommit(n=pages):
                return outcome_of_errno(_errno_of(self._pool.set_nr_overcommit, pages))
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
        number, value = worker.call(call.name, *call.arguments, file=call.file, patience=patience)
        if call.name == "touch" and number == 0:
            return outcome_of_signal(value)
        if number == 0:
            call.learn(value)
        return outcome_of_errno(number)

    def _process(self, proc: str) -> Worker:
        """The process of that name, which comes into being when first named."""
        if proc not in self._workers:
            number, worker = self._root.fork()
            if worker is None:
                raise UnavailableError(f"cannot make process {proc!r}: {os.strerror(number)}")
            self._workers[proc] = worker
            self._names.processes[proc] = {}
        return self._workers[proc]

    def _fork(self, operation: ops.Fork, patience: float) -> int:
        if operation.child in self._workers:
            raise ScenarioError(f"there is a process {operation.child!r} already")
        number, worker = self._process(operation.proc).fork(patience)
        if worker is not None:
            self._workers[operation.child] = worker
            self._names.fork(operation.proc, operation.child)
        return number

    def _let_go(self) -> None:
        for proc in list(self._workers):
            self._exit(proc, PATIENCE_SECONDS)
        if not self._over:
            self._keeper.release()

    def _exit(self, proc: str, patience: float) -> None:
        self._workers[proc].end(patience)
        self._workers.pop(proc).let_go()
        del self._names.processes[proc]

    @contextmanager
    def _collapsing_when_interrupted(self) -> Iterator[None]:
        """After an interrupted conversation with a worker nobody knows what it will say next: then the world ends."""
        try:
            yield
        except (EOFError, TimeoutError):
            self._collapse()
            raise UnavailableError("a process of the scenario was killed by someone else, or is stuck") from None
        except KeyboardInterrupt:
            self._collapse()
            raise

    def _collapse(self) -> None:
        """End everything, a stuck process last: it may wait for pages of the others, and can end only after them."""
        self._over = True
        stuck = [worker for worker in self._workers.values() if worker.busy]
        for worker in self._workers.values():
            if worker not in stuck:
                with suppress(EOFError, TimeoutError):
                    worker.end(_GRACE_SECONDS)
        for worker in stuck:
            worker.await_return(_GRACE_SECONDS)
        for worker in self._workers.values():
            worker.let_go()
        self._workers.clear()
        self._names.clear()
        self._claim.end_world()


def _errno_of(write: Callable[[int], None], pages: int) -> int:
    try:
        write(pages)
    except OSError as error:
        return error.errno or 0
    return 0
