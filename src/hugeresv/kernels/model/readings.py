"""What a model's cgroups and mounts show after a step: read anew only where counters have changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from hugeresv.answer import CgroupUsage, Statfs
from hugeresv.model.hugetlb_cgroup import HugetlbCgroup
from hugeresv.model.machine import Machine
from hugeresv.model.subpool import Subpool

_Counting = TypeVar("_Counting", HugetlbCgroup, Subpool)
_Reading = TypeVar("_Reading")


class Readings(Generic[_Counting, _Reading]):
    """The readings of named things that count.

    `things` answers which there are: at most one comes or goes between two reads.
    """

    def __init__(self, things: Callable[[], dict[str, _Counting]], read: Callable[[_Counting], _Reading]) -> None:
        self._things: Callable[[], dict[str, _Counting]] = things
        self._read: Callable[[_Counting], _Reading] = read
        self._there = 0
        self._names: dict[_Counting, str] = {}
        self._changed: set[_Counting] = set()
        self._readings: dict[str, _Reading] = {}

    def now(self, there: int) -> Mapping[str, _Reading]:
        """Every reading by name, where there are so many things. What was answered before stays as it was."""
        if there != self._there:
            self._there = there
            self._names = {thing: name for name, thing in self._things().items()}
            for thing in self._names:
                thing.changed = self._changed
            self._readings = {name: self._read(thing) for thing, name in self._names.items()}
            self._changed.clear()
        elif self._changed:
            changed = [thing for thing in self._changed if thing in self._names]
            self._readings = self._readings | {self._names[thing]: self._read(thing) for thing in changed}
            self._changed.clear()
        return self._readings


def cgroup_readings(machine: Machine) -> Readings[HugetlbCgroup, CgroupUsage]:
    """hugetlb.*.current and hugetlb.*.rsvd.current of every cgroup."""
    return Readings(lambda: machine.cgroups, lambda cgroup: CgroupUsage(cgroup.usage, cgroup.rsvd))


def statfs_readings(machine: Machine) -> Readings[Subpool, Statfs]:
    """statfs(2) of the mounts with a size limit (hugetlbfs_statfs)."""
    return Readings(lambda: _limited(machine), _statfs)


def _limited(machine: Machine) -> dict[str, Subpool]:
    subpools = {name: mount.subpool for name, mount in machine.mounts.items()}
    return {
        name: subpool for name, subpool in subpools.items() if subpool is not None and subpool.max_hpages is not None
    }


def _statfs(subpool: Subpool) -> Statfs:
    assert subpool.max_hpages is not None
    free = subpool.max_hpages - subpool.used_hpages
    return Statfs(subpool.max_hpages, free, free)
