"""The whole state: the pools, and everything that holds their pages or their promises.

A `Machine` is a mutable value. Transitions (the modules named after the kernel's paths) change it in place; a call that
a kernel would refuse changes exactly what the kernel's would, and bad input raises ValueError and changes nothing. Keys
of the tables below are the caller's: any sortable value, such as a number.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from hugeresv.model.canonical import machine_key
from hugeresv.model.copying import copy_machine
from hugeresv.model.hstate import HState
from hugeresv.model.mempolicy import nearest_first

if TYPE_CHECKING:
    from hugeresv.model.behaviour import Behaviour
    from hugeresv.model.hugetlb_cgroup import HugetlbCgroup
    from hugeresv.model.inode import Inode
    from hugeresv.model.mount import HugetlbfsMount
    from hugeresv.model.process import Process

Key = Any
"""What the caller names a process, a file, a segment, a mount or a cgroup by."""


class Machine:
    """A machine under a behaviour, with its pools all free at first.

    `hstates` has a pool for each page size, the default one first; `nodes` the NUMA nodes, ascending, and `nearest` for
    each of them all in order of distance. Most machines have one pool on one node.
    """

    __slots__ = ("behaviour", "cgroups", "files", "hstates", "mounts", "nearest", "nodes", "processes", "segments")

    def __init__(
        self,
        behaviour: Behaviour,
        page_bytes: int,
        nr_hugepages: int | Mapping[int, int],
        nr_overcommit: int = 0,
        *,
        further: Iterable[HState] = (),
    ) -> None:
        """The default pool, with a number of pages in all or for each node, and the `further` pools.

        ValueError for a page size that is no power of two, a negative count, or pools that are not on the same nodes.
        """
        self.behaviour = behaviour
        self.hstates = [HState(page_bytes, nr_hugepages, nr_overcommit), *further]
        self.nodes = tuple(self.hstates[0].nodes)
        self.nearest = nearest_first(self.nodes)
        if any(tuple(hstate.nodes) != self.nodes for hstate in self.hstates):
            raise ValueError("the pools of a machine are on the same nodes")
        for hstate in self.hstates:
            if hstate.is_gigantic and not behaviour.gigantic_overcommit:
                hstate.nr_overcommit_huge_pages = 0
            smaller = [other.page_shift for other in self.hstates if other.page_shift < hstate.page_shift]
            hstate.demote_shift = max(smaller, default=None)
        self.processes: dict[Key, Process] = {}
        self.files: dict[Key, Inode] = {}
        self.segments: dict[Key, Inode] = {}
        self.mounts: dict[Key, HugetlbfsMount] = {}
        self.cgroups: dict[Key, HugetlbCgroup] = {}

    @property
    def hstate(self) -> HState:
        """The pool of the default page size."""
        return self.hstates[0]

    def hstate_of(self, page_bytes: int) -> HState | None:
        """size_to_hstate: the pool of a page size; None: there is none."""
        return next((hstate for hstate in self.hstates if hstate.page_bytes == page_bytes), None)

    def key(self) -> Hashable:
        """Equal for two machines that no later operation can tell apart, whatever path led there."""
        return machine_key(self)

    def copy(self) -> Machine:
        """A machine in the same state that shares nothing with this one."""
        return copy_machine(self)
