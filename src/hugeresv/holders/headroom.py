"""What a new mapping of a process in a cgroup can still have."""

from collections.abc import Iterable, Mapping, Sequence

from hugeresv.ledger.observation import CgroupUse, PoolUse
from hugeresv.ledger.reconcile import levels

Index = Mapping[tuple[int, str], Sequence[CgroupUse]]
"""Cgroups by page size in kB and path. Version 1 and 2 may each have one of a path."""


def by_path(cgroups: Iterable[CgroupUse]) -> Index:
    """The index of them."""
    index: dict[tuple[int, str], list[CgroupUse]] = {}
    for cgroup in cgroups:
        index.setdefault((cgroup.page_size_kB, cgroup.path), []).append(cgroup)
    return index


def lineage_of(cgroup: CgroupUse, index: Index) -> list[CgroupUse]:
    """The cgroup and those above it, of the same page size: the limits of all of them hold."""
    return [use for path in levels(cgroup.path) for use in index.get((cgroup.page_size_kB, path), ())]


def available_in(lineage: Sequence[CgroupUse], pool: PoolUse) -> int:
    """Pages that can be reserved and then touched without a limit being met, those promised to others in it kept."""
    rooms = [pool.available]
    for cgroup in lineage:
        if cgroup.rsvd_max_pages is not None and cgroup.rsvd_pages is not None:
            rooms.append(cgroup.rsvd_max_pages - cgroup.rsvd_pages)
        if cgroup.max_pages is not None:
            rooms.append(cgroup.max_pages - max(cgroup.usage_pages, cgroup.rsvd_pages or 0))
    return max(0, min(rooms))
