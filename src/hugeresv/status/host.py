"""The status of a host: its observation, the unexplained rest, and warnings."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from hugeresv.ledger.observation import Holder, Observation
from hugeresv.ledger.reconcile import Unexplained, unexplained
from hugeresv.sources.procfs.files import read_text
from hugeresv.sources.procfs.observe import observe_host
from hugeresv.status.warning import Finding, warnings_of

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
    """Everything that is reported. Holders are in the order asked for."""

    identity: Identity
    observation: Observation
    unexplained: Sequence[Unexplained]
    warnings: Sequence[Finding]

    @property
    def wrong(self) -> bool:
        """Whether something is wrong with the ledger itself."""
        return any(warning.wrong for warning in self.warnings)


class Selection(NamedTuple):
    """What is shown: None for all. The unexplained rest is that of all holders of the page sizes shown, in any case."""

    page_size_kB: int | None = None
    pid: int | None = None
    cgroup: str | None = None


def status_of_host(proc_root: str, sys_root: str, selection: Selection, order: Order) -> Status:
    """Look at a host. Raises UnavailableError where it has no huge pages."""
    identity = _identity(proc_root)
    observation = _of_size(observe_host(proc_root, sys_root), selection.page_size_kB)
    rest = unexplained(observation)
    warnings = warnings_of(observation, rest)
    holders = [holder for holder in observation.holders if _is_selected(holder, selection.pid, selection.cgroup)]
    holders.sort(key=order)
    return Status(identity, replace(observation, holders=tuple(holders)), rest, warnings)


def _of_size(observation: Observation, page_size_kB: int | None) -> Observation:
    if page_size_kB is None:
        return observation
    return replace(
        observation,
        pools=tuple(pool for pool in observation.pools if pool.page_size_kB == page_size_kB),
        holders=tuple(holder for holder in observation.holders if holder.page_size_kB == page_size_kB),
        mounts=tuple(mount for mount in observation.mounts if mount.page_size_kB == page_size_kB),
        cgroups=tuple(cgroup for cgroup in observation.cgroups if cgroup.page_size_kB == page_size_kB),
    )


def _is_selected(holder: Holder, pid: int | None, cgroup: str | None) -> bool:
    if pid is not None and all(process.pid != pid for process in holder.processes):
        return False
    return cgroup is None or (holder.cgroup is not None and f"{holder.cgroup}/".startswith(f"{cgroup.rstrip('/')}/"))


def _identity(proc_root: str) -> Identity:
    kernel = f"{proc_root}/sys/kernel"
    host, release, boot = (
        read_text(path).strip() if Path(path).exists() else ""
        for path in (f"{kernel}/hostname", f"{kernel}/osrelease", f"{kernel}/random/boot_id")
    )
    return Identity(host, release, boot, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
