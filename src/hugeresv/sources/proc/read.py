"""Reading a host: everything that the interpretation needs, and nothing else."""

import os
import re
from collections.abc import Iterable

from hugeresv.errors import UnavailableError
from hugeresv.ledger.observation import Unreadable
from hugeresv.sources.proc.cgroups import read_cgroups
from hugeresv.sources.proc.files import MalformedError, read_text, reason
from hugeresv.sources.proc.flags import read_flags_where_needed
from hugeresv.sources.proc.meminfo import default_page_bytes
from hugeresv.sources.proc.mountinfo import MountInfo, read_mountinfo
from hugeresv.sources.proc.mounts import FILE_SYSTEM, read_mount
from hugeresv.sources.proc.pools import read_pools
from hugeresv.sources.proc.processes import ProcessReader, namespace
from hugeresv.sources.proc.segments import read_own_segments, read_segments_of
from hugeresv.sources.proc.snapshot import MountRecord, ProcessRecord, SegmentRecord, Snapshot

_PID = re.compile("[1-9][0-9]{0,9}", re.ASCII)
_MFD_HUGETLB, _SIZE_SHIFT = 4, 26
_BOOT_ID = "sys/kernel/random/boot_id"
_FIRST_PID_NAMESPACE = "pid:[4026531836]"
"""PROC_PID_INIT_INO (include/linux/proc_ns.h, since 3.8): the one whose /proc shows every process of the host."""


def read_snapshot(proc_root: str, sys_root: str) -> Snapshot:
    """Everything. Raises UnavailableError where there are no huge pages, or no processes to be seen."""
    unreadable: list[Unreadable] = []
    pools = read_pools(sys_root, unreadable)
    try:
        pids = sorted(int(name) for name in os.listdir(proc_root) if _PID.fullmatch(name))
    except OSError as error:
        raise UnavailableError(f"cannot list the processes in {proc_root}: {error.strerror}") from None
    live = is_live(proc_root)
    default = default_page_bytes(proc_root)
    mounts = _mounts(proc_root, pids, default, unreadable, live=live)
    mounted = {mount.device for mount in mounts}
    devices = set(mounted)
    if live:
        devices |= _internal_devices(pool.page_size_kB << 10 for pool in pools)
    reader = ProcessReader(
        proc_root,
        frozenset(devices),
        [mount.path for mount in mounts],
        min(pool.page_size_kB for pool in pools),
        live=live,
    )
    processes, vanished = _processes(reader, pids, unreadable)
    read_flags_where_needed(processes, mounted, reader.read_flags)
    for record in processes:
        reader.read_pages(record)
    if live and namespace(f"{proc_root}/1", "pid") not in {_FIRST_PID_NAMESPACE, ""}:
        unreadable.append(Unreadable("the processes of other PID namespaces", f"{proc_root} is not the host's"))
    segments = _segments(proc_root, pids, unreadable)
    cgroups = tuple(read_cgroups(sys_root, [pool.page_size_kB for pool in pools], unreadable))
    return Snapshot(
        pools, default, tuple(processes), tuple(mounts), tuple(segments), cgroups, tuple(unreadable), vanished
    )


def _processes(
    reader: ProcessReader, pids: list[int], unreadable: list[Unreadable]
) -> tuple[list[ProcessRecord], bool]:
    """Those that have to do with huge pages, and whether one has ended before it was read."""
    found = []
    vanished = False
    refused: dict[tuple[str, bool], int] = {}
    for pid in pids:
        try:
            record = reader.read(pid)
        except (FileNotFoundError, ProcessLookupError):
            vanished = True
            continue
        except OSError as error:
            refusal = reason(error), reader.may_map(pid)
            refused[refusal] = refused.get(refusal, 0) + 1
            continue
        if record is not None:
            found.append(record)
    for (why, hides), count in refused.items():
        what = "mappings" if hides else "open files"
        whose = "1 process" if count == 1 else f"{count} processes"
        unreadable.append(Unreadable(f"the {what} of {whose}", why, hides))
    return found, vanished


def _namespaces(proc_root: str, pids: list[int], kind: str) -> dict[str, int]:
    """The namespaces of a kind that processes show, each with one that is in it."""
    found: dict[str, int] = {}
    for pid in pids:
        name = namespace(f"{proc_root}/{pid}", kind)
        if name:
            found.setdefault(name, pid)
    return found


def _mounts(
    proc_root: str, pids: list[int], default: int, unreadable: list[Unreadable], *, live: bool
) -> list[MountRecord]:
    """Each mounted hugetlbfs once, wherever else it is mounted, too."""
    points: dict[int, tuple[str | None, MountInfo]] = {}
    for pid in _namespaces(proc_root, pids, "mnt").values() or ("self",):
        try:
            seen = read_mountinfo(f"{proc_root}/{pid}/mountinfo", FILE_SYSTEM)
        except MalformedError as error:
            unreadable.append(Unreadable(f"the mounts that process {pid} sees", reason(error)))
            continue
        except OSError:
            continue  # it has ended, and what only it saw has ended with it
        for point in seen:
            points.setdefault(point.device, (f"{proc_root}/{pid}/root" if live else None, point))
    mounts = []
    for root, point in points.values():
        try:
            mounts.append(read_mount(root, point, default, unreadable))
        except MalformedError as error:
            unreadable.append(Unreadable(f"the mount {point.path}", reason(error)))
    return mounts


def _segments(proc_root: str, pids: list[int], unreadable: list[Unreadable]) -> list[SegmentRecord]:
    own = namespace(f"{proc_root}/self", "ipc")
    segments: list[SegmentRecord] = []
    if os.path.exists(f"{proc_root}/sysvipc/shm"):
        try:
            segments = read_own_segments(proc_root, own)
        except OSError as error:
            unreadable.append(Unreadable("the SysV segments", reason(error)))
    for name, pid in _namespaces(proc_root, pids, "ipc").items():
        if name == own:
            continue
        try:
            segments += read_segments_of(f"{proc_root}/{pid}/ns/ipc", proc_root, name)
        except (FileNotFoundError, ProcessLookupError):
            continue
        except OSError as error:
            unreadable.append(Unreadable(f"the SysV segments that process {pid} sees", reason(error)))
    return segments


def is_live(proc_root: str) -> bool:
    """Whether the tree shows the kernel that we run on, and not a copy of another one's files."""
    try:
        return read_text(f"{proc_root}/{_BOOT_ID}") == read_text(f"/proc/{_BOOT_ID}")
    except OSError:
        return False


def _internal_devices(page_sizes: Iterable[int]) -> set[int]:
    """The kernel's own mounts, one a page size: what an empty memfd of it is on. It takes no page and no promise."""
    devices = set()
    for size in page_sizes:
        try:
            descriptor = os.memfd_create("hugeresv", _MFD_HUGETLB | size.bit_length() - 1 << _SIZE_SHIFT)
        except OSError:
            continue  # a kernel without, before 4.14: then nobody has such a memfd
        devices.add(os.fstat(descriptor).st_dev)
        os.close(descriptor)
    return devices
