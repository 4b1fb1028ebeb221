"""The interesting states, and how often a campaign has reached each: a rare one that stays at zero was not tested."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from hugeresv.model.folio import Folio
from hugeresv.model.inode import Inode
from hugeresv.model.machine import Machine
from hugeresv.model.subpool import Subpool
from hugeresv.model.vma import Vma


class Look:
    """A machine, and what of it several states are about, looked up once and only if one asks."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.hstate = machine.hstate

    @cached_property
    def private(self) -> list[tuple[Vma, Inode]]:
        """Private VMAs of huge pages, and their files."""
        return [(vma, inode) for vma, inode in self._vmas if not vma.shared]

    @cached_property
    def shared(self) -> list[tuple[Vma, Inode]]:
        """Shared ones."""
        return [(vma, inode) for vma, inode in self._vmas if vma.shared]

    @cached_property
    def _vmas(self) -> list[tuple[Vma, Inode]]:
        tasks = self.machine.processes.values()
        return [(vma, inode) for task in tasks for vma in task.mm.vmas if (inode := vma.inode) is not None]

    @cached_property
    def pages(self) -> list[list[Folio]]:
        """What each private VMA maps, in the order of `private`."""
        return [[folio for _, folio in vma.present()] for vma, _ in self.private]

    @cached_property
    def subpools(self) -> list[Subpool]:
        """Of the mounts that have one."""
        return [mount.subpool for mount in self.machine.mounts.values() if mount.subpool is not None]


_State = Callable[[Look], bool]


def _split(look: Look) -> bool:
    return any(vma.resv_map is not None and vma.resv_map.refs > 1 for vma, _ in look.private)


def _stolen(look: Look) -> bool:
    return any(vma.unmapped for vma, _ in look.private)


def _mapped_by(look: Look, least: int) -> bool:
    """Whether so many map an anonymous page."""
    return any(folio.anon and folio.mapcount >= least for pages in look.pages for folio in pages)


def _consumed_absent(look: Look) -> bool:
    for (vma, _), pages in zip(look.private, look.pages, strict=True):
        if vma.resv_map is not None:
            consumed = vma.resv_map.regions.count(vma.first_index, vma.end_index)
            if consumed > sum(folio.anon for folio in pages):
                return True
    return False


def _private_over_cache(look: Look) -> bool:
    return any(not folio.anon for pages in look.pages for folio in pages)


def _hole(look: Look) -> bool:
    return any(
        not vma.noreserve and inode.resv_map.regions.chg(vma.first_index, vma.end_index) > 0
        for vma, inode in look.shared
    )


def _copies_on_minimum(look: Look) -> bool:
    return any(
        folio.anon and folio.mapcount > 1
        for (vma, inode), pages in zip(look.private, look.pages, strict=True)
        if vma.owner and inode.subpool is not None and inode.subpool.rsv_hpages > 0
        for folio in pages
    )


def _limited(look: Look) -> bool:
    return any(
        counters.usage == counters.max_pages or counters.rsvd == counters.rsvd_max_pages
        for cgroup in look.machine.cgroups.values()
        for counters in cgroup.counters.values()
    )


_STATES: dict[str, _State] = {
    "everything promised": lambda look: look.hstate.free_huge_pages == look.hstate.resv_huge_pages > 0,
    "surplus pages": lambda look: look.hstate.surplus_huge_pages > 0,
    "surplus above overcommit": lambda look: look.hstate.surplus_huge_pages > look.hstate.nr_overcommit_huge_pages,
    "rsvd below zero": lambda look: look.hstate.resv_huge_pages < 0,
    "rsvd above free": lambda look: look.hstate.resv_huge_pages > look.hstate.free_huge_pages,
    "map shared by pieces of a split": _split,
    "page shared after fork": lambda look: _mapped_by(look, 2),
    "page shared by three": lambda look: _mapped_by(look, 3),
    "page taken from a child": _stolen,
    "consumed but absent": _consumed_absent,
    "private mapping of a cached page": _private_over_cache,
    "hole in a shared mapping's promise": _hole,
    "mount's minimum used up": lambda look: any(s.min_hpages and s.rsv_hpages == 0 for s in look.subpools),
    "page shared while a mount has minimum left": _copies_on_minimum,
    "mount at its maximum": lambda look: any(s.max_hpages == s.used_hpages for s in look.subpools),
    "cgroup at a limit": _limited,
}


def _of_machine(holds: _State) -> Callable[[Machine], bool]:
    return lambda machine: holds(Look(machine))


STATES = {name: _of_machine(holds) for name, holds in _STATES.items()}
"""Whether a machine is in each of them."""


def reached(machine: Machine) -> list[str]:
    """The states that the machine is in."""
    look = Look(machine)
    return [name for name, holds in _STATES.items() if holds(look)]
