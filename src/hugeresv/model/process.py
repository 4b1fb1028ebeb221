"""A process: an address space, and the cgroup that pays for what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.locks import Lock, takes
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.address_space import AddressSpace
    from hugeresv.model.hugetlb_cgroup import HugetlbCgroup
    from hugeresv.model.machine import Machine
    from hugeresv.model.mempolicy import MemPolicy


HUGETLB_SHM_GROUP = 0
"""sysctl_hugetlb_shm_group (fs/hugetlbfs/inode.c): its value until root writes another."""
_MLOCK_LIMIT = 8 << 20
_FORMER_MLOCK_LIMIT = 64 << 10


def mlock_limit(machine: Machine) -> int:
    """RLIMIT_MEMLOCK in bytes of a process whose parents have not set it (include/uapi/linux/resource.h)."""
    return _FORMER_MLOCK_LIMIT if machine.behaviour.memlock_is_64_kib else _MLOCK_LIMIT


class Process:
    """A task of one thread, whose CPU is on `node`. `policy`: of set_mempolicy(2), None without.

    `capable`: it has root's capabilities; `memlock_bytes` is RLIMIT_MEMLOCK, soft and hard.
    """

    css_set_lock = Lock("css_set_lock", single=True)
    """Which cgroup a process is in (kernel/cgroup/cgroup.c)."""

    __slots__ = ("capable", "cgroup", "gid", "memlock_bytes", "mm", "node", "policy")

    def __init__(
        self, mm: AddressSpace, cgroup: HugetlbCgroup | None, node: int = 0, memlock_bytes: int = _MLOCK_LIMIT
    ) -> None:
        """A process of root's in `cgroup` (None: the root)."""
        self.mm = mm
        self.cgroup = cgroup
        self.gid = 0
        self.capable = True
        self.memlock_bytes = memlock_bytes
        self.node = node
        self.policy: MemPolicy | None = None
        if cgroup is not None:
            cgroup.tasks += 1

    @property
    def can_do_hugetlb_shm(self) -> bool:
        """Whether it may have SysV segments of huge pages, whatever its limits are: CAP_IPC_LOCK, or the group."""
        return self.capable or self.gid == HUGETLB_SHM_GROUP

    def set_gid(self, gid: int) -> Outcome:
        """setresgid(2) with three times the same. EPERM: another group takes CAP_SETGID."""
        if not self.capable and gid != self.gid:
            return Outcome.EPERM
        self.gid = gid
        return Outcome.OK

    def set_memlock(self, limit_bytes: int) -> Outcome:
        """prlimit(2) of both limits of RLIMIT_MEMLOCK. EPERM: a higher hard limit takes CAP_SYS_RESOURCE."""
        if not self.capable and limit_bytes > self.memlock_bytes:
            return Outcome.EPERM
        self.memlock_bytes = limit_bytes
        return Outcome.OK

    @takes(css_set_lock)
    def move_to(self, cgroup: HugetlbCgroup) -> Outcome:
        """cgroup_migrate: later charges go to `cgroup`; what was charged stays. EBUSY: the cgroup takes no tasks."""
        if cgroup.subtree_control:
            return Outcome.EBUSY
        self._leave()
        self.cgroup = cgroup
        cgroup.tasks += 1
        return Outcome.OK

    @takes(css_set_lock)
    def leave_cgroup(self) -> None:
        """cgroup_exit: the process counts in no cgroup but the root."""
        self._leave()

    def _leave(self) -> None:
        if self.cgroup is not None:
            self.cgroup.tasks -= 1
        self.cgroup = None
