"""A scenario: an initial pool, a strictly sequential list of operations on it, and what each must answer."""

from collections.abc import Mapping
from dataclasses import field

from hugeresv.outcome import Outcome
from hugeresv.scenario.operation import Operation
from hugeresv.value import value

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@value()
class Pool:
    """The pool of one page size at the start: all pages free, none reserved."""

    page_size_kB: int
    nr_hugepages: int
    nr_overcommit: int | None = None

    @property
    def page_bytes(self) -> int:
        """Size of a huge page in bytes."""
        return self.page_size_kB * 1024


@value()
class Cgroup:
    """A cgroup v2 with the hugetlb controller; a limit that is None is not set."""

    max_pages: int | None = None
    rsvd_max_pages: int | None = None
    parent: str | None = None


@value()
class CgroupPages:
    """Expected hierarchical usage of a cgroup in pages: hugetlb.*.current and hugetlb.*.rsvd.current."""

    usage: int | None = None
    rsvd: int | None = None


@value()
class StatfsPages:
    """Expected statfs(2) of a hugetlbfs mount, in pages."""

    blocks: int | None = None
    bfree: int | None = None
    bavail: int | None = None


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


@value()
class Step:
    """One operation with what is said about it. `expect_on` overrides single keys of `expect` for a kernel by name."""

    operation: Operation
    note: str | None = None
    hangs: bool | None = None
    expect: Expectation | None = None
    expect_on: Mapping[str, Expectation] | None = None
    extra: Mapping[str, Json] = field(default_factory=dict)
    """Keys `x-…`, kept as they are."""


@value()
class Scenario:
    """A whole scenario. `leaks_rsvd`: the reservations that remain counted when everything of it is gone, in pages."""

    pool: Pool
    steps: tuple[Step, ...]
    id: str | None = None
    title: str | None = None
    source: Json = None
    cgroups: Mapping[str, Cgroup] | None = None
    leaks_rsvd: int | Mapping[str, int] | None = None
    extra: Mapping[str, Json] = field(default_factory=dict)
    """Unknown top-level keys, kept as they are."""
