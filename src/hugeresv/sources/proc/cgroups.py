"""The hugetlb controller of cgroups, version 1 and 2, below the cgroup file systems in sysfs."""

import os
from collections.abc import Container, Iterator

from hugeresv.ledger.observation import CgroupUse
from hugeresv.sources.proc.files import read_text
from hugeresv.units import cgroup_size

_NO_LIMIT = 1 << 62
"""Bytes; version 1 shows no limit as a number near 2^63."""

_V2 = ("max", "current", "rsvd.max", "rsvd.current")
_V1 = ("limit_in_bytes", "usage_in_bytes", "rsvd.limit_in_bytes", "rsvd.usage_in_bytes")


def read_cgroups(sys_root: str, page_sizes_kB: list[int]) -> Iterator[CgroupUse]:
    """Those that have a limit, or pages in use or reserved."""
    for root in hierarchies(sys_root):
        for directory, folders, files in os.walk(root):
            folders.sort()
            for size in page_sizes_kB:
                use = read_cgroup(directory, directory[len(root) :] or "/", size, files)
                if use is not None and any((use.usage_pages, use.rsvd_pages, _limited(use))):
                    yield use


def hierarchies(sys_root: str) -> list[str]:
    """The root directories of the hierarchies that may have the controller: of version 2, then of version 1."""
    roots = [f"{sys_root}/fs/cgroup{name}" for name in ("", "/unified", "/hugetlb")]
    return [root for root in roots if os.path.exists(f"{root}/cgroup.controllers") or root.endswith("/hugetlb")]


def own_cgroup(cgroup: str) -> str | None:
    """The path in a /proc/PID/cgroup file whose hugetlb counters a process is charged to, if it tells."""
    paths = {}
    for line in cgroup.splitlines():
        _, controllers, path = line.split(":", 2)
        paths.update(dict.fromkeys(controllers.split(","), path))
    return paths.get("hugetlb", paths.get(""))


def _limited(use: CgroupUse) -> bool:
    return use.max_pages is not None or use.rsvd_max_pages is not None


def read_cgroup(directory: str, path: str, page_size_kB: int, known: Container[str]) -> CgroupUse | None:
    """A cgroup whose directory has the files `known`; None where it does not have the controller."""
    prefix = f"hugetlb.{cgroup_size(page_size_kB)}"
    names = _V1 if f"{prefix}.limit_in_bytes" in known else _V2
    limit, usage, rsvd_limit, rsvd = (_pages(directory, f"{prefix}.{name}", page_size_kB, known) for name in names)
    if usage is None:
        return None
    return CgroupUse(path, page_size_kB, limit, rsvd_limit, usage, rsvd)


def limit_files(directory: str, page_size_kB: int) -> tuple[str, str]:
    """The files in which the limits of usage and of reservations are set."""
    prefix = f"{directory}/hugetlb.{cgroup_size(page_size_kB)}"
    names = _V1 if os.path.exists(f"{prefix}.limit_in_bytes") else _V2
    return f"{prefix}.{names[0]}", f"{prefix}.{names[2]}"


def _pages(directory: str, name: str, page_size_kB: int, known: Container[str]) -> int | None:
    """A counter or limit; None: no limit, no such file, or a cgroup that has just been removed."""
    if name not in known:
        return None
    try:
        text = read_text(f"{directory}/{name}").strip()
    except OSError:
        return None
    if text == "max" or int(text) >= _NO_LIMIT:
        return None
    return int(text) // (page_size_kB << 10)
