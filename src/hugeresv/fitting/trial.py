"""Trying it on the model: the calls that make the mappings, and a touch of every page."""

from dataclasses import dataclass

from hugeresv.fitting.situation import Situation, What
from hugeresv.fitting.touching import touch_all
from hugeresv.model.address_space import TASK_SIZE, AddressSpace
from hugeresv.model.hstate import HState, HStateNode
from hugeresv.model.hugetlb_cgroup import HugetlbCgroup
from hugeresv.model.inode import Inode
from hugeresv.model.machine import Machine
from hugeresv.model.mempolicy import Placement
from hugeresv.model.mmap import mmap
from hugeresv.model.mount import HugetlbfsMount, open_file
from hugeresv.model.process import Process
from hugeresv.model.resize import set_max_huge_pages
from hugeresv.model.shm import shmat, shmget
from hugeresv.model.subpool import Subpool
from hugeresv.outcome import Outcome

_REFUSED_CHARGE_IS_SIGBUS = {"7.3", "ideal"}
"""Behaviours under which a page that memory.max forbids is SIGBUS, as the documentation has it (cgroup-v2.rst).

alloc_hugetlb_folio answers ENOMEM, which becomes VM_FAULT_OOM: the fault is repeated for ever. Seen in guests of
6.12.43, 6.12.118, 6.16.3 and 6.18.15; on 7.3.4 it is SIGBUS.
"""

_MOUNT = "mount"
_TASK = "task"
_USABLE, _UNBOUND, _ELSEWHERE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Trial:
    """How far it came.

    call           what answered `outcome`: mmap, shmget, shmat, open or touch; touch also where all succeeded
    mapping        which of the mappings it was, counted from 0
    page           of a touch that failed, counted from 0 in that mapping
    surplus_pages  that overcommit had to find in free memory until then
    """

    call: str
    outcome: Outcome
    mapping: int = 0
    page: int | None = None
    surplus_pages: int = 0

    @property
    def fits(self) -> bool:
        """Whether every page could be had."""
        return self.outcome is Outcome.OK

    @property
    def stop(self) -> tuple[int, str, Outcome, int | None]:
        """Where it stopped, to be compared with where another trial did."""
        return self.mapping, self.call, self.outcome, self.page


class ReachableHState(HState):
    """A pool as a task meets it that is kept from some of its pages, or may not be charged for all of them.

    Promises are counted for all nodes together. hugetlb_acct_memory holds a request against the free pages of the
    nodes in the task's cpuset and MPOL_BIND policy alone (allowed_mems_nr; cpuset from 2.6.27, policy from 5.10), and
    a fault takes no page from another (dequeue_hugetlb_folio_nodemask). Surplus pages come from nodes that the task
    may use: gather_surplus_pages picks these from 6.12 on; before, the local node, which a bound task is on.

    `memory_room`: pages that memory.max still lets the task have, where huge pages are charged to it
    (memory_hugetlb_accounting, from 6.6 on); `refused_charge` is set when it lets it have no more.

    It has a node for what the task may use, one for what it may only promise, and one for the rest. It lasts for one
    trial: a machine with it is neither copied nor compared.
    """

    __slots__ = ("memory_room", "promising", "refused_charge")

    def __init__(self, situation: Situation) -> None:
        """With the counters of a situation; its free pages elsewhere are out of the task's reach."""
        pool = situation.pool
        elsewhere = situation.free_elsewhere - situation.unbound
        free = {_USABLE: pool.free - situation.free_elsewhere, _UNBOUND: situation.unbound, _ELSEWHERE: elsewhere}
        super().__init__(situation.page_bytes, 0, situation.most_surplus)
        if self.is_gigantic:
            self.nr_overcommit_huge_pages = 0
        self.nodes = {nid: HStateNode(pages) for nid, pages in free.items()}
        self.nodes[_USABLE].nr_huge_pages += pool.total - pool.free
        self.nodes[_USABLE].surplus_huge_pages = pool.surp
        self.promising: Placement = (_USABLE,)
        self.memory_room = min((room.at_most for room in situation.memory), default=None)
        self.refused_charge = False
        self.nr_huge_pages = pool.total
        self.free_huge_pages = pool.free
        self.resv_huge_pages = pool.rsvd
        self.surplus_huge_pages = pool.surp

    def acct_memory(
        self, delta: int, gather: Placement = (), allowed: Placement = (), *, lets_go: bool = False
    ) -> bool:
        """For the nodes that the task may use, or may promise only."""
        return super().acct_memory(delta, (_USABLE,), self.promising, lets_go=lets_go)

    def take_page(
        self, nodes: Placement = (), *, promised: bool, consumes: bool, fresh_consumes: bool
    ) -> tuple[int, bool] | None:
        """One that can be charged."""
        if self.memory_room is not None:
            if self.memory_room <= 0:
                self.refused_charge = True
                return None
            self.memory_room -= 1
        return super().take_page((_USABLE,), promised=promised, consumes=consumes, fresh_consumes=fresh_consumes)


