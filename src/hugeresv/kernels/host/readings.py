"""What is read after every step: the pool's counters, the cgroups' usage, the mounts' statfs."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from hugeresv.answer import Answer, CgroupUsage, Counters, NodeCounters, Statfs
from hugeresv.calls.call import OfMount
from hugeresv.calls.names import Names
from hugeresv.errors import UnavailableError
from hugeresv.kernels.host.pool import HugePool
from hugeresv.kernels.keeper import Keeper
from hugeresv.outcome import Outcome
from hugeresv.units import cgroup_size

_LONGEST_NUMBER = 32


PoolState = tuple[Counters, int]
"""The counters, and the limit of surplus pages."""


class HostReadings:
    """The readings of one session. Descriptors stay open, except on mounts, where one would keep the mount busy."""

    def __init__(
        self, pool: HugePool, keeper: Keeper, names: Names, *, has_cgroups: bool, tells_nodes: bool = False
    ) -> None:
        self._pool = pool
        self._keeper = keeper
        self._names = names
        self._has_cgroups = has_cgroups
        self._tells_nodes = tells_nodes
        self._last = self._pool_now()
        size = cgroup_size(pool.page_size_kB)
        self._usage_files = {
            name: tuple(
                os.open(keeper.seen_from_here(f"{path}/hugetlb.{size}.{file}"), os.O_RDONLY)
                for file in ("current", "rsvd.current")
            )
            for name, path in keeper.cgroups.items()
        }

    def answer(self, outcome: Outcome) -> Answer:
        """An outcome, and how things stand now."""
        self._last = self._pool_now()
        (total, free, _, surp), _ = self._last
        nodes = (NodeCounters(total, free, surp),) if self._tells_nodes else None
        return Answer(outcome, self._last[0], self._cgroups(), self._statfs(), nodes)

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Around a step. Raises UnavailableError where the pool was not as the step before left it.

        Between two steps nothing of ours runs. A process of ours that was killed meanwhile shows in the step first.
        """
        left, found = self._last, self._pool_now()
        yield
        if left != found:
            raise UnavailableError(self._disturbed(left, found))

    def _disturbed(self, left: PoolState, found: PoolState) -> str:
        (before, limit), (now, limit_now) = left, found
        pairs = [*zip(Counters._fields, before, now, strict=True), ("overcommit", limit, limit_now)]
        changes = ", ".join(f"{name} {was} to {is_now}" for name, was, is_now in pairs if was != is_now)
        return (
            f"the pool of {self._pool.page_size_kB} kB pages was changed by another program after a step: {changes}; "
            "stop that program and run the scenario again"
        )

    def close(self) -> None:
        """Close the files."""
        for files in self._usage_files.values():
            for descriptor in files:
                os.close(descriptor)

    def _pool_now(self) -> PoolState:
        return Counters._make(self._pool.counters()), self._pool.nr_overcommit()

    def _cgroups(self) -> Mapping[str, CgroupUsage] | None:
        if not self._has_cgroups:
            return None
        return {name: CgroupUsage(*map(self._pages, self._usage_files[name])) for name in self._names.cgroups}

    def _pages(self, descriptor: int) -> int:
        return int(os.pread(descriptor, _LONGEST_NUMBER, 0)) // (self._pool.page_size_kB * 1024)

    def _statfs(self) -> Mapping[str, Statfs] | None:
        found = {}
        for name, mount in self._names.mounts.items():
            if mount.limited:
                status = os.statvfs(self._keeper.seen_from_here(self._keeper.mounts[OfMount(name)]))
                found[name] = Statfs(status.f_blocks, status.f_bfree, status.f_bavail)
        return found or None
