"""A machine as an observation: everything is known, so all bounds are equal."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hugeresv.ledger.census import Census
from hugeresv.ledger.observation import (
    CgroupUse,
    HeldMapping,
    Holder,
    HolderProcess,
    Kind,
    MountUse,
    NodePool,
    Observation,
    PoolUse,
    exactly,
)
from hugeresv.ledger.promise import FilePromise, MappingPromise, MinimumPromise
from hugeresv.model.folio import Folio
from hugeresv.model.hstate import HState
from hugeresv.model.inode import Inode
from hugeresv.model.machine import Key, Machine
from hugeresv.model.mempolicy import Placement
from hugeresv.model.vma import Vma


@dataclass(frozen=True, slots=True)
class Identities:
    """What a machine's processes and files are where they are real: those that it has by key, these by inode."""

    processes: dict[Key, HolderProcess] = field(default_factory=dict)
    kinds: dict[Inode, Kind] = field(default_factory=dict)
    names: dict[Inode, str] = field(default_factory=dict)
    openers: dict[Inode, Sequence[HolderProcess]] = field(default_factory=dict)
    """Who has a file open, with a mapping of it or without."""
    ancestors: dict[Key, Sequence[Key]] = field(default_factory=dict)
    """Which of the machine's processes a process descends from."""
    mems: dict[Key, Placement] = field(default_factory=dict)
    """The nodes of a process's cpuset (mems_allowed), for those that it is known of."""


def observe_machine(machine: Machine, identities: Identities | None = None) -> Observation:
    """Its pools, mounts, cgroups, and a holder for whatever has reserved or used pages.

    A cgroup's key is its path. Without `identities` processes are numbered in the machine's order, from 1; the command
    is the key. Files on mounts that the machine no longer has, and memfds that only mappings keep, then cannot be told
    from shared anonymous memory.
    """
    mounts = [
        MountUse(
            str(key),
            _page_size_kB(mount.hstate),
            mount.subpool.max_hpages,
            mount.subpool.min_hpages,
            mount.subpool.used_hpages if mount.subpool.max_hpages is not None else None,
        )
        for key, mount in machine.mounts.items()
        if mount.subpool is not None
    ]
    known = identities or _numbered(machine)
    cgroups = [
        CgroupUse(str(key), _page_size_kB(hstate), had.max_pages, had.rsvd_max_pages, had.usage, had.rsvd)
        for hstate in machine.hstates
        for key, had in ((key, cgroup.of(hstate)) for key, cgroup in machine.cgroups.items())
    ]
    holders = _Holders(machine, known).all()
    return Observation(tuple(map(_pool_use, machine.hstates)), tuple(holders), tuple(mounts), tuple(cgroups))


def _page_size_kB(hstate: HState) -> int:
    return hstate.page_bytes >> 10


def _pool_use(h: HState) -> PoolUse:
    nodes = (
        NodePool(nid, node.nr_huge_pages, node.free_huge_pages, node.surplus_huge_pages)
        for nid, node in h.nodes.items()
    )
    return PoolUse(
        _page_size_kB(h),
        h.nr_huge_pages,
        h.free_huge_pages,
        h.resv_huge_pages,
        h.surplus_huge_pages,
        h.nr_overcommit_huge_pages,
        tuple(nodes),
    )


def _numbered(machine: Machine) -> Identities:
    """What the machine itself knows of its processes: an order, and their keys."""
    return Identities({key: HolderProcess(number, str(key), "") for number, key in enumerate(machine.processes, 1)})


class _Holders:
    """Gathers what each file and each mount holds: a private mapping's pages and promises go by the file it maps."""

    def __init__(self, machine: Machine, identities: Identities) -> None:
        self._machine = machine
        self._identities = identities
        self._census = Census(machine)
        self._on_mounts = {inode for mount in machine.mounts.values() for inode in mount.inodes}
        self._open = set(machine.files.values())
        self._vmas: dict[tuple[Inode, bool], list[tuple[Key, Vma]]] = {}
        self._anonymous: dict[Inode, set[Folio]] = {}
        self._cgroup_names = {id(cgroup): str(key) for key, cgroup in machine.cgroups.items()}
        for key, process in machine.processes.items():
            for vma in process.mm.vmas:
                self._add(key, vma)

    def _add(self, process: Key, vma: Vma) -> None:
        if vma.inode is None:
            return
        self._vmas.setdefault((vma.inode, vma.shared), []).append((process, vma))
        if not vma.shared:
            present = (folio for _, folio in vma.present() if folio.anon)
            self._anonymous.setdefault(vma.inode, set()).update(present)

    def all(self) -> list[Holder]:
        """Those that have anything."""
        promised: dict[Inode, int] = {}
        shared: dict[Inode, int] = {}
        holders = []
        for promise in self._census.promises:
            match promise:
                case MappingPromise(_, vmas):
                    inode = vmas[0].inode
                    assert inode is not None
                    promised[inode] = promised.get(inode, 0) + promise.pages
                case FilePromise(_, inode):
                    shared[inode] = promise.pages
                case MinimumPromise(mount, _, hstate):
                    left = exactly(promise.pages)
                    holders.append(Holder(_page_size_kB(hstate), Kind.MOUNT_MINIMUM, str(mount), left, exactly(0)))
        for inode, called in self._census.files.items():
            name = self._identities.names.get(inode, called)
            used = len(self._anonymous.get(inode, ()))
            holders.append(self._holder(inode, name, Kind.PRIVATE, promised.get(inode, 0), used))
            kind = self._kind(inode)
            holders.append(self._holder(inode, name, kind, shared.get(inode, 0), len(inode.page_cache)))
        return [holder for holder in holders if holder.reserved.best or holder.used.best]

    def _holder(self, inode: Inode, name: str, kind: Kind, reserved: int, used: int) -> Holder:
        vmas = self._vmas.get((inode, kind is not Kind.PRIVATE), [])
        known = self._identities
        processes = dict.fromkeys(known.processes[key] for key, _ in vmas)
        if kind is not Kind.PRIVATE:
            processes |= dict.fromkeys(known.openers.get(inode, ()))
        cgroup = self._machine.processes[vmas[0][0]].cgroup if vmas else None
        return Holder(
            _page_size_kB(inode.hstate),
            kind,
            name,
            exactly(reserved),
            exactly(used),
            tuple(HeldMapping(known.processes[key].pid, vma.vm_start, vma.vm_end, vma.vm_pgoff) for key, vma in vmas),
            tuple(processes),
            self._cgroup_names.get(id(cgroup)),
        )

    def _kind(self, inode: Inode) -> Kind:
        known = self._identities.kinds.get(inode)
        if known is not None:
            return known
        if inode.sysv:
            return Kind.SYSV
        if inode in self._on_mounts:
            return Kind.FILE
        return Kind.MEMFD if inode in self._open else Kind.SHARED_ANONYMOUS
