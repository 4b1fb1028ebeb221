"""What keeps a host's huge pages as they are: settings that last, nodes, limits of shared memory, mounts."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from hugeresv.ledger.observation import PoolUse
from hugeresv.plain import count_of
from hugeresv.shell import quoted
from hugeresv.sources.proc.boot import BootSetting, boot_settings
from hugeresv.sources.proc.files import read_if_there
from hugeresv.sources.proc.meminfo import default_page_bytes, memory_bytes
from hugeresv.sources.proc.mountinfo import MountInfo, read_mountinfo
from hugeresv.sources.proc.pools import read_pools
from hugeresv.sources.proc.read import is_live
from hugeresv.units import format_bytes

_GRUB = "GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub"
_BY_SYSTEMD = "/dev/hugepages"
"""systemd mounts it by itself: dev-hugepages.mount."""


class BootAdvice(NamedTuple):
    """`text` says what is; `remedy` what `commands`, a line each, are for, or what else to do."""

    text: str
    remedy: str = ""
    commands: tuple[str, ...] = ()


_LONGEST_NUMBER = 20
"""Digits of an unsigned long."""


def advice_for(proc_root: str, sys_root: str) -> list[BootAdvice]:
    """All of it. Raises UnavailableError where there are no huge pages."""
    pools = read_pools(sys_root)
    default = default_page_bytes(proc_root)
    root = _root_directory(proc_root)
    settings = boot_settings(proc_root, root, default)
    found: list[BootAdvice] = []
    if root is None:
        found.append(BootAdvice("The host's /etc cannot be read from here: what its files set at boot is not known."))
    used = [pool for pool in pools if pool.total or pool.overcommit or pool.page_size_kB << 10 in settings]
    for pool in used or [pool for pool in pools if pool.page_size_kB << 10 == default]:
        found += _pool(pool, settings, is_default=pool.page_size_kB << 10 == default)
        found += _nodes(pool, sys_root)
    found += _shared_memory(proc_root, sum(pool.total * pool.page_size_kB << 10 for pool in pools))
    with suppress(OSError):
        found += _mounts(read_mountinfo(f"{proc_root}/self/mountinfo", "hugetlbfs"), root)
    found += _fragmentation(proc_root)
    return found


def _root_directory(proc_root: str) -> str | None:
    """Where the host's /etc is: in the root of its first process, if that may be read; a copy has none."""
    for root in (f"{proc_root}/1/root", "/") if proc_root == "/proc" else (f"{proc_root}/1/root",):
        if is_live(proc_root) and os.access(f"{root}/etc", os.R_OK | os.X_OK):
            return root
    return None


def _pool(pool: PoolUse, settings: Mapping[int, BootSetting], *, is_default: bool) -> Iterator[BootAdvice]:
    size = format_bytes(pool.page_size_kB << 10)
    now = pool.total - pool.surp
    head = f"{size} pages: {count_of(now, 'page')} in the pool now"
    parameters = f"hugepagesz={size} hugepages={now}"
    ways = f"Or as kernel parameters, before memory is fragmented: {parameters} ({_GRUB})."
    if is_default:
        lasting = f"echo 'vm.nr_hugepages = {now}' > /etc/sysctl.d/60-hugepages.conf"
    else:
        path = f"/sys/kernel/mm/hugepages/hugepages-{pool.page_size_kB}kB/nr_hugepages"
        lasting = f"echo 'w {path} - - - - {now}' > /etc/tmpfiles.d/hugepages-{size}.conf"
    setting = settings.get(pool.page_size_kB << 10)
    if setting is not None and setting.pages == now:
        yield BootAdvice(f"{head}, and after a restart: {setting.where} sets {setting.pages}.")
    elif now or setting is not None:
        after = "nothing sets any" if setting is None else f"{setting.where} sets {setting.pages}"
        yield BootAdvice(f"{head}, but not after a restart: {after}. {ways}", "To keep what there is now:", (lasting,))
    else:
        yield BootAdvice(f"{head}, and nothing sets any at a restart.")
    if pool.overcommit:
        text = f"{size} pages: overcommit may add {count_of(pool.overcommit, 'page')}, until the next restart."
        if is_default:
            keep = f"echo 'vm.nr_overcommit_hugepages = {pool.overcommit}' >> /etc/sysctl.d/60-hugepages.conf"
            yield BootAdvice(text, "To keep that, unless a file sets it already:", (keep,))
        else:
            yield BootAdvice(text)


