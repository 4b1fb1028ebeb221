"""One scenario's time on a guest."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from hugeresv.answer import Answer
from hugeresv.calls.names import Names
from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest.memory import GuestMemory
from hugeresv.kernels.guest.process import KEEPER, PATIENCE_SECONDS, GuestWorker
from hugeresv.kernels.guest.readings import GuestPool, GuestReadings
from hugeresv.kernels.guest.snapshot import BootedGuest
from hugeresv.kernels.keeper import Keeper
from hugeresv.kernels.process_session import ProcessSession
from hugeresv.outcome import Outcome
from hugeresv.scenario.scenario import Cgroup, Pool

CGROUPS = "/sys/fs/cgroup"
MOUNTS = "/dev"
"""Where mounts are made: a directory that the agent has there."""


class GuestSession(ProcessSession[GuestWorker]):
    """A session of `GuestKernel`. It raises UnavailableError for a kernel that does not survive an operation."""

    hang_seconds = 8.0
    """On the host it is 3 s, and emulation is that much slower."""

    patience_seconds = PATIENCE_SECONDS

    def __init__(self, snapshot: BootedGuest, pool: Pool, cgroups: Mapping[str, Cgroup] | None) -> None:
        architecture = snapshot.architecture
        names = Names(
            pool.page_bytes, cgroups, next_address=architecture.first_address, gap_bytes=architecture.gap_bytes
        )
        self._snapshot = snapshot
        self._guest = snapshot.restore()
        conversation = self._guest.conversation
        root = GuestWorker(conversation, KEEPER, snapshot.keeper, architecture, {KEEPER})
        keeper = Keeper(root, snapshot.keeper, names, MOUNTS)
        super().__init__(root, keeper, names)
        self._pool = GuestPool(conversation, pool, architecture.word_bits)
        self._readings: GuestReadings = GuestReadings(
            conversation, self._pool, keeper, names, has_cgroups=cgroups is not None
        )
        try:
            with self._conversing():
                self._pool.fill()
                keeper.make_cgroups(CGROUPS)
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

    def close(self) -> None:
        """End the guest, and everything with it."""
        self._guest.close()

    def _write_pool(self, name: str, pages: int) -> int:
        file = "nr_hugepages" if name == "set_nr_hugepages" else "nr_overcommit_hugepages"
        return self._pool.write(file, pages)

    def _give_up(self) -> Answer:
        self.over = True
        return self._readings.answer(Outcome.HANG)

    @contextmanager
    def _conversing(self) -> Iterator[None]:
        """A guest that ends under a scenario was ended by its own kernel: what that printed is what there is to say."""
        try:
            yield
        except EOFError:
            raise UnavailableError(f"the guest has ended; its last words:\n{self._guest.last_words()}") from None
