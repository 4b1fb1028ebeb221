"""One scenario's time on a guest."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from hugeresv.answer import Answer, Counters, KernelReport
from hugeresv.calls.call import Call
from hugeresv.calls.names import Names
from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest.conversation import LostError
from hugeresv.kernels.guest.memory import GuestMemory
from hugeresv.kernels.guest.process import KEEPER, PATIENCE_SECONDS, GuestWorker, meet
from hugeresv.kernels.guest.readings import GuestFiles, GuestPool, GuestReadings
from hugeresv.kernels.guest.report import report_line
from hugeresv.kernels.guest.snapshot import BootedGuest
from hugeresv.kernels.keeper import Keeper
from hugeresv.kernels.process_session import FIRST_NODE, ProcessSession, WorkerCall
from hugeresv.outcome import Outcome
from hugeresv.scenario.scenario import Cgroup, Pool, Together

CGROUPS = "/sys/fs/cgroup"
MOUNTS = "/dev"
"""Where mounts are made: a directory that the agent has there."""

_USUAL_PAGE_BYTES = 2 << 20
"""Larger pages are made at boot: who has given them back may not get them again."""

_SETTLING_SECONDS = 0.02
"""A kernel that prints nothing for so long has said what it had to say."""


class GuestSession(ProcessSession[GuestWorker]):
    """A session of `GuestKernel`. A kernel that does not survive an operation answers `CRASH`, and is over."""

    hang_seconds = 8.0
    """On the host it is 3 s, and emulation is that much slower."""

    patience_seconds = PATIENCE_SECONDS

    reached = False
    """Whether the allocation that was to fail last was asked for."""

    def __init__(
        self,
        snapshot: BootedGuest,
        pools: Sequence[Pool],
        cgroups: Mapping[str, Cgroup] | None,
        nodes: int | None,
        *,
        keep: bool = False,
        longest_seconds: float = math.inf,
    ) -> None:
        """`nodes`: how many the scenario tells apart, None where it does not.

        `keep`: whether it may have the guest of the scenario before, and leave it to the next one. `longest_seconds`:
        after this any call is given up.
        """
        architecture = snapshot.architecture
        first, *further = (pool.page_bytes for pool in pools)
        names = Names(
            first,
            cgroups,
            further_sizes=further,
            next_address=architecture.first_address,
            gap_bytes=architecture.gap_bytes,
        )
        self._snapshot = snapshot
        self._keep = keep and nodes is None and all(pool.page_bytes == _USUAL_PAGE_BYTES for pool in pools)
        self._released = False
        self._guest = snapshot.take(fresh=not self._keep)
        self._heard_bytes = self._guest.printed_bytes
        """How much of what the kernel has printed is known."""
        conversation = self._guest.conversation
        conversation.longest_seconds = longest_seconds
        root = GuestWorker(conversation, KEEPER, snapshot.keeper, architecture, {KEEPER})
        controllers = ("hugetlb",) if nodes is None else ("hugetlb", "cpuset")
        keeper = Keeper(root, snapshot.keeper, names, MOUNTS, controllers)
        super().__init__(root, keeper, names)
        files = GuestFiles(conversation)
        made = [GuestPool(files, pool, architecture.word_bits, nodes) for pool in pools]
        self.pools = {pool.page_bytes: pool for pool in made}
        self._readings: GuestReadings = GuestReadings(
            conversation, files, made, keeper, names, has_cgroups=cgroups is not None
        )
        try:
            with self._conversing():
                root.call("sched_setaffinity", 0, *self._affinity(FIRST_NODE))
                for pool in made:
                    pool.fill()
                keeper.make_cgroups(CGROUPS)
                self._last = self._readings.answer(Outcome.OK)
        except BaseException:
            self.close()
            raise

    @property
    def pids(self) -> dict[str, int]:
        """The process IDs in the guest of the scenario's processes."""
        return {proc: worker.pid for proc, worker in self._workers.items()}

    @property
    def page_bytes(self) -> int:
        """The page size of the scenario's pool."""
        return self.names.page_bytes

    @property
    def memory(self) -> GuestMemory:
        """The guest's memory, for as long as the session lives."""
        ram = self._guest.ram
        return GuestMemory(ram.path, ram.size_bytes, ram.segments, self._snapshot.vmcoreinfo)

    def kernel_symbols(self, names: Sequence[str]) -> dict[str, int]:
        """Addresses of the kernel's symbols by name, out of /proc/kallsyms, without those that it does not have."""
        with self._conversing():
            return self._snapshot.kernel_symbols(self._guest.conversation, names)

    def release(self) -> Answer:
        """See `ProcessSession`."""
        if self.over:
            return self._last
        answer = self._watched(super().release)
        self._released = answer.report is None
        return answer

    def close(self) -> None:
        """End the guest, and everything with it; or leave it to the next scenario, where nothing is left in it."""
        if self._keep and self._released and not self.spoiled and self._empty():
            self._snapshot.give_back(self._guest)
        else:
            self._guest.close()

    def _empty(self) -> bool:
        """Take back pools and cgroups: whether that leaves a guest in which nothing is counted."""
        used = (self._last.cgroups, *(pool.cgroups for pool in (self._last.pools or {}).values()))
        if any(usage != (0, 0) for cgroups in used for usage in (cgroups or {}).values()):
            return False
        try:
            self.keeper.remove_cgroups()
            return all(pool.emptied() for pool in self.pools.values())
        except (EOFError, TimeoutError, UnavailableError):
            return False

    def _apply(self, call: Call, *, may_hang: bool) -> Answer:
        before = self._last
        answer = self._watched(lambda: super(GuestSession, self)._apply(call, may_hang=may_hang))
        if call.name == "set_nr_hugepages" and self._fills_a_node(before, answer, *call.words):
            self.over = True
            return before._replace(outcome=Outcome.NODE_FULL, report=answer.report)
        return answer

    def _apply_failing(self, call: Call, fails: int) -> Answer:
        """An allocation of the process that makes the call fails, of the keeper where no process makes it."""
        with self._conversing():
            worker = self._root if call.task is None else self._worker(call.task)
        worker.fails, worker.reached = fails, False
        try:
            return self._apply(call, may_hang=True)
        finally:
            worker.fails = None
            self.reached = worker.reached

    def _together(self, block: Together, calls: Sequence[Call]) -> Answer:
        return self._watched(lambda: super(GuestSession, self)._together(block, calls))

    def _fills_a_node(self, before: Answer, after: Answer, pages: int, page_bytes: int, node: int | None) -> bool:
        """Whether a write to a node's file has made more pages than any rule asks for: until the memory has ended."""
        if node is None:
            return False
        was, now = (self._counters_in(answer, page_bytes) for answer in (before, after))
        return now.total - was.total > pages + was.surp

    def _counters_in(self, answer: Answer, page_bytes: int) -> Counters:
        """The counters that an answer has of a pool."""
        if page_bytes == self.page_bytes or answer.pools is None:
            return answer.counters
        return answer.pools[page_bytes >> 10].counters

    def _watched(self, step: Callable[[], Answer]) -> Answer:
        """What a step answers, with what the kernel prints against itself meanwhile; also where it does not survive."""
        try:
            answer = step()
            if answer.report is None and self._guest.printed_bytes > self._heard_bytes:
                answer = answer._replace(report=self._report())
        except LostError as lost:
            self.over = True
            report = self._report() or KernelReport(str(lost).partition("\n")[0], self._guest.printed())
            answer = self._last._replace(outcome=lost.outcome, report=report)
        self._last = answer._replace(report=None)
        return answer

    def _does_not_return(self, call: Call, answer: Answer) -> Answer:
        patience = min(self.patience_seconds, self._guest.conversation.longest_seconds)
        line = f"{call.name} did not return within {patience:g} s"
        return answer._replace(report=self._report() or KernelReport(line, self._guest.printed()))

    def _report(self) -> KernelReport | None:
        """What it has printed against itself since it was heard last: recent kernels print from a thread of theirs."""
        heard, self._heard_bytes = self._heard_bytes, self._guest.printed_bytes
        while True:
            time.sleep(_SETTLING_SECONDS)
            if self._guest.printed_bytes == self._heard_bytes:
                break
            self._heard_bytes = self._guest.printed_bytes
        line = report_line(self._guest.printed(heard))
        return None if line is None else KernelReport(line, self._guest.printed())

    def _at_once(self, told: Sequence[WorkerCall[GuestWorker]], patience: float) -> list[tuple[int, int]]:
        return meet(told, patience)

    def _write_pool(self, page_bytes: int, file: str, number: int, node: int | None) -> int:
        return self.pools[page_bytes].write(file, number, node)

    def _pool_directory(self, page_bytes: int) -> str:
        return self.pools[page_bytes].directory()

    def _cpus(self, node: int) -> Sequence[int]:
        """Each of several nodes has one, a single node all."""
        return self._snapshot.cpus if self._snapshot.nodes == 1 else [node]

    def _pid(self, worker: GuestWorker) -> int:
        return worker.pid

    def _give_up(self) -> Answer:
        self.over = True
        return self._readings.answer(Outcome.HANG)

    @contextmanager
    def _conversing(self) -> Iterator[None]:
        """A guest that ends under a scenario was ended by its own kernel: what that printed is what there is to say."""
        try:
            yield
        except EOFError:
            said = f"the guest has ended; its last words:\n{self._guest.last_words()}"
            raise LostError(said, Outcome.CRASH) from None
        except TimeoutError:
            raise LostError("what prepares or releases a scenario did not return in the guest", Outcome.HANG) from None
