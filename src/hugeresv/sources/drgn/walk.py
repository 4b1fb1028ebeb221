"""A machine for every page size of a kernel, read from its memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from drgn import FaultError, Object

from hugeresv.errors import UnavailableError
from hugeresv.ledger.machine import Identities
from hugeresv.ledger.observation import HolderProcess, Kind
from hugeresv.model.address_space import AddressSpace
from hugeresv.model.hstate import HStateNode
from hugeresv.model.inode import Inode
from hugeresv.model.machine import Key, Machine
from hugeresv.model.mempolicy import nearest_first
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
from hugeresv.sources.drgn.objects import InconsistentError, has
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
    """The machine of one page size, and what its keys and files are to people.

    The machine's behaviour is `ideal`: memory tells what is, not what the kernel would do next.
    """

    machine: Machine
    identities: Identities


def read_machines(kernel: KernelMemory) -> list[Reading]:
    """All page sizes that the kernel has, in its order.

    Raises UnavailableError where memory contradicts itself, or is not there.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            return _read(kernel)
        except _CONTRADICTIONS as error:
            if attempt == _ATTEMPTS:
                raise UnavailableError(
                    f"the huge page accounting of Linux {kernel.release} cannot be read from this memory: {error}"
                ) from error


def _read(kernel: KernelMemory) -> list[Reading]:
    count = int(kernel.variable("hugetlb_max_hstate"))
    if not 0 <= count <= _MOST_SIZES:
        raise InconsistentError(f"there are {count} page sizes")
    first = kernel.variable("hstates").address_of_()
    tasks = Tasks(kernel)
    opened = tasks.opened()
    blocks = list(super_blocks(kernel))
    return [_HState(kernel, index, first[index], tasks, opened).read(blocks) for index in range(count)]


@dataclass
class _HState:
    """Reads what belongs to one page size."""

    kernel: KernelMemory
    index: int
    there: Object
    tasks: Tasks
    opened: dict[int, list[KernelTask]]
    _processes: dict[KernelTask, Process] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._order = int(self.there.order)
        if not 0 < self._order <= _LARGEST_ORDER:
            raise InconsistentError(f"a page size has order {self._order}")
        self._shift = PAGE_SHIFT + self._order
        self._machine = Machine(IDEAL, 1 << self._shift, 0)
        self._counters()
        self._nodes = Nodes(self.kernel, self._machine.nearest)
        self._cgroups = Cgroups(self.kernel, self.index, self._order)
        self._folios = Folios(self.kernel, self._cgroups, self._machine.hstate, self._nodes)
        self._mappings = Mappings(self._order, self._shift, self._cgroups, self._nodes)
        self._identities = Identities({}, {}, {}, {}, {})

    def read(self, blocks: Sequence[SuperBlock]) -> Reading:
        self._machine.cgroups = dict(self._cgroups.named())
        for block in blocks:
            if block.hstate == self.there.address_:
                self._block(block)
        tasks = sorted(self._processes)
        self._machine.processes = {task: self._processes[task] for task in tasks}
        for task in tasks:
            pids = self.tasks.ancestors(task)
            self._identities.ancestors[task] = [other for other in tasks if other.pid in pids]
        return Reading(self._machine, self._identities)

    def _counters(self) -> None:
        there, h = self.there, self._machine.hstate
        h.nr_huge_pages = int(there.nr_huge_pages)
        h.free_huge_pages = signed(int(there.free_huge_pages))
        h.resv_huge_pages = signed(int(there.resv_huge_pages))
        h.surplus_huge_pages = signed(int(there.surplus_huge_pages))
        h.nr_overcommit_huge_pages = int(there.nr_overcommit_huge_pages)
        there_on = [there.nr_huge_pages_node, there.free_huge_pages_node, there.surplus_huge_pages_node]
        numbers = enumerate(zip(*(each.value_() for each in there_on), strict=True))
        there_are = nodes_with_memory(self.kernel)
        h.nodes = {nid: _node(*pages) for nid, pages in numbers if nid in there_are or any(pages)} or {0: HStateNode(0)}
        h.is_numa = len(h.nodes) > 1
        self._machine.nearest = nearest_first(tuple(h.nodes))

    def _block(self, block: SuperBlock) -> None:
        subpool = _subpool(block.info.spool) if block.info.spool else None
        inodes = [self._inode(each, subpool, block) for each in block.inodes()]
        if not block.internal:
            mount = HugetlbfsMount(self._machine.hstate, subpool)
            mount.inodes = inodes
            self._machine.mounts[_unused(block.mounted_on, self._machine.mounts)] = mount

    def _inode(self, there: Object, subpool: Subpool | None, block: SuperBlock) -> Inode:
        kind, name = kind_and_name(there, block.internal)
        size = int(there.i_size)
        inode = Inode(self._machine.hstate, subpool, -(-size >> self._shift), sysv=kind is Kind.SYSV)
        resv_map = resv_map_of(there)
        if resv_map is not None:
            fill(inode.resv_map, resv_map, self._cgroups)
        for index, address in cached(self.kernel.program, there.i_data.i_pages, self._order):
            inode.add_to_page_cache(index, self._folios.at(address, subpool))
        for each in vmas_of(there):
            self._vma(each, inode, subpool)
        self._identify(there, inode, kind, name)
        return inode

    def _identify(self, there: Object, inode: Inode, kind: Kind, name: str) -> None:
        key = FileKey(name, int(there.i_ino))
        openers = self.opened.get(there.value_(), [])
        self._identities.kinds[inode] = kind
        self._identities.names[inode] = name
        self._identities.openers[inode] = [_holder_process(task) for task in openers]
        inode.handles = len(openers)
        if kind is Kind.SYSV:
            inode.handles += 1
            self._machine.segments[key] = inode
        elif kind is not Kind.SHARED_ANONYMOUS or not inode.vmas:
            self._machine.files[key] = inode

    def _vma(self, there: Object, inode: Inode, subpool: Subpool | None) -> None:
        task, where = self.tasks.of(there.vm_mm)
        if task not in self._processes:
            cgroup = self._cgroups.of_task(where) if where is not None else None
            process = self._processes[task] = Process(AddressSpace(), cgroup)
            if where is not None and has(where.type_.type, "mempolicy"):
                process.policy = self._nodes.policy(where.mempolicy)
            self._identities.processes[task] = _holder_process(task)
        mm = self._processes[task].mm
        vma = self._mappings.make(there, mm, inode)
        if not vma.shared:
            self._pages(there.vm_mm, vma, subpool)

    def _pages(self, mm: Object, vma: Vma, subpool: Subpool | None) -> None:
        walk = partial(mapped, self.kernel.program, self.kernel.paging, mm)
        for number, physical in walk(vma.vm_start, vma.vm_end, self._shift):
            folio = self._folios.at_physical(physical, subpool)
            if folio.anon:
                folio.mapcount += 1
            vma.page_table.set(number, folio)


def _node(nr_huge_pages: int, free: int, surplus: int) -> HStateNode:
    node = HStateNode(nr_huge_pages)
    node.free_huge_pages = free
    node.surplus_huge_pages = surplus
    return node


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
