"""One scenario's time on a guest."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

from hugeresv.errors import ScenarioError, UnavailableError
from hugeresv.kernels.closed_on_exit import ClosedOnExit
from hugeresv.kernels.guest.memory import GuestMemory
from hugeresv.kernels.guest.process import KEEPER, PATIENCE_SECONDS, GuestWorker
from hugeresv.kernels.guest.readings import GuestPool, GuestReadings
from hugeresv.kernels.guest.snapshot import Snapshot
from hugeresv.kernels.host.calls import call_of
from hugeresv.kernels.host.keeper import Keeper
from hugeresv.kernels.host.names import Names
from hugeresv.kernels.protocol import Answer, MappingView, PageState
from hugeresv.kernels.system_outcome import outcome_of_errno, outcome_of_signal
from hugeresv.outcome import Outcome
from hugeresv.scenario import operation as ops
from hugeresv.scenario.scenario import Cgroup, Pool

_HANG_SECONDS = 8.0
"""After this a call that may hang is given up; on the host it is 3 s, and emulation is that much slower."""

_CGROUPS = "/sys/fs/cgroup"
_STATE = {"H": PageState.HOLE, "P": PageState.PRESENT, "A": PageState.ABSENT}


class GuestSession(ClosedOnExit):
    """A session of `GuestKernel`. See `protocol.Session` for what its methods promise.

    Processes end, and files, segments and mounts are let go, in the order in which they came into being.
    """

    def __init__(self, snapshot: Snapshot, pool: Pool, cgroups: Mapping[str, Cgroup] | None) -> None:
        self._page_bytes = pool.page_bytes
        self._names = Names()
        self._workers: dict[str, GuestWorker] = {}
        self._over = False
        self._snapshot = snapshot
        self._guest = snapshot.restore()
        conversation = self._guest.conversation
        self._root = GuestWorker(conversation, KEEPER)
        self._keeper = keeper = Keeper(self._root, snapshot.keeper, self._names, self._page_bytes)
        self._pool = GuestPool(conversation, pool)
        self._readings = GuestReadings(conversation, self._pool, self._names, has_cgroups=cgroups is not None)
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
        try:
            with self._saying_how_it_ended():
                self._pool.fill()
                keeper.make_cgroups(_CGROUPS, cgroups or {})
        except BaseException:
            self.close()
            raise

    def apply(self, operation: ops.Operation, *, may_hang: bool = False) -> Answer:
        """Carry out one operation with real system calls.

        Raises UnavailableError for a call that does not return within a minute although it was not said to hang, and
        for a kernel that does not survive the operation.
        """
        if self._over:
            raise ScenarioError("the session has ended with a call that never returned")
        with self._saying_how_it_ended():
            try:
                outcome = self._carry_out(operation, _HANG_SECONDS if may_hang else PATIENCE_SECONDS)
            except TimeoutError:
                self._over = True
                if may_hang:
                    return self._readings.answer(Outcome.HANG)
                raise UnavailableError(
                    f"{operation.op} did not return within {PATIENCE_SECONDS:g} s, and its step does not say it hangs"
                ) from None
            return self._readings.answer(outcome)

    def view(self, proc: str, mapping: str) -> MappingView | None:
        """What the process sees of the mapping; `agent.c` says how."""
        binding = self._names.processes.get(proc, {}).get(mapping)
        if binding is None or self._over:
            return None
        pages = -(-binding.extent_bytes // self._page_bytes)
        with self._saying_how_it_ended():
            errno, runs = self._workers[proc].observe(binding.start, pages, self._page_bytes)
        if errno:
            raise UnavailableError(f"cannot observe mapping {mapping!r} of {proc!r}: {os.strerror(errno)}")
        return MappingView(binding.shared, tuple((_STATE[run[0]], int(run[1:])) for run in runs))

    def release(self) -> Answer:
        """End and let go of everything but the cgroups, whose usage then shows what leaked there."""
        with self._saying_how_it_ended():
            for proc in list(self._workers):
                self._exit(proc, PATIENCE_SECONDS)
            self._keeper.release()
            return self._readings.answer(Outcome.OK)

    @property
    def memory(self) -> GuestMemory:
        """The guest's memory, for as long as the session lives."""
        ram = self._guest.ram
        return GuestMemory(ram.path, ram.size_bytes, ram.segments, self._snapshot.vmcoreinfo)

    def kernel_symbols(self, names: Sequence[str]) -> dict[str, int]:
        """Addresses of the kernel's symbols by name, out of /proc/kallsyms, without those that it does not have."""
        with self._saying_how_it_ended():
            return self._snapshot.kernel_symbols(self._guest.conversation, names)

    def close(self) -> None:
        """End the guest, and everything with it."""
        self._guest.close()

    def _carry_out(self, operation: ops.Operation, patience: float) -> Outcome:
        match operation:
            case ops.SetNrHugepages(n=pages):
                return outcome_of_errno(self._pool.write("nr_hugepages", pages))
            case ops.SetNrOvercommit(n=pages):
                return outcome_of_errno(self._pool.write("nr_overcommit_hugepages", pages))
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

    def _process(self, proc: str) -> GuestWorker:
        """The process of that name, which comes into being when first named."""
        if proc not in self._workers:
            errno, worker = self._root.fork(self._free_number())
            if worker is None:
                raise UnavailableError(f"cannot make process {proc!r}: {os.strerror(errno)}")
            self._workers[proc] = worker
            self._names.processes[proc] = {}
        return self._workers[proc]

    def _fork(self, operation: ops.Fork, patience: float) -> int:
        if operation.child in self._workers:
            raise ScenarioError(f"there is a process {operation.child!r} already")
        errno, worker = self._process(operation.proc).fork(self._free_number(), patience)
        if worker is not None:
            self._workers[operation.child] = worker
            self._names.fork(operation.proc, operation.child)
        return errno

    def _free_number(self) -> int:
        taken = {worker.number for worker in self._workers.values()}
        return next(number for number in count(KEEPER + 1) if number not in taken)

    def _exit(self, proc: str, patience: float) -> None:
        self._workers[proc].end(patience)
        del self._workers[proc]
        del self._names.processes[proc]

    @contextmanager
    def _saying_how_it_ended(self) -> Iterator[None]:
        """A guest that ends under a scenario was ended by its own kernel: what that printed is what there is to say."""
        try:
            yield
        except EOFError:
            raise UnavailableError(f"the guest has ended; its last words:\n{self._guest.last_words()}") from None
