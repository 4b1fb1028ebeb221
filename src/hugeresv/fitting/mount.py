"""The mounted hugetlbfs in which the file to be mapped would be made, as the process sees it."""

import os
import stat
from pathlib import Path
from typing import NamedTuple

from hugeresv.errors import InputError, UnavailableError
from hugeresv.fitting.situation import MountRoom, Refusal
from hugeresv.ledger.observation import Kind
from hugeresv.outcome import Outcome
from hugeresv.shell import quoted
from hugeresv.sources.proc.files import reason
from hugeresv.sources.proc.mountinfo import read_mountinfo
from hugeresv.sources.proc.mounts import FILE_SYSTEM, mount_limits
from hugeresv.sources.proc.namespaces import namespace
from hugeresv.sources.proc.observe import observe_host
from hugeresv.sources.proc.read import is_live
from hugeresv.sources.proc.task import Task

_KEPT = ("mode", "uid", "gid", "nr_inodes")


class FoundMount(NamedTuple):
    """A directory on a mounted hugetlbfs. `certain`: whether it is known what is left of the minimum."""

    room: MountRoom
    page_bytes: int
    refusal: Refusal | None
    certain: bool


def find_mount(
    proc_root: str, sys_root: str, process: str, directory: str, default_page_bytes: int, task: Task
) -> FoundMount:
    """Where it is. InputError if it is no directory on a hugetlbfs; UnavailableError if it may not be looked at."""
    if not is_live(proc_root):
        raise UnavailableError(f"{proc_root} is a copy of a host's files: the use of {directory!r} is not among them")
    path = Path(directory).absolute()
    seen = f"{proc_root}/{process}/root{path}"
    try:
        points = read_mountinfo(f"{proc_root}/{process}/mountinfo", FILE_SYSTEM)
        status = Path(seen).stat()
        usage = os.statvfs(seen)
    except FileNotFoundError:
        raise InputError(f"there is no {directory!r}") from None
    except OSError as error:
        raise UnavailableError(f"cannot look at {directory!r}: {reason(error)}; run as root") from None
    point = next((point for point in reversed(points) if point.device == status.st_dev), None)
    if point is None or not stat.S_ISDIR(status.st_mode):
        mounted = ", ".join(repr(point.path) for point in points) or "none is mounted"
        raise InputError(f"{directory!r} is not a directory on a hugetlbfs (mounted are: {mounted})")
    page_bytes, size, minimum = mount_limits(point, default_page_bytes)
    used = size - usage.f_bfree if size else 0
    left, certain = minimum or 0, True
    if minimum:
        left, certain = _minimum_left(proc_root, sys_root, point.device)
    entry = _entry(proc_root, process)
    options = tuple(f"{name}={point.options[name]}" for name in _KEPT if name in point.options)
    room = MountRoom(point.path, size, minimum, used, left, options, entry)
    read_only = bool(usage.f_flag & os.ST_RDONLY)
    return FoundMount(room, page_bytes, _refusal(str(path), status, task, entry, read_only=read_only), certain)


def _entry(proc_root: str, process: str) -> str:
    """What makes a command run in the mount namespace of the process, if it is another than ours."""
    ours, its = (namespace(f"{proc_root}/{each}", "mnt") for each in ("self", process))
    return "" if its in {ours, ""} else f"nsenter -t {process} -m "


def _minimum_left(proc_root: str, sys_root: str, device: int) -> tuple[int, bool]:
    """What of the mount's minimum is promised to nobody yet, and whether that is known exactly."""
    observation = observe_host(proc_root, sys_root)
    for holder in observation.holders:
        if holder.kind is Kind.MOUNT_MINIMUM and holder.place == device:
            return holder.reserved.best, holder.certain and observation.all_promises_seen
    return 0, observation.all_promises_seen


def _refusal(path: str, status: os.stat_result, task: Task, entry: str, *, read_only: bool) -> Refusal | None:
    """Why the process may not make a file there."""
    directory = quoted(path)
    if read_only:
        text = f"the mount at {path} is read-only"
        return Refusal("open", Outcome.EROFS, "mount-read-only", text, f"{entry}mount -o remount,rw {directory}")
    wanted = stat.S_IWOTH | stat.S_IXOTH
    if task.uid == status.st_uid:
        wanted = stat.S_IWUSR | stat.S_IXUSR
    elif status.st_gid in task.groups:
        wanted = stat.S_IWGRP | stat.S_IXGRP
    if task.may_override or status.st_mode & wanted == wanted:
        return None
    mode = stat.filemode(status.st_mode)
    text = f"user {task.uid} may make no file in {path} ({mode}, of user {status.st_uid}, group {status.st_gid})"
    return Refusal("open", Outcome.EACCES, "mount-permission", text, f"{entry}chown {task.uid} {directory}")
