"""The machine that a kernel is, read from its memory."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from drgn import FaultError, Object

from hugeresv.errors import UnavailableError
from hugeresv.ledger.machine import Identities
from hugeresv.ledger.observation import HolderProcess, Kind
from hugeresv.model.address_space import AddressSpace
from hugeresv.model.hstate import HState
from hugeresv.model.inode import Inode
from hugeresv.model.machine import Key, Machine
from hugeresv.model.mount import HugetlbfsMount
from hugeresv.model.presets import IDEAL
from hugeresv.model.process import Process
from hugeresv.model.subpool import Subpool
from hugeresv.model.unsigned import signed
from hugeresv.model.vma import Vma
from hugeresv.sources.drgn.cgroups import Cgroups
from hugeresv.sources.drgn.files import SuperBlock, kind_and_name, resv_map_of, super_blocks
from hugeresv.sources.drgn.folios import Folios
from hugeresv.sources.drgn.kernel import KernelMemory
from hugeresv.sources.drgn.mappings import Mappings, fill, vmas_of
from hugeresv.sources.drgn.objects import InconsistentError, has, integers
from hugeresv.sources.drgn.page_cache import cached
from hugeresv.sources.drgn.page_tables import PAGE_SHIFT, mapped
from hugeresv.sources.drgn.policies import Nodes, nodes_with_memory
from hugeresv.sources.drgn.tasks import KernelTask, Tasks

_ATTEMPTS = 3
"""How often a kernel that runs is looked at before it is taken for damaged."""

_MOST_SIZES, _LARGEST_ORDER = 16, 30
"""More page sizes, and larger ones, than any architecture has."""

_CONTRADICTIONS = (FaultError, InconsistentError, LookupError, AttributeError, RecursionError)
"""What reading ends in where memory is not a kernel's. AttributeError: no such member."""


class FileKey(NamedTuple):
    """By which the machine knows a file or a segment: a name is not always its own."""

    name: str
    inode: int

    def __repr__(self) -> str:
        return f"{self.name} (inode {self.inode})"


@dataclass(frozen=True, slots=True)
class Reading:
    """The machine, and what its keys and files are to people.

    The machine's behaviour is `ideal`: memory tells what is, not what the kernel would do next.
    """

    machine: Machine
    identities: Identities


