"""A model's machine as an observation: everything is known, so all bounds are equal."""

from hugeresv.invariants.census import Census
from hugeresv.invariants.promise import FilePromise, MappingPromise, MinimumPromise
from hugeresv.ledger.observation import (
    CgroupUse,
    HeldMapping,
    Holder,
    HolderProcess,
    Kind,
    MountUse,
    Observation,
    Pool,
    exactly,
)
from hugeresv.model.folio import Folio
from hugeresv.model.inode import Inode
from hugeresv.model.machine import Machine
from hugeresv.model.vma import Vma


def observe_machine(machine: Machine) -> Observation:
    """Its pool, mounts, cgroups, and a holder for whatever has reserved or used pages.

    Processes are numbered in the machine's order, from 1; the command is the key. Files on mounts that the machine no
    longer has, and memfds that only mappings keep, cannot be told from shared anonymous memory.
    """
    h = machine.hstate
    page_size_kB = h.page_bytes >> 10
    pool = Pool(
        page_size_kB,
        h.nr_huge_pages,
        h.free_huge_pages,
        h.resv_huge_pages,
        h.surplus_huge_pages,
        h.nr_overcommit_huge_pages,
    )
    mounts = [
        MountUse(
            str(key),
            page_size_kB,
            mount.subpool.max_hpages,
            mount.subpool.min_hpages,
            mount.subpool.used_hpages if mount.subpool.max_hpages is not None else None,
        )
        for key, mount in machine.mounts.items()
        if mount.subpool is not None
    ]
    cgroups = [
        CgroupUse(str(key), page_size_kB, cgroup.max_pages, cgroup.rsvd_max_pages, cgroup.usage, cgroup.rsvd)
        for key, cgroup in machine.cgroups.items()
    ]
    return Observation((pool,), tuple(_Holders(machine).all()), tuple(mounts), tuple(cgroups))


class _Holders:
    """Gathers what each file and each mount holds: a private mapping's pages and promises go by the file it maps."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._census = Census(machine)
        self._page_size_kB = machine.hstate.page_bytes >> 10
        self._vmas: dict[tuple[Inode, bool], list[tuple[int, Vma]]] = {}
        self._anonymous: dict[Inode, set[Folio]] = {}
        self._keys = list(machine.processes)
        self._cgroup_names = {id(cgroup): str(key) for key, cgroup in machine.cgroups.items()}
        for pid, key in enumerate(self._keys, 1):
            for vma in machine.processes[key].mm.vmas:
                self._add(pid, vma)

    def _add(self, pid: int, vma: Vma) -> None:
        if vma.inode is None:
            return
        self._vmas.setdefault((vma.inode, vma.shared), []).append((pid, vma))
        if not vma.shared:
            shift = vma.mm.page_shift
            present = vma.mm.page_table.items(vma.vm_start >> shift, vma.vm_end >> shift)
            self._anonymous.setdefault(vma.inode, set()).update(folio for _, folio in present if folio.anon)

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
                case MinimumPromise(mount):
                    holders.append(self._minimum(str(mount), promise.pages))
        for inode, name in self._census.files.items():
            used = len(self._anonymous.get(inode, ()))
            holders.append(self._holder(inode, name, Kind.PRIVATE, promised.get(inode, 0), used))
            kind = self._kind(inode)
            holders.append(self._holder(inode, name, kind, shared.get(inode, 0), len(inode.page_cache)))
        return [holder for holder in holders if holder.reserved.best or holder.used.best]

    def _minimum(self, name: str, pages: int) -> Holder:
        return Holder(self._page_size_kB, Kind.MOUNT_MINIMUM, name, exactly(pages), exactly(0))

    def _holder(self, inode: Inode, name: str, kind: Kind, reserved: int, used: int) -> Holder:
        vmas = self._vmas.get((inode, kind is not Kind.PRIVATE), [])
        pids = list(dict.fromkeys(pid for pid, _ in vmas))
        cgroup = self._machine.processes[self._keys[pids[0] - 1]].cgroup if pids else None
        return Holder(
            self._page_size_kB,
            kind,
            name,
            exactly(reserved),
            exactly(used),
            tuple(HeldMapping(pid, vma.vm_start, vma.vm_end, vma.vm_pgoff) for pid, vma in vmas),
            tuple(HolderProcess(pid, str(self._keys[pid - 1]), "") for pid in pids),
            self._cgroup_names.get(id(cgroup)),
        )

    def _kind(self, inode: Inode) -> Kind:
        if inode.sysv:
            return Kind.SYSV
        if any(inode in mount.inodes for mount in self._machine.mounts.values()):
            return Kind.FILE
        if inode in self._machine.files.values():
            return Kind.MEMFD
        return Kind.SHARED_ANONYMOUS
