"""Whose an address space is."""

from typing import NamedTuple

from drgn import Object
from drgn.helpers.linux.fs import for_each_file
from drgn.helpers.linux.pid import for_each_task

from hugeresv.sources.drgn.kernel import KernelMemory
from hugeresv.sources.drgn.objects import distinct, text


class KernelTask(NamedTuple):
    """A process, by which the machine knows it. Ordered by process ID."""

    pid: int
    command: str

    def __repr__(self) -> str:
        return f"{self.pid} ({self.command})"


class Tasks:
    """Every process with memory of its own. Threads are their process."""

    def __init__(self, kernel: KernelMemory) -> None:
        self._by_mm: dict[int, tuple[KernelTask, Object]] = {}
        self._parents: dict[int, int] = {}
        every = for_each_task(kernel.variable("init_pid_ns").address_of_())
        for task in distinct(every, "the list of processes"):
            mm = task.mm.value_()
            if mm and mm not in self._by_mm:
                leader = task.group_leader
                self._by_mm[mm] = KernelTask(int(task.tgid), text(leader.comm)), leader
                self._parents[int(task.tgid)] = int(leader.real_parent.tgid)

    def of(self, mm: Object) -> tuple[KernelTask, Object | None]:
        """The process of an address space, and its `struct task_struct *`; without one where it is about to end."""
        return self._by_mm.get(mm.value_(), (KernelTask(0, f"ending, mm {mm.value_():#x}"), None))

    def ancestors(self, task: KernelTask) -> set[int]:
        """The process IDs of those that live of a process' parent, its parent, and so on."""
        found: set[int] = set()
        pid = self._parents.get(task.pid)
        while pid is not None and pid not in found:
            found.add(pid)
            pid = self._parents.get(pid)
        return found

    def opened(self) -> dict[int, list[KernelTask]]:
        """Who has which file open, by the address of the inode."""
        found: dict[int, list[KernelTask]] = {}
        for task, there in self._by_mm.values():
            if there.files:
                for _, file in for_each_file(there):
                    owners = found.setdefault(file.f_inode.value_(), [])
                    if task not in owners:
                        owners.append(task)
        return found
