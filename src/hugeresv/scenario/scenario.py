"""A scenario: an initial pool, a list of operations on it, and what each must answer.

One operation comes after the other, but for those in a block of concurrent calls.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import ClassVar

from hugeresv.answer import NodeCounters
from hugeresv.outcome import Outcome
from hugeresv.scenario.operation import Operation
from hugeresv.value import value

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@value()
class NodePages:
    """A node's part of a pool at the start."""

    nr: int


@value()
class Pool:
    """The pool of one page size at the start: all pages free, none reserved.

    Its size is given as one number or node by node: of `nr_hugepages` and `nodes` one is None.
    """

    page_size_kB: int
    nr_hugepages: int | None = None
    nr_overcommit: int | None = None
    nodes: tuple[NodePages, ...] | None = None

    @property
    def pages(self) -> int:
        """Pages at the start, on all nodes."""
        return sum(node.nr for node in self.nodes or ()) if self.nr_hugepages is None else self.nr_hugepages

    def by_node(self, nodes: int) -> list[int]:
        """The pages at the start of each of so many nodes: a number that was not given by node goes round."""
        if self.nodes:
            return [node.nr for node in self.nodes]
        return [len(range(node, self.pages, nodes)) for node in range(nodes)]

    @property
    def page_bytes(self) -> int:
        """Size of a huge page in bytes."""
        return self.page_size_kB * 1024


@value()
class CgroupLimits:
    """The limits of a cgroup for pages of one size; one that is None is not set."""

    max_pages: int | None = None
    rsvd_max_pages: int | None = None


@value()
class Cgroup(CgroupLimits):
    """A cgroup v2 with the hugetlb controller: its limits for pages of the first pool's size, and of other sizes."""

    parent: str | None = None
    pools: Mapping[str, CgroupLimits] | None = None
    """By page size in kB."""


@value()
class CgroupPages:
    """Expected hierarchical usage of a cgroup in pages: hugetlb.*.current and hugetlb.*.rsvd.current.

    `numa` is the usage on each node, signed (hugetlb.*.numa_stat).
    """

    usage: int | None = None
    rsvd: int | None = None
    numa: tuple[int, ...] | None = None


@value()
class StatfsPages:
    """Expected statfs(2) of a hugetlbfs mount, in pages."""

    blocks: int | None = None
    bfree: int | None = None
    bavail: int | None = None


@value()
class PoolPages:
    """Expected counters of a pool by its page size in kB. `rsvd` is signed."""

    total: int | None = None
    free: int | None = None
    rsvd: int | None = None
    surp: int | None = None
    nodes: tuple[NodeCounters, ...] | None = None
    cgroups: Mapping[str, CgroupPages] | None = None


@value()
class Expectation:
    """What must be true right after a step. None is not checked. `rsvd` is signed."""

    outcome: Outcome | None = None
    total: int | None = None
    free: int | None = None
    rsvd: int | None = None
    surp: int | None = None
    cgroups: Mapping[str, CgroupPages] | None = None
    statfs: Mapping[str, StatfsPages] | None = None
    nodes: tuple[NodeCounters, ...] | None = None
    pools: Mapping[str, PoolPages] | None = None
    page_size_kB: int | None = None
    """Whose counters `total` to `surp` and `nodes` are, where not the first pool's."""


@value()
class Step:
    """One operation with what is said about it. `expect_on` overrides single keys of `expect` for a kernel by name.

    `fails`: the number of the operation's allocation that fails, from 1.
    """

    operation: Operation
    note: str | None = None
    hangs: bool | None = None
    fails: int | None = None
    expect: Expectation | None = None
    expect_on: Mapping[str, Expectation] | None = None
    extra: Mapping[str, Json] = field(default_factory=dict)
    """Keys `x-…`, kept as they are."""


@value()
class Together(Operation):
    """Concurrent calls, each of another process or of none; what is expected of the block holds in whatever order.

    `switch`: one order, as `PROC@LOCK#N` (the process goes on until it asks for that lock for the N-th time, then
    another does) or `PROC` (it goes on as far as it can).
    """

    op: ClassVar[str] = "together"
    steps: tuple[Step, ...]
    switch: tuple[str, ...] | None = None


@value()
class Scenario:
    """A whole scenario. An operation that names no page size means `pool`.

    `leaks_rsvd`: the reservations that remain counted when everything of it is gone, in pages.
    """

    pool: Pool
    steps: tuple[Step, ...]
    id: str | None = None
    title: str | None = None
    source: Json = None
    cgroups: Mapping[str, Cgroup] | None = None
    leaks_rsvd: int | Mapping[str, int] | None = None
    pools: tuple[Pool, ...] | None = None
    """The pools of further page sizes."""
    extra: Mapping[str, Json] = field(default_factory=dict)
    """Unknown top-level keys, kept as they are."""
