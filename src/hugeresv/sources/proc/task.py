"""What of one process decides which huge pages it may have: its cgroup, nodes, user and groups."""

import os
import re
from dataclasses import dataclass

from hugeresv.errors import InputError, UnavailableError
from hugeresv.sources.proc.cgroups import own_cgroup
from hugeresv.sources.proc.files import read_if_there

_CAP_DAC_OVERRIDE, _CAP_IPC_LOCK = 1, 14
_POLICY = re.compile(rb"[0-9a-f]+ bind(?:=\w+)?:([0-9,-]+) ")
_ALL_USERS = ["0", "0", "4294967295"]


@dataclass(frozen=True, slots=True)
class Task:
    """A process, or what of it could be read.

    cgroup        the path that its huge pages are charged to, as /proc/PID/cgroup spells it; None: not told
    cpuset        the NUMA nodes that it may use (Mems_allowed); None: not told
    bound         the nodes of its MPOL_BIND policy; None: it has no such policy, or it may not be read
    uid, groups   as file systems see it; the first group is its own
    capabilities  effective, and of the first user namespace: those of another do not count for huge pages
    """

    cgroup: str | None
    cpuset: frozenset[int] | None
    bound: frozenset[int] | None
    uid: int
    groups: tuple[int, ...]
    capabilities: int

    @property
    def may_lock(self) -> bool:
        """CAP_IPC_LOCK."""
        return bool(self.capabilities >> _CAP_IPC_LOCK & 1)

    @property
    def may_override(self) -> bool:
        """CAP_DAC_OVERRIDE."""
        return bool(self.capabilities >> _CAP_DAC_OVERRIDE & 1)


def read_task(proc_root: str, pid: int | None) -> Task:
    """A process; None: this one. InputError where there is no such process, UnavailableError if it may not be read."""
    path = f"{proc_root}/{'self' if pid is None else pid}"
    if pid is not None and not os.path.isdir(path):
        raise InputError(f"there is no process {pid} in {proc_root}")
    try:
        return _read(path)
    except OSError as error:
        raise UnavailableError(f"cannot look at {path}: {error.strerror}; run as root") from None


def _read(path: str) -> Task:
    fields = dict(line.partition(":")[::2] for line in read_if_there(f"{path}/status").splitlines())
    cpuset = fields.get("Mems_allowed_list")
    return Task(
        own_cgroup(read_if_there(f"{path}/cgroup")),
        None if cpuset is None else parse_nodes(cpuset.strip()),
        _bound(path),
        _file_system_id(fields.get("Uid")),
        (_file_system_id(fields.get("Gid")), *map(int, fields.get("Groups", "").split())),
        int(fields.get("CapEff", "0"), 16) if read_if_there(f"{path}/uid_map").split() in ([], _ALL_USERS) else 0,
    )


def parse_nodes(text: str) -> frozenset[int]:
    """A list of nodes as the kernel writes it: `0-1,3`."""
    nodes: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first:
            nodes.update(range(int(first), int(last or first) + 1))
    return frozenset(nodes)


def _file_system_id(ids: str | None) -> int:
    """The last of the four that status shows: real, effective, saved, file system."""
    return int(ids.split()[3]) if ids else 0


def _bound(path: str) -> frozenset[int] | None:
    """The policy of the task, which numa_maps shows for a mapping without one of its own: the program's first."""
    try:
        descriptor = os.open(f"{path}/numa_maps", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = _POLICY.match(os.read(descriptor, 4096))
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return parse_nodes(found[1].decode()) if found else None
