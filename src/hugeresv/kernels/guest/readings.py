"""What is read in a guest after every step: the pool's counters, the cgroups' usage, the mounts' statfs."""

import os
from collections.abc import Mapping

from hugeresv.answer import Answer, CgroupUsage, Counters, Statfs
from hugeresv.calls.call import OfMount
from hugeresv.calls.names import Names
from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest.conversation import Conversation
from hugeresv.kernels.guest.process import PATIENCE_SECONDS
from hugeresv.kernels.keeper import Keeper
from hugeresv.outcome import Outcome
from hugeresv.scenario.scenario import Pool
from hugeresv.sources.pool_files import COUNTERS, OVERCOMMIT, counters, directory
from hugeresv.units import cgroup_size


class GuestPool:
    """The pool of one page size in a guest: read by an agent, and written. Its counters are words of the machine."""

    def __init__(self, conversation: Conversation, pool: Pool, word_bits: int) -> None:
        self._conversation = conversation
        self._pool = pool
        self._word_bits = word_bits
        self._path = directory(pool.page_size_kB)
        self._read: tuple[str, ...] = ()

    def fill(self) -> None:
        """Make it what the scenario begins with. Raises UnavailableError when the guest cannot."""
        overcommit = self._pool.nr_overcommit
        if overcommit and (errno := self.write(OVERCOMMIT, overcommit)):
            raise UnavailableError(
                f"the guest's pool of {self._pool.page_size_kB} kB cannot be overcommitted: {os.strerror(errno)}"
            )
        if errno := self.write("nr_hugepages", self._pool.pages):
            raise UnavailableError(
                f"the guest has no huge pages of {self._pool.page_size_kB} kB that can be added: {os.strerror(errno)}"
            )
        total = self.counters().total
        if total != self._pool.pages:
            raise UnavailableError(
                f"the guest could get only {total} of {self._pool.pages} huge pages of "
                f"{self._pool.page_size_kB} kB: its memory is not large enough"
            )

    def write(self, file: str, pages: int) -> int:
        """Write one of its files: an errno, 0 for success."""
        return int(self._conversation.ask("write", f"{self._path}/{file}", pages, patience=PATIENCE_SECONDS)[0])

    def counters(self) -> Counters:
        """Total, free, reserved (signed) and surplus pages."""
        return Counters(*counters(self.read(*(f"{self._path}/{file}" for file in COUNTERS)), self._word_bits))

    def cgroup_usage(self, path: str) -> CgroupUsage:
        """The usage of the cgroup of that directory."""
        size = cgroup_size(self._pool.page_size_kB)
        usage = self.read(*(f"{path}/hugetlb.{size}.{file}" for file in ("current", "rsvd.current")))
        return CgroupUsage(*(usage_bytes // self._pool.page_bytes for usage_bytes in usage))

    def read(self, *paths: str) -> list[int]:
        """The numbers that files hold. Those that were read last need not be named to the agent."""
        named = () if paths == self._read else paths
        self._read = paths
        errno, *texts = self._conversation.ask("read", *named)
        if int(errno):
            raise UnavailableError(f"cannot read {texts[0]} in the guest: {os.strerror(int(errno))}")
        return [int(text) for text in texts]


class GuestReadings:
    """The readings of one session."""

    def __init__(
        self, conversation: Conversation, pool: GuestPool, keeper: Keeper, names: Names, *, has_cgroups: bool
    ) -> None:
        self._conversation = conversation
        self._pool = pool
        self._keeper = keeper
        self._names = names
        self._has_cgroups = has_cgroups

    def answer(self, outcome: Outcome) -> Answer:
        """An outcome, and how things stand now."""
        return Answer(outcome, self._pool.counters(), self._cgroups(), self._statfs())

    def _cgroups(self) -> Mapping[str, CgroupUsage] | None:
        if not self._has_cgroups:
            return None
        return {name: self._pool.cgroup_usage(self._keeper.cgroups[name]) for name in self._names.cgroups}

    def _statfs(self) -> Mapping[str, Statfs] | None:
        found = {}
        for name, mount in self._names.mounts.items():
            if mount.limited:
                errno, *pages = self._conversation.ask("statfs", self._keeper.mounts[OfMount(name)])
                if int(errno):
                    raise UnavailableError(f"cannot read statfs of {name!r} in the guest: {os.strerror(int(errno))}")
                found[name] = Statfs(*map(int, pages))
        return found or None
