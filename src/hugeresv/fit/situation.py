"""What is asked, and what stands in its way: the counters and limits that one task meets, frozen at one moment."""

from dataclasses import dataclass, replace
from enum import StrEnum

from hugeresv.ledger.observation import CgroupUse, Pool
from hugeresv.outcome import Outcome


class What(StrEnum):
    """Which call asks for the pages."""

    PRIVATE = "private"
    SHARED = "shared"
    SYSV = "sysv"


@dataclass(frozen=True, slots=True)
class Request:
    """A mapping of `pages` huge pages, all of which are then written to, the lowest first."""

    what: What
    pages: int
    noreserve: bool = False


@dataclass(frozen=True, slots=True)
class MountLimits:
    """A mounted hugetlbfs, in pages. `used_pages` counts where there is a size; `min_left_pages` of the minimum."""

    path: str
    size_pages: int | None
    min_size_pages: int | None
    used_pages: int
    min_left_pages: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that is refused before any page is counted, why, and the command after which it is not."""

    call: str
    outcome: Outcome
    code: str
    text: str
    command: str


@dataclass(frozen=True, slots=True)
class Situation:
    """One page size's pool and limits, as the task meets them. All counts are in pages of that size.

    free_elsewhere  free pages on NUMA nodes that the task's cpuset or memory policy keeps it from
    memory_pages    what free memory can make into surplus pages; None: not known
    grow            persistent pages to be added to the pool first, on nodes that the task may use
    cgroups         the task's own first, then those above it
    """

    pool: Pool
    free_elsewhere: int = 0
    memory_pages: int | None = None
    grow: int = 0
    mount: MountLimits | None = None
    cgroups: tuple[CgroupUse, ...] = ()
    refusal: Refusal | None = None

    @property
    def page_bytes(self) -> int:
        """The page size."""
        return self.pool.page_size_kB << 10

    @property
    def persistent(self) -> int:
        """What nr_hugepages is set to: the pool without its surplus."""
        return self.pool.total - self.pool.surp

    @property
    def most_surplus(self) -> int:
        """The surplus pages that there may be in all: as overcommit allows, and as memory can give."""
        if self.memory_pages is None:
            return self.pool.overcommit
        return min(self.pool.overcommit, self.pool.surp + self.memory_pages)

    def with_cgroup(self, level: int, **limits: int | None) -> "Situation":
        """With other limits of the cgroup `level` steps above the task's own."""
        cgroups = list(self.cgroups)
        cgroups[level] = replace(cgroups[level], **limits)  # type: ignore[arg-type]
        return replace(self, cgroups=tuple(cgroups))
