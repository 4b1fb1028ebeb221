"""What a model's cgroups and mounts show after a step: read anew only where counters have changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from hugeresv.answer import CgroupUsage, Statfs
from hugeresv.model.hstate import HState
from hugeresv.model.hugetlb_cgroup import CgroupCounters, HugetlbCgroup
from hugeresv.model.mount import HugetlbfsMount
from hugeresv.model.subpool import Subpool

_Named = TypeVar("_Named")
_Counting = TypeVar("_Counting", CgroupCounters, Subpool)
_Reading = TypeVar("_Reading")


class Readings(Generic[_Named, _Counting, _Reading]):
    """The readings of a machine's named things, each of which has something that counts, or nothing to show (None)."""

    def __init__(self, counting: Callable[[_Named], _Counting | None], read: Callable[[_Counting], _Reading]) -> None:
        self._counting: Callable[[_Named], _Counting | None] = counting
        self._read: Callable[[_Counting], _Reading] = read
        self._things: Mapping[str, _Named] = {}
        self.number = 0
        """How many there were when they were last read."""
        self._names: dict[_Counting, str] = {}
        self._changed: set[_Counting] = set()
        self._readings: dict[str, _Reading] = {}

    def now(self, things: Mapping[str, _Named]) -> Mapping[str, _Reading]:
        """Every reading by name. Between two reads of a table at most one thing may come or go.

        What was answered before stays as it was.
        """
        if things is not self._things or len(things) != self.number:
            self._look_at(things)
        elif self._changed:
            changed = [counting for counting in self._changed if counting in self._names]
            self._readings = self._readings | {self._names[counting]: self._read(counting) for counting in changed}
            self._changed.clear()
        return self._readings

    def _look_at(self, things: Mapping[str, _Named]) -> None:
        self._things, self.number = things, len(things)
        found = ((self._counting(thing), name) for name, thing in things.items())
        self._names = {counting: name for counting, name in found if counting is not None}
        for counting in self._names:
            counting.changed = self._changed
        self._changed.clear()
        self._readings = {name: self._read(counting) for counting, name in self._names.items()}


def cgroup_readings(hstate: HState) -> Readings[HugetlbCgroup, CgroupCounters, CgroupUsage]:
    """hugetlb.*.current and hugetlb.*.rsvd.current of every cgroup, for one page size."""
    return Readings(lambda cgroup: cgroup.of(hstate), lambda counters: CgroupUsage(counters.usage, counters.rsvd))


def statfs_readings() -> Readings[HugetlbfsMount, Subpool, Statfs]:
    """statfs(2) of the mounts with a size limit (hugetlbfs_statfs)."""
    return Readings(_limited, _statfs)


def _limited(mount: HugetlbfsMount) -> Subpool | None:
    subpool = mount.subpool
    return subpool if subpool is not None and subpool.max_hpages is not None else None


def _statfs(subpool: Subpool) -> Statfs:
    assert subpool.max_hpages is not None
    free = subpool.max_hpages - subpool.used_hpages
    return Statfs(subpool.max_hpages, free, free)
