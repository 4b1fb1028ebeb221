"""The whole state: one pool, and everything that holds its pages or its promises.

A `Machine` is a mutable value. Transitions (the modules named after the kernel's paths) change it in place; a call that
a kernel would refuse changes exactly what the kernel's would, and bad input raises ValueError and changes nothing. Keys
of the tables below are the caller's: any sortable value, such as a number.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from hugeresv.model.canonical import machine_key
from hugeresv.model.copying import copy_machine
from hugeresv.model.hstate import HState

if TYPE_CHECKING:
    from hugeresv.model.behaviour import Behaviour
    from hugeresv.model.hugetlb_cgroup import HugetlbCgroup
    from hugeresv.model.inode import Inode
    from hugeresv.model.mount import HugetlbfsMount
    from hugeresv.model.process import Process

Key = Any
"""What the caller names a process, a file, a segment, a mount or a cgroup by."""


class Machine:
    """A machine under a behaviour, with its pool all free at first."""

    __slots__ = ("behaviour", "cgroups", "files", "hstate", "mounts", "processes", "segments")

    def __init__(self, behaviour: Behaviour, page_bytes: int, nr_hugepages: int, nr_overcommit: int = 0) -> None:
        """ValueError for a page size that is no power of two or a negative count."""
        self.behaviour = behaviour
        self.hstate = HState(page_bytes, nr_hugepages, nr_overcommit)
        self.processes: dict[Key, Process] = {}
        self.files: dict[Key, Inode] = {}
        self.segments: dict[Key, Inode] = {}
        self.mounts: dict[Key, HugetlbfsMount] = {}
        self.cgroups: dict[Key, HugetlbCgroup] = {}

    def key(self) -> Hashable:
        """Equal for two machines that no later operation can tell apart, whatever path led there."""
        return machine_key(self)

    def copy(self) -> Machine:
        """A machine in the same state that shares nothing with this one."""
        return copy_machine(self)
