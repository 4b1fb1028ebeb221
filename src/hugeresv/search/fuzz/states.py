"""The interesting states, and how often a campaign has reached each: a rare one that stays at zero was not tested."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from hugeresv.model.inode import Inode
from hugeresv.model.machine import Machine
from hugeresv.model.subpool import Subpool
from hugeresv.model.vma import Vma

State = Callable[[Machine], bool]


def _vmas(machine: Machine) -> Iterator[Vma]:
    for task in machine.processes.values():
        yield from task.mm.vmas


def _private(machine: Machine) -> Iterator[tuple[Vma, Inode]]:
    for vma in _vmas(machine):
        if vma.inode is not None and not vma.shared:
            yield vma, vma.inode


def _subpools(machine: Machine) -> Iterator[Subpool]:
    for mount in machine.mounts.values():
        if mount.subpool is not None:
            yield mount.subpool


def _split(machine: Machine) -> bool:
    return any(vma.resv_map is not None and vma.resv_map.refs > 1 for vma, _ in _private(machine))


def _stolen(machine: Machine) -> bool:
    return any(vma.unmapped for vma, _ in _private(machine))


def _pages(vma: Vma) -> Iterator[tuple[int, bool, int]]:
    """(file index, anonymous, mapcount) of what a private VMA maps."""
    for index, folio in vma.present():
        yield index, folio.anon, folio.mapcount


def _shared_after_fork(machine: Machine) -> bool:
    return any(count > 1 for vma, _ in _private(machine) for _, anon, count in _pages(vma) if anon)


def _grandchild(machine: Machine) -> bool:
    return any(count > 2 for vma, _ in _private(machine) for _, anon, count in _pages(vma) if anon)


def _consumed_absent(machine: Machine) -> bool:
    for vma, _ in _private(machine):
        if vma.resv_map is not None:
            consumed = vma.resv_map.regions.count(vma.first_index, vma.end_index)
            if consumed > sum(anon for _, anon, _ in _pages(vma)):
                return True
    return False


def _private_over_cache(machine: Machine) -> bool:
    return any(not anon for vma, _ in _private(machine) for _, anon, _ in _pages(vma))


def _hole(machine: Machine) -> bool:
    return any(
        vma.inode is not None
        and vma.shared
        and not vma.noreserve
        and vma.inode.resv_map.regions.chg(vma.first_index, vma.end_index) > 0
        for vma in _vmas(machine)
    )


def _copies_on_minimum(machine: Machine) -> bool:
    return any(
        vma.owner and inode.subpool is not None and inode.subpool.rsv_hpages > 0 and count > 1
        for vma, inode in _private(machine)
        for _, anon, count in _pages(vma)
        if anon
    )


def _limited(machine: Machine) -> bool:
    return any(
        cgroup.usage == cgroup.max_pages or cgroup.rsvd == cgroup.rsvd_max_pages for cgroup in machine.cgroups.values()
    )


STATES: dict[str, State] = {
    "everything promised": lambda m: m.hstate.free_huge_pages == m.hstate.resv_huge_pages > 0,
    "surplus pages": lambda m: m.hstate.surplus_huge_pages > 0,
    "surplus above overcommit": lambda m: m.hstate.surplus_huge_pages > m.hstate.nr_overcommit_huge_pages,
    "rsvd below zero": lambda m: m.hstate.resv_huge_pages < 0,
    "rsvd above free": lambda m: m.hstate.resv_huge_pages > m.hstate.free_huge_pages,
    "map shared by pieces of a split": _split,
    "page shared after fork": _shared_after_fork,
    "page shared by three": _grandchild,
    "page taken from a child": _stolen,
    "consumed but absent": _consumed_absent,
    "private mapping of a cached page": _private_over_cache,
    "hole in a shared mapping's promise": _hole,
    "mount's minimum used up": lambda m: any(s.min_hpages and s.rsv_hpages == 0 for s in _subpools(m)),
    "page shared while a mount has minimum left": _copies_on_minimum,
    "mount at its maximum": lambda m: any(s.max_hpages == s.used_hpages for s in _subpools(m)),
    "cgroup at a limit": _limited,
}


def reached(machine: Machine) -> Counter[str]:
    """The states that the machine is in."""
    return Counter(name for name, holds in STATES.items() if holds(machine))
