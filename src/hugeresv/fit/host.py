"""A live host, or a copied one, read as far as one mapping depends on it."""

from dataclasses import dataclass
from pathlib import Path

from hugeresv.errors import InputError, UnavailableError
from hugeresv.fit.mount import Place, find_place
from hugeresv.fit.nodes import allowed_nodes, growing_node
from hugeresv.fit.query import Query
from hugeresv.fit.situation import Refusal, Request, Situation, What
from hugeresv.ledger.observation import CgroupUse
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.release import Evidence, closest
from hugeresv.outcome import Outcome
from hugeresv.sources.proc.cgroups import limit_files
from hugeresv.sources.proc.files import read_if_there, read_number, reason
from hugeresv.sources.proc.lineage import cgroup_directory, find_directory, read_lineage
from hugeresv.sources.proc.meminfo import default_page_bytes, memory_bytes
from hugeresv.sources.proc.pools import pool_of_size, read_pools
from hugeresv.sources.proc.task import Task, read_task
from hugeresv.units import format_bytes


@dataclass(frozen=True, slots=True)
class Host:
    """The situation that a query meets, and what remedies and reports need beside it.

    nodes         NUMA nodes that the pages may be on; empty: this kernel shows no nodes
    growing_node  the node, and its persistent pages, to which pages must be added, where not any node will do
    mount_entry   what comes before a command about the mount, to run it where the mount can be seen
    limit_files   of each cgroup of the situation: the files of its limits of usage and of reservations
    notes         what is not known, and what the answer takes for granted
    """

    release: str
    behaviour: Behaviour
    request: Request
    situation: Situation
    default_page_bytes: int
    nodes: frozenset[int]
    growing_node: tuple[int, int] | None
    limit_files: tuple[tuple[str, str], ...]
    mount_options: tuple[str, ...]
    mount_entry: str
    notes: tuple[str, ...]


def read_host(proc_root: str, sys_root: str, query: Query) -> Host:
    """Read it. InputError for what is not there; UnavailableError where there are no huge pages or no privilege."""
    pools = read_pools(sys_root)
    default = default_page_bytes(proc_root)
    task = read_task(proc_root, query.pid)
    process = "self" if query.pid is None else str(query.pid)
    place = None
    if query.mount is not None:
        place = find_place(proc_root, sys_root, process, query.mount, default, task)
    page_bytes = _page_bytes(query, place, default)
    pool = pool_of_size(pools, page_bytes)
    what = query.what or (What.PRIVATE if place is None else What.SHARED)
    request = Request(what, -(-query.size_bytes // page_bytes), query.noreserve)
    nodes = allowed_nodes(pool, task, query.nodes)
    directory, notes = _cgroup_directory(sys_root, query, task)
    lineage = _lineage(sys_root, directory, pool.page_size_kB)
    release = read_if_there(f"{proc_root}/sys/kernel/osrelease").strip()
    behaviour, evidence = closest(release, read_if_there(f"{proc_root}/sys/kernel/version"))
    if evidence is Evidence.NEAREST:
        notes.append(_other_rules(release, behaviour.name))
    if place is not None and not place.certain:
        notes.append(f"how much of the minimum of {place.point.path} is taken is an estimate")
    situation = Situation(
        pool,
        free_elsewhere=sum(node.free for node in pool.nodes if node.node not in nodes),
        memory_pages=_memory_pages(proc_root, page_bytes),
        mount=place.limits if place is not None else None,
        cgroups=tuple(use for _, use in lineage),
        refusal=_refusal(proc_root, what, task) or (place.refusal if place is not None else None),
    )
    return Host(
        release,
        behaviour,
        request,
        situation,
        default,
        nodes,
        growing_node(sys_root, pool, nodes),
        tuple(_on_host(sys_root, limit_files(path, pool.page_size_kB)) for path, _ in lineage),
        place.options if place is not None else (),
        place.entry if place is not None else "",
        tuple(notes),
    )


def _other_rules(release: str, nearest: str) -> str:
    """That no kernel with exactly these rules was run."""
    if not release:
        return f"the kernel's release is unknown: the rules are those of Linux {nearest}"
    return f"Linux {release} was not tried: the rules are those of Linux {nearest}, the nearest that was"


def _page_bytes(query: Query, place: Place | None, default: int) -> int:
    if place is None:
        return default if query.page_bytes is None else query.page_bytes
    if query.page_bytes not in {None, place.page_bytes}:
        raise InputError(f"{place.point.path!r} has pages of {format_bytes(place.page_bytes)}: leave out --page-size")
    return place.page_bytes


def _cgroup_directory(sys_root: str, query: Query, task: Task) -> tuple[str | None, list[str]]:
    """The directory of the cgroup whose limits hold, and what there is to say if it is not known."""
    if query.cgroup is not None:
        return cgroup_directory(sys_root, query.cgroup), []
    if task.cgroup is None:
        return None, ["the cgroup of the process is not told: no limit of a cgroup is considered"]
    directory = find_directory(sys_root, task.cgroup)
    if directory is None and task.cgroup != "/":
        return None, [f"cgroup {task.cgroup} cannot be seen from here: no limit of a cgroup is considered"]
    return directory, []


def _lineage(sys_root: str, directory: str | None, page_size_kB: int) -> list[tuple[str, CgroupUse]]:
    try:
        return [] if directory is None else list(read_lineage(sys_root, directory, page_size_kB))
    except OSError as error:
        raise UnavailableError(f"cannot read the limits of {directory}: {reason(error)}") from None


def _memory_pages(proc_root: str, page_bytes: int) -> int | None:
    path = f"{proc_root}/meminfo"
    try:
        available = memory_bytes(path, "MemAvailable")
    except OSError as error:
        raise UnavailableError(f"cannot read {path}: {error.strerror}") from None
    return None if available is None else available // page_bytes


def _refusal(proc_root: str, what: What, task: Task) -> Refusal | None:
    """shmget(2) with SHM_HUGETLB wants CAP_IPC_LOCK or the group (fs/hugetlbfs/inode.c, can_do_hugetlb_shm)."""
    if what is not What.SYSV or task.may_lock:
        return None
    path = f"{proc_root}/sys/vm/hugetlb_shm_group"
    if not Path(path).exists():
        return None
    try:
        group = read_number(path)
    except OSError as error:
        raise UnavailableError(f"cannot read {path}: {error.strerror}") from None
    if group in task.groups:
        return None
    text = f"SysV segments of huge pages need CAP_IPC_LOCK or group {group} (vm.hugetlb_shm_group)"
    command = f"sysctl vm.hugetlb_shm_group={task.groups[0]}"
    return Refusal("shmget", Outcome.EPERM, "hugetlb-shm-group", text, command)


def _on_host(sys_root: str, files: tuple[str, str]) -> tuple[str, str]:
    """Files below a root of /sys as their host names them."""
    usage, rsvd = (f"/sys{file[len(sys_root) :]}" if file.startswith(f"{sys_root}/") else file for file in files)
    return usage, rsvd
