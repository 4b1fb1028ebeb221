"""Reading a host: everything that the interpretation needs, and nothing else."""

import errno
import functools
import itertools
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from hugeresv.errors import UnavailableError
from hugeresv.ledger.observation import Suspect, Unreadable
from hugeresv.sources.proc.capability import Capability, needs
from hugeresv.sources.proc.cgroups import read_cgroups
from hugeresv.sources.proc.files import MalformedError, read_text, reason
from hugeresv.sources.proc.flags import read_flags_where_needed
from hugeresv.sources.proc.hidden import search
from hugeresv.sources.proc.meminfo import default_page_bytes, memory_bytes
from hugeresv.sources.proc.mountinfo import MountInfo, read_mountinfo
from hugeresv.sources.proc.mounts import FILE_SYSTEM, read_mount
from hugeresv.sources.proc.namespaces import namespace, namespaces
from hugeresv.sources.proc.page_walks import PageWalks
from hugeresv.sources.proc.pools import read_pools
from hugeresv.sources.proc.processes import ProcessReader
from hugeresv.sources.proc.segments import read_segments_of
from hugeresv.sources.proc.slab import count_inodes
from hugeresv.sources.proc.snapshot import MountRecord, ProcessRecord, Snapshot
from hugeresv.sources.proc.sysvipc import SegmentRecord, read_own_segments

_PID = re.compile("[1-9][0-9]{0,9}", re.ASCII)
_MFD_HUGETLB, _SIZE_SHIFT = 4, 26
_BOOT_ID = "sys/kernel/random/boot_id"
_FIRST_PID_NAMESPACE = "pid:[4026531836]"
"""PROC_PID_INIT_INO (include/linux/proc_ns.h, since 3.8): the one whose /proc shows every process of the host."""


def read_snapshot(
    proc_root: str, sys_root: str, *, thorough: bool = False, enough: Callable[[Snapshot], bool] | None = None
) -> Snapshot:
    """Everything. Raises UnavailableError where there are no huge pages, or no processes to be seen.

    `thorough`: look for what seldom holds a page, too, which takes as long again. `enough` is asked before open files
    are looked at, which takes as long as all else, and while some processes are presumed to be promised nothing, which
    is not known before their flags are read; if it says so neither is done.
    """
    unreadable: list[Unreadable] = []
    pools = read_pools(sys_root, unreadable)
    pids = _pids(proc_root)
    live = is_live(proc_root)
    default = default_page_bytes(proc_root)
    mounts = _mounts(proc_root, pids, default, unreadable, live=live)
    devices = {mount.device: mount.page_bytes for mount in mounts}
    mounted = set(devices)
    if live:
        devices |= _internal_devices(tuple(pool.page_size_kB << 10 for pool in pools))
    reader = ProcessReader(
        proc_root,
        devices,
        [mount.path for mount in mounts],
        min(pool.page_size_kB for pool in pools),
        PageWalks(_memory_bytes(proc_root)),
        live=live,
        trusting=live and enough is not None,
    )
    suspects: list[Suspect] = []
    segments: list[SegmentRecord] = []
    if thorough and live:
        hidden = search(reader, (proc_root, sys_root), pids, devices, pools)
        mounts += hidden.mounts
        segments += hidden.segments
        suspects += hidden.suspects
        unreadable += hidden.unreadable
    mounted |= {mount.device for mount in mounts}
    seen = _processes(reader, proc_root, pids)
    processes = seen.records
    presumed = [record for record in processes if record.presumed]
    read_flags_where_needed([record for record in processes if not record.presumed], mounted, reader.read_flags)
    for record in processes:
        reader.read_pages(record)
    unreadable += _refused("mappings and open files", seen.refused, reader, maps=True)
    unreadable += _unlisted(proc_root, pids, live=live)
    segments += _segments(proc_root, pids, unreadable)
    cgroups = tuple(read_cgroups(sys_root, [pool.page_size_kB for pool in pools], unreadable))
    snapshot = Snapshot(
        pools,
        default,
        tuple(processes),
        tuple(mounts),
        tuple(segments),
        cgroups,
        (*unreadable, *_not_looked_into(reader, seen)),
        tuple(suspects),
        None,
    )
    satisfied = enough is not None and enough(snapshot)
    if presumed and not satisfied:
        for record in presumed:
            reader.doubt(record)
        read_flags_where_needed(processes, mounted, reader.read_flags)
        snapshot = replace(snapshot, unreadable=(*unreadable, *_not_looked_into(reader, seen)))
        satisfied = enough is not None and enough(snapshot)
    looks_at_open_files = live and not satisfied
    if looks_at_open_files:
        processes = list(_with_open_files(reader, seen))
    unreadable += _not_looked_into(reader, seen)
    return replace(
        snapshot,
        processes=tuple(processes),
        unreadable=tuple(unreadable),
        inodes=count_inodes(sys_root) if looks_at_open_files and (thorough or _hides(unreadable)) else None,
    )


