"""What shmget(2) with SHM_HUGETLB is held against: the limits of its IPC namespace, and who may have such segments."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from hugeresv.fitting.rlimit import BASE_PAGE_BYTES, resource_limit
from hugeresv.fitting.situation import CallLimit, Charge, Refusal
from hugeresv.model.release import parse_release
from hugeresv.outcome import Outcome
from hugeresv.sources.proc.files import read_number, reason
from hugeresv.sources.proc.namespaces import namespace
from hugeresv.sources.proc.rlimits import Rlimits
from hugeresv.sources.proc.segments import within_ipc
from hugeresv.sources.proc.sysvipc import read_own_segments
from hugeresv.sources.proc.task import Task

_NAMES = ("shmmax", "shmall", "shmmni")


@dataclass(frozen=True, slots=True)
class _Ipc:
    """The limits of an IPC namespace and the sizes of its segments in bytes; None is what could not be read."""

    shmmax: int | None
    shmall: int | None
    shmmni: int | None
    segments: tuple[int, ...] | None


class SegmentLimits(NamedTuple):
    """Limits in the order in which they are asked, why a segment is refused in any case, and what is not known."""

    limits: list[CallLimit]
    refusal: Refusal | None
    notes: list[str]


def segment_limits(proc_root: str, pid: int | None, task: Task, rlimits: Rlimits, release: str) -> SegmentLimits:
    """What a segment of the process would be held against; `pid` None: this one. Raises OSError."""
    limits, notes = _ipc_limits(proc_root, "self" if pid is None else str(pid))
    refusal, memlock, more = _permission(proc_root, task, rlimits, release, pid)
    return SegmentLimits([*limits, *memlock], refusal, [*notes, *more])


def _ipc_limits(proc_root: str, process: str) -> tuple[list[CallLimit], list[str]]:
    """Those of its IPC namespace as newseg (ipc/shm.c) asks them, and what there is to say of those not read.

    shmmni comes last: ipc_addid asks it when the pages have been promised.
    """
    its, ours = (namespace(f"{proc_root}/{each}", "ipc") for each in (process, "self"))
    try:
        elsewhere = its not in {ours, ""}
        ipc = within_ipc(f"{proc_root}/{process}/ns/ipc", lambda: _read(proc_root)) if elsewhere else _read(proc_root)
    except OSError as error:
        return [], [f"the limits of its IPC namespace could not be read: {reason(error)}"]
    missing = [name for name in _NAMES if getattr(ipc, name) is None]
    notes = [f"kernel.{', kernel.'.join(missing)} could not be read: no such limit is considered"] if missing else []
    if ipc.segments is None and len(missing) < len(_NAMES):
        notes.append("the segments that exist could not be read (sysvipc/shm): none is counted against the limits")
    return _limits(ipc, f"nsenter -t {process} -i " if elsewhere else ""), notes


def _limits(ipc: _Ipc, entry: str) -> list[CallLimit]:
    sizes = ipc.segments or ()
    base_pages = sum(-(-size // BASE_PAGE_BYTES) for size in sizes)
    found = []
    for name, value, used, charge, unit, outcome in (
        ("shmmax", ipc.shmmax, 0, Charge.EACH, 1, Outcome.EINVAL),
        ("shmall", ipc.shmall, base_pages, Charge.SUM, BASE_PAGE_BYTES, Outcome.ENOSPC),
        ("shmmni", ipc.shmmni, len(sizes), Charge.SUM, None, Outcome.ENOSPC),
    ):
        if value is not None:
            command = f"{entry}sysctl kernel.{name}={{}}"
            limit = CallLimit(name, "shmget", outcome, value, used, charge, unit, f"kernel.{name}", command)
            found.append(replace(limit, late=name == "shmmni", as_asked=True))
    return found


def _permission(
    proc_root: str, task: Task, rlimits: Rlimits, release: str, pid: int | None
) -> tuple[Refusal | None, list[CallLimit], list[str]]:
    """Why the task may not have such a segment, or the limit that it is held against instead, and what there is to say.

    It takes CAP_IPC_LOCK or the group (fs/hugetlbfs/inode.c, can_do_hugetlb_shm), or else, up to 5.15, room below
    RLIMIT_MEMLOCK.
    """
    if task.may_lock:
        return None, [], []
    group = _setting(proc_root, "vm/hugetlb_shm_group")
    if group is None:
        return None, [], ["vm.hugetlb_shm_group could not be read: the process is taken to be in it"]
    if group in task.groups:
        return None, [], []
    if not _honours_memlock(release):
        text = f"SysV segments of huge pages need CAP_IPC_LOCK or group {group} (vm.hugetlb_shm_group)"
        command = f"sysctl vm.hugetlb_shm_group={task.groups[0]}"
        return Refusal("shmget", Outcome.EPERM, "hugetlb-shm-group", text, command), [], []
    note = (
        "without CAP_IPC_LOCK and vm.hugetlb_shm_group the segment is allowed by RLIMIT_MEMLOCK alone: the kernel "
        "calls this deprecated, and from Linux 5.16 on it is EPERM; what the user has locked already is not known"
    )
    if rlimits.locked is None:
        return None, [], [note]
    return None, [resource_limit("memlock", "shmget", Outcome.EPERM, rlimits.locked, 0, pid)], [note]


def _honours_memlock(release: str) -> bool:
    """Behaviour.shm_honours_memlock of exactly this release: 5.16 to 5.19 differ from the preset that is closest."""
    found = parse_release(release)
    return found is not None and found.series <= (5, 15)


def _read(proc_root: str) -> _Ipc:
    """Those of the namespace of this thread, or of a captured tree. Raises OSError."""
    segments = read_own_segments(proc_root, "") if Path(f"{proc_root}/sysvipc/shm").exists() else None
    shmmax, shmall, shmmni = (_setting(proc_root, f"kernel/{name}") for name in _NAMES)
    sizes = None if segments is None else tuple(segment.size_bytes for segment in segments)
    return _Ipc(shmmax, shmall, shmmni, sizes)


def _setting(proc_root: str, name: str) -> int | None:
    """A sysctl; None where a copy does not have it. Raises OSError."""
    path = f"{proc_root}/sys/{name}"
    return read_number(path) if Path(path).exists() else None
