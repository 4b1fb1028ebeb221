"""One scenario's time on a behaviour of the model."""

from __future__ import annotations

from collections.abc import Mapping

from hugeresv.errors import InputError, ScenarioError
from hugeresv.kernels.closed_on_exit import ClosedOnExit
from hugeresv.kernels.model.calls import CALLS
from hugeresv.kernels.model.names import Addresses, NamedProcess
from hugeresv.kernels.model.view import view
from hugeresv.kernels.protocol import Answer, CgroupUsage, Counters, MappingView, Statfs
from hugeresv.model.address_space import AddressSpace
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.hugetlb_cgroup import HugetlbCgroup
from hugeresv.model.machine import Machine
from hugeresv.model.mount import close_file, umount
from hugeresv.model.process import Process
from hugeresv.model.shm import shmrm
from hugeresv.model.unmap import exit_process
from hugeresv.outcome import Outcome
from hugeresv.scenario.operation import Operation
from hugeresv.scenario.scenario import Cgroup, Pool


class ModelSession(ClosedOnExit):
    """A machine, and the scenario's names for what is in it."""

    def __init__(self, behaviour: Behaviour, pool: Pool, cgroups: Mapping[str, Cgroup] | None) -> None:
        """A fresh machine with this pool and these cgroups. InputError for an impossible pool or an unknown parent."""
        try:
            self.machine = Machine(behaviour, pool.page_bytes, pool.nr_hugepages, pool.nr_overcommit or 0)
        except ValueError as error:
            raise InputError(str(error)) from error
        self.page_bytes = pool.page_bytes
        self.processes: dict[str, NamedProcess] = {}
        self._addresses = Addresses()
        self._hung = False
        self._has_cgroups = bool(cgroups)
        self._make_cgroups(dict(cgroups or {}))

    def _make_cgroups(self, wanted: dict[str, Cgroup]) -> None:
        """Parents before children."""
        while wanted:
            ready = [name for name, cgroup in wanted.items() if cgroup.parent not in wanted]
            if not ready:
                raise InputError(f"cgroups are each other's parents: {', '.join(sorted(wanted))}")
            for name in ready:
                cgroup = wanted.pop(name)
                parent = None
                if cgroup.parent is not None:
                    parent = self.machine.cgroups.get(cgroup.parent)
                    if parent is None:
                        raise InputError(f"cgroup {name!r} has parent {cgroup.parent!r}, which is not defined")
                self.machine.cgroups[name] = HugetlbCgroup(parent, cgroup.max_pages, cgroup.rsvd_max_pages)

    def process(self, name: str) -> NamedProcess:
        """The process of that name, which comes into being when it is first named."""
        found = self.processes.get(name)
        if found is None:
            task = Process(AddressSpace(self.machine.hstate.page_shift), None)
            found = self.processes[name] = NamedProcess(task, self._addresses)
            self.machine.processes[name] = task
        return found

    def apply(self, operation: Operation, *, may_hang: bool = False) -> Answer:
        """Carry out one operation; see `kernels.protocol.Session`."""
        if self._hung:
            raise ScenarioError("the machine hangs: it answers nothing more")
        outcome = CALLS[type(operation)](self, operation)
        if outcome is Outcome.HANG:
            self._hung = True
        return self._answer(outcome)

    def _answer(self, outcome: Outcome) -> Answer:
        h = self.machine.hstate
        counters = Counters(h.nr_huge_pages, h.free_huge_pages, h.resv_huge_pages, h.surplus_huge_pages)
        if not self._has_cgroups and not self.machine.mounts:
            return Answer(outcome, counters)
        cgroups = {name: CgroupUsage(c.usage, c.rsvd) for name, c in self.machine.cgroups.items()}
        return Answer(outcome, counters, cgroups if self._has_cgroups else None, self._statfs() or None)

    def _statfs(self) -> dict[str, Statfs]:
        """statfs(2) of the mounts with a size limit (hugetlbfs_statfs)."""
        answer = {}
        for name, mount in self.machine.mounts.items():
            if mount.subpool is not None and mount.subpool.max_hpages is not None:
                free = mount.subpool.max_hpages - mount.subpool.used_hpages
                answer[name] = Statfs(mount.subpool.max_hpages, free, free)
        return answer

    def view(self, proc: str, mapping: str) -> MappingView | None:
        """The mapping page by page, everything known."""
        process = self.processes.get(proc)
        if process is None or mapping not in process.mappings:
            return None
        place = process.mappings[mapping]
        return view(process.task.mm, place.address, place.reach_bytes)

    def release(self) -> Answer:
        """End every process, close every file, remove every segment and unmount everything."""
        machine = self.machine
        for name in list(self.processes):
            exit_process(machine, self.processes.pop(name).task)
            del machine.processes[name]
        for name in list(machine.files):
            close_file(machine, name)
        for name in list(machine.segments):
            shmrm(machine, name)
        for name in list(machine.mounts):
            umount(machine, name)
        return self._answer(Outcome.OK)

    def close(self) -> None:
        """Nothing is left of a model."""