def _hides(unreadable: list[Unreadable]) -> bool:
    return any(each.hides for each in unreadable)


class _Seen(NamedTuple):
    """Processes that map huge pages; all that may be looked at; those that may not, and why."""

    records: list[ProcessRecord]
    pids: list[int]
    refused: dict[int, str]
    without_room: dict[int, str]


def _not_looked_into(reader: ProcessReader, seen: _Seen) -> Iterator[Unreadable]:
    """What was refused, so far, of processes whose mappings could be read, or were not needed."""
    yield from _refused("page tables", reader.not_walked, reader, maps=False)
    yield from _refused("open files", seen.without_room | reader.closed_files, reader, maps=False)


def _memory_bytes(proc_root: str) -> int | None:
    try:
        return memory_bytes(f"{proc_root}/meminfo", "MemTotal")
    except OSError:
        return None


def _pids(proc_root: str) -> list[int]:
    try:
        return sorted(int(name) for name in os.listdir(proc_root) if _PID.fullmatch(name))
    except OSError as error:
        raise UnavailableError(f"cannot list the processes in {proc_root}: {error.strerror}") from None


def _unlisted(proc_root: str, pids: list[int], *, live: bool) -> Iterator[Unreadable]:
    """Processes and files of which not even the existence shows."""
    if not live:
        yield Unreadable(
            "open files, files on mounts, and SysV segments of other namespaces",
            f"{proc_root} is a copy, which does not have them",
            settle="run `hugeresv status` on that host",
        )
    elif namespace(f"{proc_root}/1", "pid") not in {_FIRST_PID_NAMESPACE, ""}:
        yield Unreadable(
            "the processes of other PID namespaces",
            f"{proc_root} is that of a container, the counters are the host's",
            settle="run it on the host, or give the host's /proc with --proc",
        )
    elif 1 not in pids:
        why = f"{proc_root} is mounted with hidepid"
        yield Unreadable("the processes of other users", why, settle=needs(Capability.SYS_PTRACE))


