"""What stopped a mapping, in words, and the command that makes room."""

import shlex
from dataclasses import dataclass

from hugeresv.fit.answer import Obstacle
from hugeresv.fit.host import Host
from hugeresv.fit.limit import CgroupLimit, MountLimit
from hugeresv.fit.nodes import spell_nodes
from hugeresv.fit.situation import Refusal, Situation
from hugeresv.units import format_bytes


@dataclass(frozen=True, slots=True)
class Remedy:
    """`code` names the limit for programs; `have` and `need` are its value in pages, None for a refusal."""

    code: str
    text: str
    have: int | None
    need: int | None
    command: str


def remedy_of(obstacle: Obstacle, host: Host) -> Remedy:
    """The remedy for one obstacle."""
    limit, situation, missing = obstacle.limit, obstacle.situation, obstacle.missing
    if isinstance(limit, Refusal):
        entry = host.mount_entry if limit.call == "open" else ""
        return Remedy(limit.code, limit.text, None, None, entry + limit.command)
    if isinstance(limit, CgroupLimit):
        return _cgroup(limit, situation, missing, host)
    if isinstance(limit, MountLimit):
        return _mount(situation, missing, host)
    return _pool(obstacle, host)


def _cgroup(limit: CgroupLimit, situation: Situation, missing: int, host: Host) -> Remedy:
    path = situation.cgroups[limit.level].path
    have, counted = limit.value(situation) or 0, limit.counted(situation)
    need = have + missing
    file = host.limit_files[limit.level][1 if limit.rsvd else 0]
    what = "reserved" if limit.rsvd else "in use"
    text = f"cgroup {path} may have {count(have)} {what}, and has {counted}"
    command = f"echo {need * situation.page_bytes} > {shlex.quote(file)}"
    return Remedy("cgroup-rsvd-max" if limit.rsvd else "cgroup-max", text, have, need, command)


def _mount(situation: Situation, missing: int, host: Host) -> Remedy:
    mount = situation.mount
    assert mount is not None
    have = mount.size_pages or 0
    need = have + missing
    text = (
        f"the mount at {mount.path} has room for {count(have)} (size={format_bytes(have * situation.page_bytes)}), of "
        f"which {mount.used_pages} are taken. On a remount the kernel ignores size=, so it must be mounted anew; its "
        "files are lost"
    )
    options = [f"pagesize={format_bytes(situation.page_bytes)}", f"size={format_bytes(need * situation.page_bytes)}"]
    if mount.min_size_pages is not None:
        options.append(f"min_size={format_bytes(mount.min_size_pages * situation.page_bytes)}")
    options += host.mount_options
    path, entry = shlex.quote(mount.path), host.mount_entry
    mounting = f"mount -t hugetlbfs -o {shlex.quote(','.join(options))} none {path}"
    command = f"{entry}umount {path} && {entry}{mounting}"
    return Remedy("mount-size", text, have, need, command)


def _pool(obstacle: Obstacle, host: Host) -> Remedy:
    situation, missing = obstacle.situation, obstacle.missing
    pool = situation.pool
    size = f"hugepages-{pool.page_size_kB}kB/nr_hugepages"
    have = situation.persistent
    if host.growing_node is not None:
        node, have = host.growing_node
        command = f"echo {have + missing} > /sys/devices/system/node/node{node}/hugepages/{size}"
    elif situation.page_bytes == host.default_page_bytes:
        command = f"sysctl vm.nr_hugepages={have + missing}"
    else:
        command = f"echo {have + missing} > /sys/kernel/mm/hugepages/{size}"
    code, text = _nodes(situation, host) if obstacle.by_nodes else _why(situation)
    return Remedy(code, text, have, have + missing, command)


def count(pages: int) -> str:
    """A number of pages for people."""
    return f"{pages} {'page' if pages == 1 else 'pages'}"


def _nodes(situation: Situation, host: Host) -> tuple[str, str]:
    """That free pages are where the task must not take them."""
    reachable = situation.pool.free - situation.free_elsewhere
    where = f"on NUMA node {spell_nodes(host.nodes)}, where they must come from, are {reachable} of its free pages"
    return "nodes", f"the pool of {count(situation.pool.total)} has {_free(situation)}; {where}"


def _why(situation: Situation) -> tuple[str, str]:
    """Which of the pool's rules it is, and the numbers."""
    pool = situation.pool
    text = f"the pool of {count(pool.total)} has {_free(situation)}"
    if not pool.overcommit:
        return "pool", f"{text}; overcommit adds none"
    allowed = max(0, pool.overcommit - pool.surp)
    if situation.most_surplus < pool.overcommit:
        left = max(0, situation.most_surplus - pool.surp)
        return "memory", f"{text}; overcommit may add {allowed}, but free memory has room for only {left}"
    return "overcommit", f"{text}; overcommit may add {allowed} more"


def _free(situation: Situation) -> str:
    """The free pages, and whose they are."""
    pool = situation.pool
    if pool.rsvd < 0:
        return f"{pool.free} free, and counts {pool.rsvd} promised ones, which is a bug of the kernel"
    if pool.rsvd == 0:
        return f"{pool.free} free"
    here = situation.mount.min_left_pages if situation.mount is not None else 0
    return f"{pool.free} free, of which {pool.rsvd} are promised{f' ({here} to this mount)' if here else ''}"