def attempt(situation: Situation) -> Trial:
    """Make every mapping, and touch all of its pages before the next."""
    hstate = ReachableHState(situation)
    machine = _machine(situation, hstate)
    task = machine.processes[_TASK]
    before = hstate.surplus_huge_pages
    address = max(situation.page_bytes, 1 << 30)
    for number, pages in enumerate(situation.request.pages):
        hstate.promising = (_USABLE, _UNBOUND)
        call, outcome = _make(machine, situation, number, address)
        hstate.promising = (_USABLE,)
        page = None
        if outcome is Outcome.OK:
            call = "touch"
            page, outcome = touch_all(machine, task, address, pages)
            if hstate.refused_charge and situation.behaviour.name not in _REFUSED_CHARGE_IS_SIGBUS:
                outcome = Outcome.HANG
        if outcome is not Outcome.OK:
            return Trial(call, outcome, number, page, hstate.surplus_huge_pages - before)
        address += pages * situation.page_bytes
    return Trial("touch", Outcome.OK, len(situation.request.pages) - 1, None, hstate.surplus_huge_pages - before)


def _make(machine: Machine, situation: Situation, number: int, address: int) -> tuple[str, Outcome]:
    """Make a mapping: the last call and what it answered."""
    request, refusal = situation.request, situation.refusal
    length = request.pages[number] * situation.page_bytes
    if refusal is not None and refusal.call == "open":
        return refusal.call, refusal.outcome
    stopped = _stopped(situation, number, late=False)
    if stopped is not None:
        return stopped
    if refusal is not None:
        return refusal.call, refusal.outcome
    call = "shmget" if request.what is What.SYSV else "mmap"
    outcome = Outcome.ENOMEM if length > TASK_SIZE - address else _map(machine, situation, number, length, address)
    if outcome is not Outcome.OK:
        return call, outcome
    return _stopped(situation, number, late=True) or (call, outcome)


def _stopped(situation: Situation, number: int, *, late: bool) -> tuple[str, Outcome] | None:
    """The first limit of a call that a mapping meets, after those before it."""
    for limit in situation.calls:
        if limit.late == late and limit.counted(situation.request, situation.page_bytes, number + 1) > limit.value:
            return limit.call, limit.outcome
    return None


def _map(machine: Machine, situation: Situation, number: int, length: int, address: int) -> Outcome:
    task, request = machine.processes[_TASK], situation.request
    if request.what is What.SYSV:
        outcome = shmget(machine, task, number, length, noreserve=request.noreserve)
        return shmat(machine, task, number, address) if outcome is Outcome.OK else outcome
    inode: Inode | None = None
    if _MOUNT in machine.mounts:
        open_file(machine, number, machine.mounts[_MOUNT])
        inode = machine.files[number]
    shared = request.what is What.SHARED
    return mmap(machine, task, address, length, shared=shared, inode=inode, noreserve=request.noreserve)


def _machine(situation: Situation, hstate: HState) -> Machine:
    """A situation as a machine. Everybody else is one opaque holder that holds still.

    What that holder has, used pages and promises, is in the counters and nowhere else: nothing that is asked here makes
    it give any of it back.
    """
    machine = Machine(situation.behaviour, situation.page_bytes, 0)
    machine.hstates = [hstate]
    if situation.grow:
        set_max_huge_pages(machine, hstate, situation.persistent + situation.grow, nodes=(_USABLE,))
    room = situation.mount
    if room is not None and (room.size_pages is not None or room.min_size_pages is not None):
        subpool = Subpool(room.size_pages, room.min_size_pages)
        subpool.used_hpages = room.used_pages
        subpool.rsv_hpages = room.min_left_pages
        machine.mounts[_MOUNT] = HugetlbfsMount(hstate, subpool)
    machine.processes[_TASK] = Process(AddressSpace(), _cgroup(machine, situation))
    return machine


def _cgroup(machine: Machine, situation: Situation) -> HugetlbCgroup | None:
    """The task's cgroup, with those above it."""
    cgroup = None
    for room in reversed(situation.cgroups):
        use = room.use
        cgroup = HugetlbCgroup(cgroup, use.max_pages, use.rsvd_max_pages)
        cgroup.usage, cgroup.rsvd = use.usage_pages, use.rsvd_pages or 0
        machine.cgroups[use.path] = cgroup
    return cgroup