def _processes(reader: ProcessReader, proc_root: str, pids: list[int]) -> _Seen:
    """Those that map huge pages, and what was forked while they were read, which may have the same."""
    seen = _Seen([], [], {}, {})
    for pid in itertools.chain(pids, _younger(proc_root, pids)):
        try:
            record = reader.read(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended; if it had held anything the counters would have moved
        except OSError as error:
            room = reader.room(pid)
            if room is not None:
                (seen.refused if room else seen.without_room)[pid] = reason(error)
            continue
        seen.pids.append(pid)
        if record is not None:
            seen.records.append(record)
    return seen


def _with_open_files(reader: ProcessReader, seen: _Seen) -> Iterator[ProcessRecord]:
    """Those that map huge pages or have files of them open."""
    records = {record.pid: record for record in seen.records}
    for pid in seen.pids:
        record = records.get(pid)
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
            record = reader.read_opened(pid, record)
        if record is not None:
            yield record


def _younger(proc_root: str, pids: list[int]) -> Iterator[int]:
    """Processes that were not there when the others were listed."""
    yield from sorted(set(_pids(proc_root)) - set(pids))


def _refused(what: str, whose: dict[int, str], reader: ProcessReader, *, maps: bool) -> Iterator[Unreadable]:
    """One for each reason; a single process is named."""
    for why, pids in itertools.groupby(sorted(whose, key=whose.__getitem__), key=whose.__getitem__):
        all_of_them = list(pids)
        of = reader.name(all_of_them[0]) if len(all_of_them) == 1 else f"{len(all_of_them)} processes"
        settle = needs(Capability.SYS_PTRACE) if why == os.strerror(errno.EACCES) else ""
        yield Unreadable(f"the {what} of {of}", why, settle=settle, maps=maps)


def _mounts(
    proc_root: str, pids: list[int], default: int, unreadable: list[Unreadable], *, live: bool
) -> list[MountRecord]:
    """Each mounted hugetlbfs once, wherever else it is mounted, too; where all of it is, if it is anywhere."""
    own = namespace(f"{proc_root}/self", "mnt")
    points: dict[int, tuple[int | None, MountInfo]] = {}
    inhabited = namespaces(proc_root, pids, "mnt")
    for name in sorted(inhabited, key=lambda name: (name != own, inhabited[name])) or [own]:
        pid = inhabited.get(name)
        try:
            seen = read_mountinfo(f"{proc_root}/{pid or 'self'}/mountinfo", FILE_SYSTEM)
        except MalformedError as error:
            unreadable.append(Unreadable(f"the mounts that process {pid or 'self'} sees", reason(error)))
            continue
        except OSError:
            continue  # it has ended, and what only it saw has ended with it
        for point in seen:
            known = points.get(point.device)
            if known is None or (point.is_whole and not known[1].is_whole):
                points[point.device] = None if name == own else pid, point
    mounts = []
    for inside, point in points.values():
        if not point.is_whole:
            what = f"the files outside {point.root} of the hugetlbfs on {point.path}"
            unreadable.append(Unreadable(what, "only that part of it is mounted where a process sees it"))
        root = f"{proc_root}/{inside or inhabited.get(own) or 'self'}/root" if live else None
        try:
            mounts.append(replace(read_mount(root, point, default, unreadable), inside=inside))
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
    for name, pid in namespaces(proc_root, pids, "ipc").items():
        if name == own:
            continue
        try:
            found = read_segments_of(f"{proc_root}/{pid}/ns/ipc", proc_root, name)
            segments += [segment._replace(inside=pid) for segment in found]
        except (FileNotFoundError, ProcessLookupError):
            continue
        except OSError as error:
            what = f"the SysV segments that process {pid} sees"
            unreadable.append(Unreadable(what, reason(error), settle=needs(Capability.SYS_ADMIN)))
    return segments


def is_live(proc_root: str) -> bool:
    """Whether the tree shows the kernel that we run on, and not a copy of another one's files."""
    try:
        return read_text(f"{proc_root}/{_BOOT_ID}") == read_text(f"/proc/{_BOOT_ID}")
    except OSError:
        return False


@functools.cache
def _internal_devices(page_sizes: tuple[int, ...]) -> dict[int, int]:
    """The kernel's own mounts, one a page size: what an empty memfd of it is on. It takes no page and no promise.

    Their device numbers, with the page sizes.
    """
    devices = {}
    for size in page_sizes:
        try:
            descriptor = os.memfd_create("hugeresv", _MFD_HUGETLB | size.bit_length() - 1 << _SIZE_SHIFT)
        except OSError:
            continue  # a kernel without, before 4.14: then nobody has such a memfd
        devices[os.fstat(descriptor).st_dev] = size
        os.close(descriptor)
    return devices
