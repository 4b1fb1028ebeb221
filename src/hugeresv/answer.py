"""What a kernel answers to one operation: an outcome, and its counters right after it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from hugeresv.outcome import Outcome


class Counters(NamedTuple):
    """The sysfs counters of one page size, in pages. `rsvd` is signed: -1 is 18446744073709551615 in sysfs."""

    total: int
    free: int
    rsvd: int
    surp: int


class NodeCounters(NamedTuple):
    """A node's part of the counters of one page size, in pages. Reservations have no node."""

    total: int
    free: int
    surp: int


class CgroupUsage(NamedTuple):
    """A cgroup's hierarchical usage in pages: hugetlb.*.current and hugetlb.*.rsvd.current."""

    usage: int
    rsvd: int


class PoolAnswer(NamedTuple):
    """The counters of a pool, of its nodes where the scenario tells nodes apart, and what cgroups have of it."""

    counters: Counters
    nodes: tuple[NodeCounters, ...] | None = None
    cgroups: Mapping[str, CgroupUsage] | None = None


class Statfs(NamedTuple):
    """statfs(2) of a hugetlbfs mount with a size limit, in pages."""

    blocks: int
    bfree: int
    bavail: int


@dataclass(frozen=True, slots=True)
class KernelReport:
    """What a kernel prints against itself: an oops, a panic, a warning, a report of lockdep, KASAN or another checker.

    `line` tells it from others: the report's first line without what differs from one time to the next. `log` is all
    that the kernel has printed in the scenario.
    """

    line: str
    log: str = field(compare=False)


class Answer(NamedTuple):
    """What a kernel says to one operation, and its counters right after it.

    `cgroups` is None where the scenario has none, `statfs` where no mount with a size limit is mounted, `nodes` where
    the scenario does not tell nodes apart, `pools` where it has one page size, and `report` where the kernel says
    nothing against itself. `counters`, `cgroups` and `nodes` are those of the scenario's first pool, `pools` those of
    the others, by their page size in kB. The counters beside `CRASH` are those of the step before.
    """

    outcome: Outcome
    counters: Counters
    cgroups: Mapping[str, CgroupUsage] | None = None
    statfs: Mapping[str, Statfs] | None = None
    nodes: tuple[NodeCounters, ...] | None = None
    pools: Mapping[int, PoolAnswer] | None = None
    report: KernelReport | None = None
    outcomes: Mapping[str, Outcome] | None = None
    """Of concurrent calls what each answered, by its process or operation; None where that depends on their order."""
    numa_stat: Mapping[str, tuple[int, ...]] | None = None
    """A cgroup's pages in use on each node, of the first pool (hugetlb.*.numa_stat).

    None where nodes are not told apart, before 5.17, and after a cgroup was removed: a kernel forgets it only later.
    """
