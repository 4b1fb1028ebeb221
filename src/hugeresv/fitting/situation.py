"""What is asked, and what it meets: counters and limits of one host, frozen at one moment.

Everything that is read of a host is here, so that trying it on the model, finding what stands in the way and saying
what to do about it are functions of this one value.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from hugeresv.ledger.observation import CgroupUse, NodePool, PoolUse
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.mempolicy import MemPolicy, Placement
from hugeresv.model.presets import LINUX_7_3
from hugeresv.outcome import Outcome
from hugeresv.units import Size


class What(StrEnum):
    """Which call asks for the pages."""

    PRIVATE = "private"
    SHARED = "shared"
    SYSV = "sysv"


@dataclass(frozen=True, slots=True)
class Query:
    """Mappings of these sizes, made one after the other, before anything of the host is known.

    page_bytes  None: the default page size, or that of the mount
    what        None: private, or shared for a file on a mount
    cgroup      whose limits hold, instead of the process's own: as /proc/PID/cgroup spells it, or a directory
    mount       a directory on the hugetlbfs that the mapped file would be made in; None: no file
    nodes       those of an MPOL_BIND policy, instead of the process's own; empty: not given
    bind_after  it is the policy of each mapping, set by mbind(2) when it is made, not that of the process
    pid         the process that would ask; None: this one
    """

    sizes: tuple[Size, ...]
    page_bytes: int | None = None
    what: What | None = None
    noreserve: bool = False
    cgroup: str | None = None
    mount: str | None = None
    nodes: frozenset[int] = frozenset()
    bind_after: bool = False
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """Mappings of so many huge pages each. Each is made, and all of its pages written to, before the next is made.

    `sizes` are those asked for, in bytes, where they are not of whole pages.
    """

    what: What
    pages: tuple[int, ...]
    noreserve: bool = False
    sizes: tuple[int, ...] | None = None

    @property
    def total(self) -> int:
        """The pages of all mappings."""
        return sum(self.pages)


@dataclass(frozen=True, slots=True)
class MountRoom:
    """A mounted hugetlbfs, in pages. `used_pages` counts where there is a size; `min_left_pages` of the minimum.

    options  what a mount like it should have, beside page size and limits
    entry    what comes before a command that is to see it
    """

    path: str
    size_pages: int | None
    min_size_pages: int | None
    used_pages: int
    min_left_pages: int
    options: tuple[str, ...] = ()
    entry: str = ""


@dataclass(frozen=True, slots=True)
class CgroupRoom:
    """A cgroup, and the files of its limits of usage and of reservations."""

    use: CgroupUse
    max_file: str = ""
    rsvd_max_file: str = ""


class Charge(StrEnum):
    """What a limit of a call is held against."""

    EACH = "each"
    """Each mapping by itself."""
    SUM = "sum"
    """All that there are."""


@dataclass(frozen=True, slots=True)
class CallLimit:
    """A limit that a call is held against beside the pool, such as kernel.shmmax.

    `value` is the limit and `used` what counts against it already, in units of `unit_bytes` bytes, or in things where
    it is None. `late`: it is asked after the pages were promised. `as_asked`: it counts the size that was asked for,
    not that of whole pages. `command` raises it, with `{}` for the new value times `factor`.
    """

    code: str
    call: str
    outcome: Outcome
    value: int
    used: int
    charge: Charge
    unit_bytes: int | None
    name: str
    command: str
    factor: int = 1
    late: bool = False
    as_asked: bool = False

    def counted(self, request: Request, page_bytes: int, mappings: int) -> int:
        """What counts against it when that many mappings are made, what it counted before included."""
        sizes = [pages * page_bytes for pages in request.pages]
        if self.as_asked and request.sizes is not None:
            sizes = list(request.sizes)
        amounts = [1 if self.unit_bytes is None else -(-size // self.unit_bytes) for size in sizes[:mappings]]
        return self.used + (sum(amounts) if self.charge is Charge.SUM else amounts[-1])


@dataclass(frozen=True, slots=True)
class MemoryRoom:
    """A cgroup to whose memory.max huge pages are charged (memory_hugetlb_accounting).

    Huge pages that can still be charged: `at_least` as it is, `at_most` if all of its page cache is given up.
    """

    path: str
    file: str
    max_bytes: int
    at_least: int
    at_most: int


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

    cpus            the nodes of the CPUs that the task may run on, the first of which it runs on; empty: any node's
    mems            the NUMA nodes of the task's cpuset; empty: all
    policy          the task's memory policy when it makes the call; None: the default one
    bound_after     the policy that it gives each mapping with mbind(2) when that is made; None: it does not
    growing_node    the node, and its persistent pages, to which pages must be added, where not any node will do
    memory_pages    what free memory can make into surplus pages; None: not known
    growable_pages  what the pool can grow by if all memory is made free for it; None: not known
    grow            persistent pages to be added to the pool first, on nodes that the task may use
    cgroups         the task's own first, then those above it; `memory` likewise
    calls           limits of the calls, in the order in which they are asked
    notes           what is not known, and what the answer takes for granted
    """

    pool: PoolUse
    request: Request = Request(What.PRIVATE, (1,))
    behaviour: Behaviour = LINUX_7_3
    release: str = ""
    cpus: Placement = ()
    mems: Placement = ()
    policy: MemPolicy | None = None
    bound_after: MemPolicy | None = None
    growing_node: tuple[int, int] | None = None
    memory_pages: int | None = None
    growable_pages: int | None = None
    grow: int = 0
    mount: MountRoom | None = None
    cgroups: tuple[CgroupRoom, ...] = ()
    memory: tuple[MemoryRoom, ...] = ()
    calls: tuple[CallLimit, ...] = ()
    refusal: Refusal | None = None
    is_default_size: bool = True
    notes: tuple[str, ...] = ()

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

    @property
    def placed(self) -> dict[int, NodePool]:
        """The pool's part on each NUMA node; all of it on node 0 where the kernel shows none."""
        pool = self.pool
        return {each.node: each for each in pool.nodes} or {0: NodePool(0, pool.total, pool.free, pool.surp)}

    @property
    def nodes(self) -> frozenset[int]:
        """The nodes that its pages may come from."""
        nodes = self.mems or tuple(self.placed)
        policy = self.bound_after or self.policy
        if policy is not None and policy.mode == "bind":
            return frozenset(nodes).intersection(policy.nodes)
        return frozenset(nodes)

    @property
    def free_elsewhere(self) -> int:
        """Free pages on other nodes."""
        return sum(each.free for nid, each in self.placed.items() if nid not in self.nodes)

    @property
    def anywhere(self) -> "Situation":
        """Without a cpuset and a policy."""
        return replace(self, mems=(), policy=None, bound_after=None, growing_node=None)

    def with_cgroup(self, level: int, **limits: int | None) -> "Situation":
        """With other limits of the cgroup `level` steps above the task's own."""
        cgroups = list(self.cgroups)
        cgroups[level] = replace(cgroups[level], use=replace(cgroups[level].use, **limits))  # type: ignore[arg-type]
        return replace(self, cgroups=tuple(cgroups))