def read_machine(kernel: KernelMemory, sizes: Sequence[int] | None = None) -> Reading:
    """The machine with the pools of these page sizes, in bytes; without, all that there are, the default one first.

    A cgroup's key is its path. Raises UnavailableError where memory contradicts itself, or is not there.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            return _Reader(kernel, sizes).read()
        except _CONTRADICTIONS as error:
            if attempt == _ATTEMPTS:
                raise UnavailableError(
                    f"the huge page accounting of Linux {kernel.release} cannot be read from this memory: {error}"
                ) from error


class _Pool:
    """What reads things of one page size."""

    def __init__(self, there: Object, nodes: Nodes) -> None:
        self.order = int(there.order)
        if not 0 < self.order <= _LARGEST_ORDER:
            raise InconsistentError(f"a page size has order {self.order}")
        self.shift = PAGE_SHIFT + self.order
        self.address = there.address_
        self.hstate = _hstate(there, 1 << self.shift, nodes.numbers)

    def read_with(self, kernel: KernelMemory, cgroups: Cgroups, nodes: Nodes) -> None:
        """What reads its pages and mappings, which cgroups pay for."""
        self.folios = Folios(kernel, cgroups, self.hstate, nodes)
        self.mappings = Mappings(self.order, self.shift, cgroups, nodes)


class _Reader:
    def __init__(self, kernel: KernelMemory, sizes: Sequence[int] | None) -> None:
        self._kernel = kernel
        self._tasks = Tasks(kernel)
        self._opened = self._tasks.opened()
        there = _hstates(kernel)
        self._nodes = Nodes(kernel, _node_numbers(kernel, there.values()))
        by_index = {index: _Pool(each, self._nodes) for index, each in there.items()}
        self._cgroups = Cgroups(kernel, {index: pool.hstate for index, pool in by_index.items()})
        pools = list(by_index.values())
        if sizes is not None:
            by_size = {pool.hstate.page_bytes: pool for pool in pools}
            pools = [by_size[size] for size in sizes]
        for pool in pools:
            pool.read_with(kernel, self._cgroups, self._nodes)
        self._pools = {pool.address: pool for pool in pools}
        self._machine = Machine(IDEAL, pools[0].hstate.page_bytes, dict.fromkeys(self._nodes.numbers, 0))
        self._machine.hstates = [pool.hstate for pool in pools]
        self._processes: dict[KernelTask, Process] = {}
        self._identities = Identities()

    def read(self) -> Reading:
        """Everything that hangs on a hugetlbfs, and so every process that maps some of it."""
        self._machine.cgroups = dict(self._cgroups.named())
        for block in super_blocks(self._kernel):
            if block.hstate in self._pools:
                self._block(block, self._pools[block.hstate])
        tasks = sorted(self._processes)
        self._machine.processes = {task: self._processes[task] for task in tasks}
        for task in tasks:
            pids = self._tasks.ancestors(task)
            self._identities.ancestors[task] = [other for other in tasks if other.pid in pids]
        return Reading(self._machine, self._identities)

    def _block(self, block: SuperBlock, pool: _Pool) -> None:
        subpool = _subpool(block.info.spool) if block.info.spool else None
        inodes = [self._inode(each, subpool, block, pool) for each in block.inodes()]
        if not block.internal:
            mount = HugetlbfsMount(pool.hstate, subpool)
            mount.inodes = inodes
            self._machine.mounts[_unused(block.mounted_on, self._machine.mounts)] = mount

    def _inode(self, there: Object, subpool: Subpool | None, block: SuperBlock, pool: _Pool) -> Inode:
        kind, name = kind_and_name(there, block.internal)
        size = int(there.i_size)
        inode = Inode(pool.hstate, subpool, -(-size >> pool.shift), sysv=kind is Kind.SYSV)
        resv_map = resv_map_of(there)
        if resv_map is not None:
            fill(inode.resv_map, resv_map, self._cgroups)
        for index, address in cached(self._kernel.program, there.i_data.i_pages, pool.order):
            inode.add_to_page_cache(index, pool.folios.at(address, subpool))
        for each in vmas_of(there):
            self._vma(each, inode, subpool, pool)
        self._identify(there, inode, kind, name)
        return inode

    def _identify(self, there: Object, inode: Inode, kind: Kind, name: str) -> None:
        key = FileKey(name, int(there.i_ino))
        openers = self._opened.get(there.value_(), [])
        self._identities.kinds[inode] = kind
        self._identities.names[inode] = name
        self._identities.openers[inode] = [_holder_process(task) for task in openers]
        inode.handles = len(openers)
        if kind is Kind.SYSV:
            inode.handles += 1
            self._machine.segments[key] = inode
        elif kind is not Kind.SHARED_ANONYMOUS or not inode.vmas:
            self._machine.files[key] = inode

    def _vma(self, there: Object, inode: Inode, subpool: Subpool | None, pool: _Pool) -> None:
        task, where = self._tasks.of(there.vm_mm)
        if task not in self._processes:
            self._processes[task] = self._process(where)
            self._identities.processes[task] = _holder_process(task)
            if where is not None:
                self._identities.mems[task] = self._nodes.mask(where.mems_allowed)
        vma = pool.mappings.make(there, self._processes[task].mm, inode)
        if not vma.shared:
            self._pages(there.vm_mm, vma, subpool, pool)

    def _process(self, there: Object | None) -> Process:
        """A process with nothing mapped yet."""
        if there is None:
            return Process(AddressSpace(), None)
        process = Process(AddressSpace(), self._cgroups.of_task(there), self._nodes.of_cpu(there))
        if has(there.type_.type, "mempolicy"):
            process.policy = self._nodes.policy(there.mempolicy)
        return process

    def _pages(self, mm: Object, vma: Vma, subpool: Subpool | None, pool: _Pool) -> None:
        walk = partial(mapped, self._kernel.program, self._kernel.paging, mm)
        for number, physical in walk(vma.vm_start, vma.vm_end, pool.shift):
            folio = pool.folios.at_physical(physical, subpool)
            if folio.anon:
                folio.mapcount += 1
            vma.page_table.set(number, folio)


def _hstates(kernel: KernelMemory) -> dict[int, Object]:
    """Every `struct hstate` by its place in `hstates`, that of the default page size first."""
    count = int(kernel.variable("hugetlb_max_hstate"))
    if not 0 <= count <= _MOST_SIZES:
        raise InconsistentError(f"there are {count} page sizes")
    if not count:
        raise UnavailableError(f"Linux {kernel.release} has no huge pages here")
    default = int(kernel.variable("default_hstate_idx"))
    if default >= count:
        raise InconsistentError(f"the default page size is number {default} of {count}")
    first = kernel.variable("hstates").address_of_()
    return {index: first[index] for index in sorted(range(count), key=lambda index: index != default)}


def _hstate(there: Object, page_bytes: int, nodes: Sequence[int]) -> HState:
    h = HState(page_bytes, dict.fromkeys(nodes, 0))
    h.nr_huge_pages = int(there.nr_huge_pages)
    h.free_huge_pages = signed(int(there.free_huge_pages))
    h.resv_huge_pages = signed(int(there.resv_huge_pages))
    h.surplus_huge_pages = signed(int(there.surplus_huge_pages))
    h.nr_overcommit_huge_pages = int(there.nr_overcommit_huge_pages)
    h.to_alloc.next_nid = int(there.next_nid_to_alloc)
    h.to_free.next_nid = int(there.next_nid_to_free)
    if has(there.type_, "demote_order") and there.demote_order:
        h.demote_shift = PAGE_SHIFT + int(there.demote_order)
    for nid, node in h.nodes.items():
        node.nr_huge_pages = int(there.nr_huge_pages_node[nid])
        node.free_huge_pages = int(there.free_huge_pages_node[nid])
        node.surplus_huge_pages = int(there.surplus_huge_pages_node[nid])
    return h


def _node_numbers(kernel: KernelMemory, hstates: Iterable[Object]) -> list[int]:
    """The nodes that have memory, or a page in one of the pools."""
    numbers = nodes_with_memory(kernel)
    for there in hstates:
        on_node = (there.nr_huge_pages_node, there.free_huge_pages_node, there.surplus_huge_pages_node)
        for pages in on_node:
            numbers |= {nid for nid, number in enumerate(integers(pages)) if number}
    return sorted(numbers) or [0]


def _subpool(there: Object) -> Subpool:
    most, least = int(there.max_hpages), int(there.min_hpages)
    subpool = Subpool(None if most < 0 else most, None if least < 0 else least)
    subpool.used_hpages = int(there.used_hpages)
    if least >= 0:  # else it is -1 as well
        subpool.rsv_hpages = int(there.rsv_hpages)
    return subpool


def _unused(name: str, taken: dict[Key, HugetlbfsMount]) -> str:
    """The name, or with a number where another mount namespace has something at the same place."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name} ({number})"
    return found


def _holder_process(task: KernelTask) -> HolderProcess:
    return HolderProcess(task.pid, task.command, "")
