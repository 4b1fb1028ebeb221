"""Trying it on the model: the calls that make the mappings, and a touch of every page."""

from collections.abc import Mapping
from dataclasses import dataclass

from hugeresv.fitting.situation import Situation, What
from hugeresv.fitting.touching import touch_all
from hugeresv.model.address_space import TASK_SIZE, AddressSpace
from hugeresv.model.hstate import HState
from hugeresv.model.hugetlb_cgroup import HugetlbCgroup
from hugeresv.model.inode import Inode
from hugeresv.model.machine import Machine
from hugeresv.model.mempolicy import MemPolicy, Placement
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


class ChargedHState(HState):
    """A pool whose pages are charged to memory.max, too (memory_hugetlb_accounting, from 6.6 on).

    `memory_room`: pages that it still lets the task have; `refused_charge` is set when it lets it have no more. It
    lasts for one trial: a machine with it is neither copied nor compared.
    """

    __slots__ = ("memory_room", "refused_charge")

    def __init__(self, page_bytes: int, nr_huge_pages: Mapping[int, int], memory_room: int | None) -> None:
        """None: there is no such limit."""
        super().__init__(page_bytes, nr_huge_pages)
        self.memory_room = memory_room
        self.refused_charge = False

    def take_page(
        self, nodes: Placement = (), *, promised: bool, consumes: bool, fresh_consumes: bool
    ) -> tuple[int, bool] | None:
        """One that can be charged."""
        if self.memory_room is not None:
            if self.memory_room <= 0:
                self.refused_charge = True
                return None
            self.memory_room -= 1
        return super().take_page(nodes, promised=promised, consumes=consumes, fresh_consumes=fresh_consumes)


def attempt(situation: Situation) -> Trial:
    """Make every mapping, and touch all of its pages before the next."""
    hstate = _hstate(situation)
    machine = _machine(situation, hstate)
    task = machine.processes[_TASK]
    before = hstate.surplus_huge_pages
    address = max(situation.page_bytes, 1 << 30)
    for number, pages in enumerate(situation.request.pages):
        call, outcome = _make(machine, situation, number, address)
        page = None
        if outcome is Outcome.OK:
            call = "touch"
            policy = _bind(machine, situation, address) or task.policy
            page, outcome = touch_all(machine, task, address, pages, period=_period(policy))
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


def _bind(machine: Machine, situation: Situation, address: int) -> MemPolicy | None:
    """Give a mapping the policy that its program sets with mbind(2) when it has made it, if it does."""
    policy = situation.bound_after
    for vma in machine.processes[_TASK].mm.vmas if policy is not None else ():
        if vma.vm_start == address:
            vma.policy = policy
    return policy


def _period(policy: MemPolicy | None) -> int:
    """After how many pages a policy that goes round its nodes is at the first again."""
    return len(policy.nodes) if policy is not None and policy.mode.endswith("interleave") else 1


def _hstate(situation: Situation) -> ChargedHState:
    """The pool with all of its nodes."""
    pool = situation.pool
    memory_room = min((room.at_most for room in situation.memory), default=None)
    hstate = ChargedHState(situation.page_bytes, dict.fromkeys(situation.placed, 0), memory_room)
    for nid, there in situation.placed.items():
        hstate.count(nid, nr=there.total, free=there.free, surplus=there.surp)
    hstate.nr_huge_pages = pool.total
    hstate.free_huge_pages = pool.free
    hstate.resv_huge_pages = pool.rsvd
    hstate.surplus_huge_pages = pool.surp
    return hstate


def _machine(situation: Situation, hstate: HState) -> Machine:
    """A situation as a machine. Everybody else is one opaque holder that holds still.

    What that holder has, used pages and promises, is in the counters and nowhere else: nothing that is asked here makes
    it give any of it back.
    """
    none = dict.fromkeys(situation.placed, 0)
    machine = Machine(situation.behaviour, situation.page_bytes, none, situation.most_surplus)
    hstate.nr_overcommit_huge_pages = machine.hstate.nr_overcommit_huge_pages
    machine.hstates = [hstate]
    if situation.grow and situation.growing_node is not None:
        node, persistent = situation.growing_node
        set_max_huge_pages(machine, hstate, persistent + situation.grow, node=node)
    elif situation.grow:
        set_max_huge_pages(machine, hstate, situation.persistent + situation.grow)
    room = situation.mount
    if room is not None and (room.size_pages is not None or room.min_size_pages is not None):
        subpool = Subpool(room.size_pages, room.min_size_pages)
        subpool.used_hpages = room.used_pages
        subpool.rsv_hpages = room.min_left_pages
        machine.mounts[_MOUNT] = HugetlbfsMount(hstate, subpool)
    node = situation.cpus[0] if situation.cpus else min(situation.nodes)
    task = Process(AddressSpace(), _cgroup(machine, situation), node)
    task.policy = situation.policy
    machine.processes[_TASK] = task
    return machine


def _cgroup(machine: Machine, situation: Situation) -> HugetlbCgroup | None:
    """The task's cgroup, with those above it, and with the nodes of its cpuset, which may be another's."""
    cgroup = None
    for room in reversed(situation.cgroups):
        use = room.use
        cgroup = HugetlbCgroup(cgroup, machine.hstates)
        counters = cgroup.of(machine.hstate)
        counters.max_pages, counters.rsvd_max_pages = use.max_pages, use.rsvd_max_pages
        counters.usage, counters.rsvd = use.usage_pages, use.rsvd_pages or 0
        machine.cgroups[use.path] = cgroup
    if situation.mems:
        cgroup = cgroup or HugetlbCgroup(None, machine.hstates)
        cgroup.mems = situation.mems
    return cgroup
