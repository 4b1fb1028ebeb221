"""What a user asks, before anything of the host is known."""

from dataclasses import dataclass

from hugeresv.fit.situation import What


@dataclass(frozen=True, slots=True)
class Query:
    """A mapping of `size_bytes`.

    page_bytes  None: the default page size, or that of the mount
    what        None: private, or shared for a file on a mount
    cgroup      whose limits hold, instead of the process's own: as /proc/PID/cgroup spells it, or a directory
    mount       a directory on the hugetlbfs that the mapped file would be made in; None: no file
    nodes       those of an MPOL_BIND policy, instead of the process's own; empty: not given
    pid         the process that would ask; None: this one
    """

    size_bytes: int
    page_bytes: int | None = None
    what: What | None = None
    noreserve: bool = False
    cgroup: str | None = None
    mount: str | None = None
    nodes: frozenset[int] = frozenset()
    pid: int | None = None
