"""What of one process decides which huge pages it may have: its cgroup, nodes, user and groups."""

import os
import re
from dataclasses import dataclass
from typing import NamedTuple

from hugeresv.errors import InputError, UnavailableError
from hugeresv.sources.proc.cgroups import own_cgroup
from hugeresv.sources.proc.files import MalformedError, number, parsed, read_start, read_text, reason
from hugeresv.words import PolicyMode

_CAP_DAC_OVERRIDE, _CAP_IPC_LOCK = 1, 14
_POLICY = re.compile(rb"[0-9a-f]+ (local|(?:[a-z]+|prefer \(many\)|weighted interleave)(?:=\w+)*:([0-9,-]+)) ")
_MODES: dict[str, PolicyMode] = {
    "local": "local",
    "bind": "bind",
    "prefer": "preferred",
    "prefer (many)": "preferred_many",
    "interleave": "interleave",
    "weighted interleave": "weighted_interleave",
}
"""As the kernel shows them (mm/mempolicy.c, policy_modes)."""
_ALL_USERS = ["0", "0", "4294967295"]
_LARGEST_ID = (1 << 32) - 1
_LARGEST_NODE = 1023
"""NODES_SHIFT is 10 at most (mm/Kconfig)."""
LARGEST_CPU = (1 << 16) - 1
"""More than any NR_CPUS."""


class TaskPolicy(NamedTuple):
    """A memory policy of a process, and its nodes; none with `local`."""

    mode: PolicyMode
    nodes: frozenset[int]


@dataclass(frozen=True, slots=True)
class Task:
    """A process, or what of it could be read.

    cgroup        the path that its huge pages are charged to, as /proc/PID/cgroup spells it; None: not told
    cpuset        the NUMA nodes that it may use (Mems_allowed); None: not told
    cpus          the CPUs that it may run on; None: not told
    policy        its memory policy; None: it has none, or it may not be read
    uid, groups   as file systems see it; the first group is its own
    capabilities  effective, and of the first user namespace: those of another do not count for huge pages
    """

    cgroup: str | None
    cpuset: frozenset[int] | None
    policy: TaskPolicy | None
    uid: int
    groups: tuple[int, ...]
    capabilities: int
    cpus: frozenset[int] | None = None

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
        advice = "" if isinstance(error, MalformedError) else "; run as root"
        raise UnavailableError(f"cannot look at {path}: {reason(error)}{advice}") from None


def _read(path: str) -> Task:
    cgroup = parsed(f"{path}/cgroup", own_cgroup) if os.path.exists(f"{path}/cgroup") else None
    status = parsed(f"{path}/status", _parse_status) if os.path.exists(f"{path}/status") else _Status()
    users = read_text(f"{path}/uid_map").split() if os.path.exists(f"{path}/uid_map") else _ALL_USERS
    return Task(
        cgroup,
        status.cpuset,
        _policy(path),
        status.uid,
        status.groups,
        status.capabilities if users == _ALL_USERS else 0,
        status.cpus,
    )


@dataclass(frozen=True, slots=True)
class _Status:
    """What /proc/PID/status says of a task."""

    uid: int = 0
    groups: tuple[int, ...] = (0,)
    capabilities: int = 0
    cpuset: frozenset[int] | None = None
    cpus: frozenset[int] | None = None


def _parse_status(text: str) -> _Status:
    fields = dict(line.partition(":")[::2] for line in text.split("\n"))
    cpuset, cpus = fields.get("Mems_allowed_list"), fields.get("Cpus_allowed_list")
    capabilities = fields.get("CapEff", "0").strip()
    groups = fields.get("Groups", "").split()
    if re.fullmatch(r"[0-9a-f]{1,16}", capabilities) is None:
        raise MalformedError("CapEff", capabilities)
    return _Status(
        _file_system_id(fields, "Uid"),
        (_file_system_id(fields, "Gid"), *(number(group, "Groups", most=_LARGEST_ID) for group in groups)),
        int(capabilities, 16),
        None if cpuset is None else parse_list(cpuset.strip(), "Mems_allowed_list"),
        None if cpus is None else parse_list(cpus.strip(), "Cpus_allowed_list", LARGEST_CPU),
    )


def parse_list(text: str, field: str, most: int = _LARGEST_NODE) -> frozenset[int]:
    """A list of nodes or CPUs as the kernel writes it: `0-1,3`. Raises MalformedError, which names `field`."""
    numbers: set[int] = set()
    for part in text.split(",") if text else []:
        first, _, last = part.partition("-")
        low = number(first, field, most=most)
        numbers.update(range(low, number(last or first, field, least=low, most=most) + 1))
    return frozenset(numbers)


def _file_system_id(fields: dict[str, str], name: str) -> int:
    """The last of the four that status shows: real, effective, saved, file system."""
    ids = fields.get(name, "0 0 0 0").split()
    if len(ids) != 4:
        raise MalformedError(name, fields[name])
    return number(ids[3], name, most=_LARGEST_ID)


def _policy(path: str) -> TaskPolicy | None:
    """The policy of the task, which numa_maps shows for a mapping without one of its own: the program's first.

    Raises MalformedError.
    """
    try:
        found = _POLICY.match(read_start(f"{path}/numa_maps", 4096))
    except OSError:
        return None
    mode = _MODES.get(re.split("[=:]", found[1].decode())[0]) if found else None
    if found is None or mode is None:
        return None
    nodes = parse_list((found[2] or b"").decode(), f"the policy in {path}/numa_maps")
    return TaskPolicy(mode, nodes)
