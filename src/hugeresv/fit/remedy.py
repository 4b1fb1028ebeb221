"""What stopped a mapping, in words, and the command that makes room."""

import shlex
from dataclasses import dataclass

from hugeresv.fit.answer import Obstacle
from hugeresv.fit.host import Host
from hugeresv.fit.limit import CgroupLimit, MountLimit
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
        return Remedy(limit.code, limit.text, None, None, limit.command)
    if isinstance(limit, CgroupLimit):
        return _cgroup(limit, situation, missing, host)
    if isinstance(limit, MountLimit):
        return _mount(situation, missing, host)
    return _pool(situation, missing, host)


def _cgroup(limit: CgroupLimit, situation: Situation, missing: int, host: Host) -> Remedy:
    path = situation.cgroups[limit.level].path
    have, counted = limit.value(situation) or 0, limit.counted(situation)
    need = have + missing
    file = host.limit_files[limit.level][1 if limit.rsvd else 0]
    what = "reserved" if limit.rsvd else "in use"
    text = f"cgroup {path} may have {have} pages {what}, and has {counted}"
    command = f"echo {need * situation.page_bytes} > {shlex.quote(file)}"
    return Remedy("cgroup-rsvd-max" if limit.rsvd else "cgroup-max", text, have, need, command)


def _mount(situation: Situation, missing: int, host: Host) -> Remedy:
    mount = situation.mount
    assert mount is not None
    have = mount.size_pages or 0
    need = have + missing
    text = (
        f"the mount at {mount.path} is limited to {have} pages (size={format_bytes(have * situation.page_bytes)}), of "
        f"which {mount.used_pages} are taken. The kernel ignores size= on a remount: mount it anew, without its files"
    )
    options = [f"pagesize={format_bytes(situation.page_bytes)}", f"size={format_bytes(need * situation.page_bytes)}"]
    if mount.min_size_pages is not None:
        options.append(f"min_size={format_bytes(mount.min_size_pages * situation.page_bytes)}")
    options += host.mount_options
    path = shlex.quote(mount.path)
    command = f"umount {path} && mount -t hugetlbfs -o {shlex.quote(','.join(options))} none {path}"
    return Remedy("mount-size", text, have, need, command)


def _pool(situation: Situation, missing: int, host: Host) -> Remedy:
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
    code, text = _why(situation, host)
    return Remedy(code, text, have, have + missing, command)


def _why(situation: Situation, host: Host) -> tuple[str, str]:
    """Which part of the pool's rules it is, and the numbers."""
    pool = situation.pool
    promised = f"{pool.rsvd} of them promised to others"
    if pool.rsvd < 0:
        promised = f"but a kernel bug has miscounted the promises: {pool.rsvd}"
    text = f"the pool has {pool.free} free pages of {pool.total}, {promised}"
    if situation.free_elsewhere:
        reachable = pool.free - situation.free_elsewhere
        nodes = ",".join(map(str, sorted(host.nodes)))
        return "nodes", f"{text}; {reachable} free ones are on NUMA node {nodes}, which is where the pages must be"
    if not pool.overcommit:
        return "pool", f"{text}, and overcommit adds none"
    if situation.most_surplus < pool.overcommit:
        left = max(0, situation.most_surplus - pool.surp)
        return "memory", f"{text}; overcommit may add {pool.overcommit - pool.surp}, but free memory has only {left}"
    return "overcommit", f"{text}, and overcommit may add {max(0, pool.overcommit - pool.surp)} more"
