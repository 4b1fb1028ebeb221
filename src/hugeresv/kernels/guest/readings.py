"""What is read in a guest after every step: the pools' counters, the cgroups' usage, the mounts' statfs."""

import os
from collections.abc import Mapping, Sequence

from hugeresv.answer import Answer, CgroupUsage, Counters, NodeCounters, PoolAnswer, Statfs
from hugeresv.calls.call import OfMount
from hugeresv.calls.names import Names
from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest.conversation import Conversation
from hugeresv.kernels.guest.process import PATIENCE_SECONDS
from hugeresv.kernels.keeper import Keeper
from hugeresv.outcome import Outcome
from hugeresv.plain import count_of
from hugeresv.scenario.scenario import Pool
from hugeresv.sources.pool_files import COUNTERS, NODE_COUNTERS, OVERCOMMIT, counters, directory, signed_word
from hugeresv.units import cgroup_size

_MOST_PATHS = 48
"""In one request: the agent reads so many words at once, and some more."""


class GuestFiles:
    """Files in a guest, read and written by its agent."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._read: tuple[str, ...] = ()

    def read(self, *paths: str) -> list[int]:
        """The numbers that files hold, as such or as `N0=4096`. Files that were read last need not be named."""
        if len(paths) > _MOST_PATHS:
            first, rest = paths[:_MOST_PATHS], paths[_MOST_PATHS:]
            return [*self.read(*first), *self.read(*rest)]
        named = () if paths == self._read else paths
        self._read = paths
        errno, *texts = self._conversation.ask("read", *named)
        if int(errno):
            raise UnavailableError(f"cannot read {texts[0]} in the guest: {os.strerror(int(errno))}")
        return [int(text.rpartition("=")[2]) for text in texts]

    def has(self, path: str) -> bool:
        """Whether a file is there to be read."""
        self._read = (path,)
        return not int(self._conversation.ask("read", path)[0])

    def write(self, path: str, number: int) -> int:
        """Write a number in one call: an errno, 0 for success."""
        return int(self._conversation.ask("write", path, number, patience=PATIENCE_SECONDS)[0])


class GuestPool:
    """The pool of one page size in a guest. Its counters are words of the machine.

    `nodes`: how many nodes the scenario tells apart, None for a scenario that does not.
    """

    def __init__(self, files: GuestFiles, pool: Pool, word_bits: int, nodes: int | None = None) -> None:
        self._files = files
        self._pool = pool
        self._word_bits = word_bits
        self._nodes = range(nodes or 0)
        self.page_bytes = pool.page_bytes
        self.tells_nodes = nodes is not None
        self.paths = tuple(
            f"{self.directory(node)}/{file}"
            for node in (None, *self._nodes)
            for file in (COUNTERS if node is None else NODE_COUNTERS)
        )
        """The files of which `answer` takes the numbers."""

    def directory(self, node: int | None = None) -> str:
        """Where its files are, or those of one node."""
        if node is None:
            return directory(self._pool.page_size_kB)
        return directory(self._pool.page_size_kB, f"/sys/devices/system/node/node{node}")

    def fill(self) -> None:
        """Make it what the scenario begins with. Raises UnavailableError when the guest cannot."""
        size_kb = self._pool.page_size_kB
        overcommit = self._pool.nr_overcommit
        if overcommit and (errno := self.write(OVERCOMMIT, overcommit)):
            raise UnavailableError(f"the guest's pool of {size_kb} kB cannot be overcommitted: {os.strerror(errno)}")
        if errno := self._fill_nodes() if self._nodes else self.write("nr_hugepages", self._pool.pages):
            raise UnavailableError(
                f"the guest has no huge pages of {size_kb} kB that can be added: {os.strerror(errno)}"
            )
        found, nodes, _ = self.answer(self._files.read(*self.paths))
        wanted, reached = self._pool.pages, [node.total for node in nodes or ()]
        if found.total != wanted or reached != self._pool.by_node(len(self._nodes)):
            raise UnavailableError(
                f"the guest could get only {found.total} of {count_of(wanted, 'huge page')} of {size_kb} kB: its "
                f"memory is not large enough{f', its nodes have {reached}' if nodes else ''}"
            )

    def _fill_nodes(self) -> int:
        """Node by node, the first one last: the cursors, which every attempt moves, are at the first node then."""
        wanted = self._pool.by_node(len(self._nodes))
        writes = [(node, pages) for node, pages in enumerate(wanted) if pages][::-1]
        if writes and writes[-1][0]:
            writes += [(0, 1), (0, 0)]
        if self._files.read(*(f"{self.directory(node)}/nr_hugepages" for node in self._nodes)) == wanted:
            return 0  # made at boot
        return next((errno for node, pages in writes if (errno := self.write("nr_hugepages", pages, node))), 0)

    def write(self, file: str, number: int, node: int | None = None) -> int:
        """Write one of its files: an errno, 0 for success."""
        return self._files.write(f"{self.directory(node)}/{file}", number)

    def emptied(self) -> bool:
        """Take back all that the scenario has made of it: whether nothing is counted then."""
        if self.write(OVERCOMMIT, 0) or self.write("nr_hugepages", 0):
            return False
        return self.answer(self._files.read(*self.paths)).counters == (0, 0, 0, 0)

    def answer(self, numbers: Sequence[int]) -> PoolAnswer:
        """The counters, and those of the nodes that are told apart, of what its `paths` hold."""
        size = len(NODE_COUNTERS)
        of_nodes = numbers[len(COUNTERS) :]
        nodes = tuple(NodeCounters(*of_nodes[at : at + size]) for at in range(0, len(of_nodes), size))
        return PoolAnswer(Counters(*counters(numbers[: len(COUNTERS)], self._word_bits)), nodes or None)

    def numa_stat_path(self, path: str) -> str:
        """The file of which `numa_stat` takes the numbers, of the cgroup of that directory."""
        return f"{path}/hugetlb.{cgroup_size(self._pool.page_size_kB)}.numa_stat"

    def usage_paths(self, path: str) -> list[str]:
        """The files of which `usage` takes the numbers, of the cgroup of that directory."""
        size = cgroup_size(self._pool.page_size_kB)
        return [f"{path}/hugetlb.{size}.{file}" for file in ("current", "rsvd.current")]

    def usage(self, usage_bytes: int, rsvd_bytes: int) -> CgroupUsage:
        """The usage of a cgroup."""
        return CgroupUsage(usage_bytes // self._pool.page_bytes, rsvd_bytes // self._pool.page_bytes)

    def numa_stat(self, numbers: Sequence[int]) -> tuple[int, ...]:
        """A cgroup's pages on each node that is told apart, of what its file has: all, then node by node."""
        return tuple(signed_word(number, self._word_bits) // self._pool.page_bytes for number in numbers[1:])


class GuestReadings:
    """The readings of one session. The first pool's counters are the answer's own."""

    def __init__(
        self,
        conversation: Conversation,
        files: GuestFiles,
        pools: Sequence[GuestPool],
        keeper: Keeper,
        names: Names,
        *,
        has_cgroups: bool,
    ) -> None:
        self._conversation = conversation
        self._files = files
        self._pools = pools
        self._keeper = keeper
        self._names = names
        self._has_cgroups = has_cgroups
        self._paths = [path for pool in pools for path in pool.paths]
        self._numa_stats: list[str] | None = None
        """Of each cgroup, as long as there are all; empty where they are not shown."""

    def answer(self, outcome: Outcome) -> Answer:
        """An outcome, and how things stand now. One request reads it all: its files are named only when others were."""
        directories = [self._keeper.cgroups[name] for name in (self._names.cgroups if self._has_cgroups else ())]
        of_cgroups = [path for pool in self._pools for there in directories for path in pool.usage_paths(there)]
        by_node = self._numa_stat_paths(directories)
        numbers = iter(self._files.read(*self._paths, *of_cgroups, *by_node))
        counted = [pool.answer([next(numbers) for _ in pool.paths]) for pool in self._pools]
        if self._has_cgroups:
            for place, pool in enumerate(self._pools):
                usage = {name: pool.usage(next(numbers), next(numbers)) for name in self._names.cgroups}
                counted[place] = counted[place]._replace(cgroups=usage)
        size = len(counted[0].nodes or ()) + 1
        numa_stat = {
            name: self._pools[0].numa_stat([next(numbers) for _ in range(size)])
            for name in (self._names.cgroups if by_node else ())
        }
        first, *others = counted
        pools = {pool.page_bytes >> 10: other for pool, other in zip(self._pools[1:], others, strict=True)}
        return Answer(
            outcome,
            first.counters,
            first.cgroups,
            self._statfs(),
            first.nodes,
            pools or None,
            numa_stat=numa_stat or None,
        )

    def _numa_stat_paths(self, directories: Sequence[str]) -> Sequence[str]:
        """The files that tell a cgroup's pages by node: from 5.17, where nodes are told apart and no cgroup is gone."""
        pool = self._pools[0]
        paths = [pool.numa_stat_path(there) for there in directories] if pool.tells_nodes else []
        if self._numa_stats is None:
            self._numa_stats = paths if paths and self._files.has(paths[0]) else []
        return paths if paths == self._numa_stats else ()

    def _statfs(self) -> Mapping[str, Statfs] | None:
        found = {}
        for name, mount in self._names.mounts.items():
            if mount.limited:
                errno, *pages = self._conversation.ask("statfs", self._keeper.mounts[OfMount(name)])
                if int(errno):
                    raise UnavailableError(f"cannot read statfs of {name!r} in the guest: {os.strerror(int(errno))}")
                found[name] = Statfs(*map(int, pages))
        return found or None
