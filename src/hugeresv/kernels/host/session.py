"""One scenario's time on the host."""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from hugeresv.answer import Answer
from hugeresv.calls.call import Call
from hugeresv.calls.names import Names
from hugeresv.errors import UnavailableError, UnsupportedError
from hugeresv.kernels.host.claim import Claim
from hugeresv.kernels.host.pool import HugePool
from hugeresv.kernels.host.process import PATIENCE_SECONDS, Worker
from hugeresv.kernels.host.readings import HostReadings
from hugeresv.kernels.host.world import MOUNTS
from hugeresv.kernels.keeper import Keeper
from hugeresv.kernels.process_session import ProcessSession, WorkerCall
from hugeresv.outcome import Outcome
from hugeresv.scenario.scenario import Cgroup, Together
from hugeresv.sources.pool_files import COUNTERS, OVERCOMMIT, directory

_GRACE_SECONDS = 1.0
"""How long a call that was given up has to return, when no other process is left."""

_MEETING_NS = 1_000_000
"""In which every worker has heard of its call."""

_SPREAD_NS = 20_000
"""By so much a call may start before another: no one of them is always the first."""


class HostSession(ProcessSession[Worker]):
    """A session of `HostKernel`. When a call does not return, every process is ended."""

    hang_seconds = 3.0
    patience_seconds = PATIENCE_SECONDS

    def __init__(
        self, claim: Claim, pool: HugePool, cgroups: Mapping[str, Cgroup] | None, *, tells_nodes: bool = False
    ) -> None:
        """`tells_nodes`: the scenario tells nodes apart, of which there is one."""
        names = Names(pool.page_size_kB * 1024, cgroups)
        root, pid = claim.keeper()
        super().__init__(root, Keeper(root, pid, names, MOUNTS), names)
        self._claim = claim
        self._pool = pool
        self.closed = False
        with self._conversing():
            if cgroups:
                self._make_cgroups()
            self._readings: HostReadings = HostReadings(
                pool, self.keeper, names, has_cgroups=bool(cgroups), tells_nodes=tells_nodes
            )

    def close(self) -> None:
        """Release, and remove the cgroups. The pool goes back when the kernel is closed."""
        if self.closed:
            return
        self.closed = True
        try:
            self._let_go()
            if not self.over:
                self.keeper.remove_cgroups()
        except (EOFError, TimeoutError):
            self._collapse()
        self._readings.close()

    def _apply(self, call: Call, *, may_hang: bool) -> Answer:
        """Raises UnavailableError also where another program has changed the pool since the step before."""
        with self._readings.undisturbed():
            return super()._apply(call, may_hang=may_hang)

    def release(self) -> Answer:
        """See `ProcessSession`. Raises UnavailableError where another program has changed the pool."""
        if self.over:
            return super().release()
        with self._readings.undisturbed():
            return super().release()

    def _together(self, block: Together, calls: Sequence[Call]) -> Answer:
        with self._readings.undisturbed():
            return super()._together(block, calls)

    def _at_once(self, told: Sequence[WorkerCall[Worker]], patience: float) -> list[tuple[int, int]]:
        moment = time.monotonic_ns() + _MEETING_NS
        for worker, name, words in told:
            worker.begin(name, words, moment + random.randrange(_SPREAD_NS))
        answers = [worker.answer(patience) for worker, _, _ in told]
        return [(answer.errno, answer.value or 0) for answer in answers]

    def _make_cgroups(self) -> None:
        try:
            self.keeper.make_cgroups(self._claim.cgroups())
        except UnavailableError:
            self._collapse()
            raise

    def _write_pool(self, page_bytes: int, file: str, number: int, node: int | None) -> int:
        try:
            if file == COUNTERS[0]:
                self._pool.set_nr(number, node)
            elif file == OVERCOMMIT:
                self._pool.set_nr_overcommit(number)
            else:
                raise UnsupportedError(
                    "demotion does not run on the host, where only the pool of one size is used; run it "
                    "in a guest: --on guest:NAME"
                )
        except OSError as error:
            return error.errno or 0
        return 0

    def _pool_directory(self, page_bytes: int) -> str:
        return directory(page_bytes >> 10)

    def _cpus(self, node: int) -> Sequence[int]:
        try:
            ranges = Path(f"/sys/devices/system/node/node{node}/cpulist").read_text().strip().split(",")
        except OSError:
            return ()
        ends = (cpus.split("-") for cpus in ranges if cpus)
        return [cpu for first, *last in ends for cpu in range(int(first), int((last or [first])[0]) + 1)]

    def _pid(self, worker: Worker) -> int:
        raise UnsupportedError("pages of other processes are not migrated on the host")

    def _give_up(self) -> Answer:
        answer = self._readings.answer(Outcome.HANG)
        self._collapse()
        return answer

    @contextmanager
    def _conversing(self) -> Iterator[None]:
        """After an interrupted conversation with a worker its next line may answer either call: the world ends."""
        try:
            yield
        except (EOFError, TimeoutError):
            self._collapse()
            raise UnavailableError(
                "a process of the scenario was killed by another program, or is stuck; run the scenario again"
            ) from None
        except KeyboardInterrupt:
            self._collapse()
            raise

    def _collapse(self) -> None:
        """End everything, a stuck process last: it may wait for pages of the others, and can end only after them."""
        self.over = True
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
        self.names.clear()
        self._claim.end_world()