def _nodes(pool: PoolUse, sys_root: str) -> Iterator[BootAdvice]:
    """What numastat -m shows of huge pages, and how a node's part is set."""
    if len(pool.nodes) < 2:
        return
    size = pool.page_size_kB << 10
    parts = [
        f"node {each.node} has {count_of(each.total, 'page')} ({format_bytes(each.total * size)}), {each.free} free, "
        f"of {_node_memory(sys_root, each.node)} of memory"
        for each in pool.nodes
    ]
    by_node = ",".join(f"{each.node}:{each.total - each.surp}" for each in pool.nodes)
    lines = [
        f"w /sys/devices/system/node/node{each.node}/hugepages/hugepages-{pool.page_size_kB}kB/nr_hugepages - - - - "
        f"{each.total - each.surp}"
        for each in pool.nodes
    ]
    remedy = (
        f"A pool that is set as a whole is spread over all nodes. To keep each node's part, as kernel parameters since "
        f"Linux 5.16: hugepagesz={format_bytes(size)} hugepages={by_node}. Or by lines in "
        f"/etc/tmpfiles.d/hugepages-nodes.conf:"
    )
    yield BootAdvice(f"{format_bytes(size)} pages by NUMA node: {'; '.join(parts)}.", remedy, tuple(lines))


def _node_memory(sys_root: str, node: int) -> str:
    with suppress(OSError):
        total = memory_bytes(f"{sys_root}/devices/system/node/node{node}/meminfo", "MemTotal")
        if total is not None:
            return f"{total >> 20}M"
    return "an unknown amount"


def _shared_memory(proc_root: str, pool_bytes: int) -> Iterator[BootAdvice]:
    """kernel.shmmax is in bytes, kernel.shmall in ordinary pages; both hold for segments of huge pages, too."""
    group = read_if_there(f"{proc_root}/sys/vm/hugetlb_shm_group").strip()
    if group:
        yield BootAdvice(
            f"SysV segments of huge pages: processes with CAP_IPC_LOCK may have them, and those of group {group} "
            "(vm.hugetlb_shm_group).",
            "For a program of another group, GID, with `sysctl -p` on the file to have it now:",
            ("echo 'vm.hugetlb_shm_group = GID' > /etc/sysctl.d/60-hugetlb-shm-group.conf",),
        )
    for name, unit in (("shmmax", 1), ("shmall", os.sysconf("SC_PAGE_SIZE"))):
        value = read_if_there(f"{proc_root}/sys/kernel/{name}").strip()
        if value.isdecimal() and len(value) <= _LONGEST_NUMBER and int(value) * unit < pool_bytes:
            needed = -(-pool_bytes // unit)
            yield BootAdvice(
                f"kernel.{name} is {value}: a SysV segment cannot have all huge pages ({format_bytes(pool_bytes)}).",
                "To allow one, now and after a restart:",
                (
                    f"echo 'kernel.{name} = {needed}' > /etc/sysctl.d/60-{name}.conf",
                    f"sysctl -p /etc/sysctl.d/60-{name}.conf",
                ),
            )


def _mounts(points: Sequence[MountInfo], root: str | None) -> Iterator[BootAdvice]:
    fstab = Path(root, "etc/fstab") if root is not None else None
    kept = fstab.read_text(errors="replace").split() if fstab is not None and fstab.is_file() else []
    for point in points:
        if point.path in kept or point.path == _BY_SYSTEMD:
            continue
        wanted = ("pagesize", "size", "min_size", "nr_inodes", "mode", "uid", "gid")
        options = ",".join(f"{key}={value}" for key, value in point.options.items() if key in wanted) or "defaults"
        line = f"none {_escaped(point.path)} hugetlbfs {options} 0 0"
        yield BootAdvice(
            f"hugetlbfs at {point.path} ({options}): no line of /etc/fstab has it.",
            "To have it after a restart, unless a program or a unit mounts it:",
            (f"echo {quoted(line)} >> /etc/fstab",),
        )


def _escaped(path: str) -> str:
    """As fstab(5) has it."""
    return "".join(f"\\{ord(each):03o}" if each in " \t\n\\" else each for each in path)


def _fragmentation(proc_root: str) -> Iterator[BootAdvice]:
    kept = read_if_there(f"{proc_root}/sys/vm/min_free_kbytes").strip()
    if kept:
        yield BootAdvice(
            f"vm.min_free_kbytes is {kept}. A pool that grows at run time gets as many pages as there are free pieces "
            "of memory of that size. The kernel reports no error if they are fewer: look at TOTAL afterwards.",
            "To make such pieces first, which costs CPU time for a while:",
            ("echo 1 > /proc/sys/vm/compact_memory",),
        )
