"""The status of a host: its observation, the unexplained rest, and warnings."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from hugeresv.holders.finding import Finding
from hugeresv.holders.warning import warnings_of
from hugeresv.ledger.observation import Holder, Observation, PoolUse
from hugeresv.ledger.reconcile import CgroupRest, Unexplained, cgroup_rests, holders_of, unexplained
from hugeresv.sources.proc.files import read_if_there
from hugeresv.sources.proc.observe import observe_host
from hugeresv.sources.proc.pools import pool_of_size

Order = Callable[[Holder], tuple[int, str]]
"""The key that holders are sorted by."""


class Identity(NamedTuple):
    """Which host, kernel and boot, and when: the time in UTC as ISO 8601 has it."""

    host: str
    kernel: str
    boot_id: str
    time: str


@dataclass(frozen=True, slots=True)
class Status:
    """Everything that is reported. Holders are in the order asked for; `unselected`: how many were not asked for."""

    identity: Identity
    observation: Observation
    unexplained: Sequence[Unexplained]
    warnings: Sequence[Finding]
    unselected: int = 0
    cgroup_rests: Sequence[CgroupRest] = ()

    @property
    def explained(self) -> bool:
        """Whether the holders have, in numbers that are certain, exactly what is counted: no other can have any."""
        rests = any(row.reserved_pages or row.used_pages for row in self.unexplained)
        return not rests and all(holder.certain for holder in self.observation.holders)

    @property
    def wrong(self) -> bool:
        """Whether something is wrong with the ledger itself."""
        return any(warning.wrong for warning in self.warnings)


class Selection(NamedTuple):
    """What is shown: None for all. The unexplained rest is that of all holders of the page sizes shown, in any case."""

    page_bytes: int | None = None
    pid: int | None = None
    cgroup: str | None = None


def status_of_host(proc_root: str, sys_root: str, selection: Selection, order: Order) -> Status:
    """Look at a host. Raises UnavailableError where it has no huge pages, InputError where it has none of the size."""
    identity = _identity(proc_root)
    observation = observe_host(proc_root, sys_root)
    if selection.page_bytes is not None:
        observation = _of_pool(observation, pool_of_size(observation.pools, selection.page_bytes))
    rest = unexplained(observation)
    warnings = warnings_of(observation, rest)
    holders = [holder for holder in observation.holders if _is_selected(holder, selection.pid, selection.cgroup)]
    holders.sort(key=order)
    unselected = len(observation.holders) - len(holders)
    shown = replace(observation, holders=tuple(holders))
    return Status(identity, shown, rest, warnings, unselected, cgroup_rests(observation))


def _of_pool(observation: Observation, pool: PoolUse) -> Observation:
    size = pool.page_size_kB
    return replace(
        observation,
        pools=(pool,),
        holders=tuple(holders_of(observation, pool)),
        mounts=tuple(mount for mount in observation.mounts if mount.page_size_kB == size),
        cgroups=tuple(cgroup for cgroup in observation.cgroups if cgroup.page_size_kB == size),
    )


def _is_selected(holder: Holder, pid: int | None, cgroup: str | None) -> bool:
    if pid is not None and all(process.pid != pid for process in holder.processes):
        return False
    return cgroup is None or (holder.cgroup is not None and f"{holder.cgroup}/".startswith(f"{cgroup.rstrip('/')}/"))


def _identity(proc_root: str) -> Identity:
    kernel = f"{proc_root}/sys/kernel"
    host, release, boot = (
        read_if_there(path).strip()
        for path in (f"{kernel}/hostname", f"{kernel}/osrelease", f"{kernel}/random/boot_id")
    )
    return Identity(host, release, boot, now())


def now() -> str:
    """The time, as `Identity` has it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
