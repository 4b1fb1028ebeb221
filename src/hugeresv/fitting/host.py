"""A live host, or a copied one, read as far as mappings depend on it: a query becomes a situation."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from hugeresv.errors import InputError, UnavailableError
from hugeresv.fitting.mount import FoundMount, find_mount
from hugeresv.fitting.nodes import cpu_nodes, growing_node, places_of
from hugeresv.fitting.rlimit import mapping_limits
from hugeresv.fitting.situation import CgroupRoom, MemoryRoom, Query, Request, Situation, What
from hugeresv.fitting.sysv import segment_limits
from hugeresv.ledger.observation import PoolUse
from hugeresv.model.release import Evidence, closest
from hugeresv.sources.proc.cgroups import limit_files
from hugeresv.sources.proc.files import number, parsed, read_if_there, read_number, reason
from hugeresv.sources.proc.lineage import cgroup_directory, find_directory, read_lineage
from hugeresv.sources.proc.meminfo import default_page_bytes, memory_bytes
from hugeresv.sources.proc.mountinfo import read_mountinfo
from hugeresv.sources.proc.pools import pool_of_size, read_pools
from hugeresv.sources.proc.rlimits import read_rlimits
from hugeresv.sources.proc.task import Task, read_task
from hugeresv.units import format_bytes


def read_situation(proc_root: str, sys_root: str, query: Query) -> Situation:
    """Read it. InputError for what is not there; UnavailableError where there are no huge pages or no privilege."""
    try:
        return _read(proc_root, sys_root, query)
    except OSError as error:
        raise UnavailableError(f"cannot read {error.filename or 'the limits'}: {reason(error)}") from None


def _read(proc_root: str, sys_root: str, query: Query) -> Situation:
    pools = read_pools(sys_root)
    default = default_page_bytes(proc_root)
    task = read_task(proc_root, query.pid)
    process = "self" if query.pid is None else str(query.pid)
    mount = find_mount(proc_root, sys_root, process, query.mount, default, task) if query.mount is not None else None
    page_bytes = _page_bytes(query, mount, default)
    pool = pool_of_size(pools, page_bytes)
    request = _request(query, page_bytes)
    places = places_of(pool, task, query.nodes, after=query.bind_after)
    notes: list[str] = []
    release = read_if_there(f"{proc_root}/sys/kernel/osrelease").strip()
    behaviour, evidence = closest(release, read_if_there(f"{proc_root}/sys/kernel/version"))
    if evidence is Evidence.NEAREST:
        notes.append(_other_rules(release, behaviour.name))
    directory = _cgroup_directory(sys_root, query, task, notes)
    rlimits = read_rlimits(proc_root, process)
    calls, refusal = mapping_limits(rlimits, request.what, query.pid), None
    if request.what is What.SYSV:
        segments = segment_limits(proc_root, query.pid, task, rlimits, release)
        calls, refusal = [*segments.limits, *calls], segments.refusal
        notes += segments.notes
    elif mount is not None:
        refusal = mount.refusal
    if mount is not None and not mount.certain:
        notes.append(f"the used part of the minimum of {mount.room.path} is an estimate")
    memory = tuple(_memory(proc_root, sys_root, process, directory, page_bytes))
    notes += [
        _reclaim(room, request.total, page_bytes) for room in memory if room.at_least < request.total <= room.at_most
    ]
    available, growable = _memory_pages(proc_root, pools, page_bytes)
    situation = Situation(
        pool,
        request,
        behaviour,
        release,
        cpus=cpu_nodes(sys_root, pool, task),
        mems=places.mems,
        policy=places.policy,
        bound_after=places.bound_after,
        memory_pages=available,
        growable_pages=growable,
        mount=mount.room if mount is not None else None,
        cgroups=tuple(_cgroups(sys_root, directory, pool.page_size_kB)),
        memory=memory,
        calls=tuple(calls),
        refusal=refusal,
        is_default_size=page_bytes == default,
        notes=tuple(notes),
    )
    return replace(situation, growing_node=growing_node(sys_root, pool, situation.nodes))


def _request(query: Query, page_bytes: int) -> Request:
    what = query.what or (What.PRIVATE if query.mount is None else What.SHARED)
    pages = tuple(size.pages(page_bytes) for size in query.sizes)
    return Request(what, pages, query.noreserve, tuple(size.bytes(page_bytes) for size in query.sizes))


def _page_bytes(query: Query, mount: FoundMount | None, default: int) -> int:
    if mount is None:
        return default if query.page_bytes is None else query.page_bytes
    if query.page_bytes not in {None, mount.page_bytes}:
        raise InputError(f"{mount.room.path!r} has pages of {format_bytes(mount.page_bytes)}: leave out --page-size")
    return mount.page_bytes


def _other_rules(release: str, nearest: str) -> str:
    """That no kernel with exactly these rules was run."""
    if not release:
        return f"the kernel's release is unknown: the rules are those of Linux {nearest}"
    return f"Linux {release} was not tried: the rules are those of Linux {nearest}, the nearest that was"


def _cgroup_directory(sys_root: str, query: Query, task: Task, notes: list[str]) -> str | None:
    """The directory of the cgroup whose limits hold; None if it is unknown, with a note where one may be overlooked."""
    if query.cgroup is not None:
        return cgroup_directory(sys_root, query.cgroup)
    if task.cgroup is None:
        notes.append("the process's cgroup is unknown: no limit of a cgroup is considered")
        return None
    directory = find_directory(sys_root, task.cgroup)
    if directory is None and task.cgroup != "/":
        notes.append(f"cgroup {task.cgroup} cannot be seen from here: no limit of a cgroup is considered")
    return directory


def _cgroups(sys_root: str, directory: str | None, page_size_kB: int) -> Iterator[CgroupRoom]:
    """The cgroup and those above it, nearest first."""
    for path, use in read_lineage(sys_root, directory, page_size_kB) if directory is not None else ():
        yield CgroupRoom(use, *(_on_host(sys_root, file) for file in limit_files(path, page_size_kB)))


def _memory(
    proc_root: str, sys_root: str, process: str, directory: str | None, page_bytes: int
) -> Iterator[MemoryRoom]:
    """The cgroups with a memory.max to which huge pages are charged: an option of the mount of cgroup2, from 6.6 on."""
    mountinfo = f"{proc_root}/{process}/mountinfo"
    mounts = read_mountinfo(mountinfo, "cgroup2") if Path(mountinfo).exists() else []
    if not any("memory_hugetlb_accounting" in mount.options for mount in mounts):
        return
    while directory is not None and Path(directory, "cgroup.procs").exists():
        file = f"{directory}/memory.max"
        if read_if_there(file).strip() not in {"", "max"}:
            limit, current = read_number(file), read_number(f"{directory}/memory.current")
            cache = parsed(f"{directory}/memory.stat", _reclaimable)
            rooms = ((limit - current + given_up) // page_bytes for given_up in (0, min(cache, current)))
            yield MemoryRoom(_on_host(sys_root, directory), _on_host(sys_root, file), limit, *rooms)
        directory = str(Path(directory).parent)


def _reclaimable(stat: str) -> int:
    """The bytes of memory.stat that a cgroup can give up for others: page cache, and caches of the kernel."""
    fields = dict(line.partition(" ")[::2] for line in stat.split("\n"))
    return sum(number(fields.get(name, "0"), name) for name in ("file", "slab_reclaimable"))


def _reclaim(room: MemoryRoom, pages: int, page_bytes: int) -> str:
    short = format_bytes((pages - room.at_least) * page_bytes)
    return f"memory.max of {room.path} has room for the pages only if {short} of its page cache can be given up"


def _memory_pages(proc_root: str, pools: tuple[PoolUse, ...], page_bytes: int) -> tuple[int | None, int | None]:
    """What memory has room for now, and if all of it that is no huge page is made free.

    A MemTotal that does not even hold the pools is not believed.
    """
    path = f"{proc_root}/meminfo"
    available, total = (memory_bytes(path, name) for name in ("MemAvailable", "MemTotal"))
    rest = None if total is None else total - sum(pool.total * pool.page_size_kB << 10 for pool in pools)
    if rest is not None and rest < 0:
        rest = None
    return None if available is None else available // page_bytes, None if rest is None else rest // page_bytes


def _on_host(sys_root: str, path: str) -> str:
    """A path below a root of /sys as its host names it."""
    return f"/sys{path[len(sys_root) :]}" if path.startswith(f"{sys_root}/") else path
