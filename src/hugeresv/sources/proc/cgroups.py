"""The hugetlb controller of cgroups, version 1 and 2, below the cgroup file systems in sysfs."""

import errno
import os
from collections.abc import Container, Iterator
from dataclasses import replace

from hugeresv.ledger.observation import CgroupUse, Unreadable
from hugeresv.sources.proc.descend import descend
from hugeresv.sources.proc.files import MalformedError, number, parsed, reason
from hugeresv.units import cgroup_size

_NO_LIMIT = 1 << 62
"""Bytes; version 1 shows no limit as a number near 2^63."""

_V2 = ("max", "current", "rsvd.max", "rsvd.current")
_V1 = ("limit_in_bytes", "usage_in_bytes", "rsvd.limit_in_bytes", "rsvd.usage_in_bytes")


_MOST_CGROUPS = 1 << 14
_REMOVED = (errno.ENOENT, errno.ENODEV)
"""Of a cgroup that has just been removed."""


def read_cgroups(sys_root: str, page_sizes_kB: list[int], unreadable: list[Unreadable]) -> Iterator[CgroupUse]:
    """Those that have a limit, or pages in use or reserved. What cannot be read is added to `unreadable`."""

    def failed(error: OSError) -> None:
        if error.errno not in _REMOVED:
            unreadable.append(Unreadable("a cgroup", reason(error), hides=False))

    count = 0
    for root in hierarchies(sys_root):
        for directory in descend(root, failed):
            if count == _MOST_CGROUPS:
                unreadable.append(Unreadable(f"more cgroups in {root}", f"{count} were read", hides=False))
                return
            count += 1
            for size in page_sizes_kB:
                try:
                    use = read_cgroup(directory.path, directory.path[len(root) :] or "/", size, directory.others)
                except OSError as error:
                    failed(error)
                    continue
                if use is not None and any((use.usage_pages, use.rsvd_pages, _limited(use))):
                    files = (use.rsvd_limit_file, use.limit_file)
                    rsvd_file, file = (each and f"/sys{each[len(sys_root) :]}" for each in files)
                    yield replace(use, rsvd_limit_file=rsvd_file, limit_file=file)


def hierarchies(sys_root: str) -> list[str]:
    """The root directories of the hierarchies that may have the controller: of version 2, then of version 1."""
    roots = [f"{sys_root}/fs/cgroup{name}" for name in ("", "/unified", "/hugetlb")]
    return [root for root in roots if os.path.exists(f"{root}/cgroup.controllers") or root.endswith("/hugetlb")]


def own_cgroup(cgroup: str) -> str | None:
    """The path in a /proc/PID/cgroup file whose hugetlb counters a process is charged to, if it tells.

    Raises MalformedError.
    """
    paths = {}
    for line in cgroup.removesuffix("\n").split("\n") if cgroup else []:
        if line.count(":") < 2:
            raise MalformedError("a cgroup", line)
        _, controllers, path = line.split(":", 2)
        paths.update(dict.fromkeys(controllers.split(","), path))
    return paths.get("hugetlb", paths.get(""))


def _limited(use: CgroupUse) -> bool:
    return use.max_pages is not None or use.rsvd_max_pages is not None


def read_cgroup(directory: str, path: str, page_size_kB: int, known: Container[str]) -> CgroupUse | None:
    """A cgroup whose directory has the files `known`; None where it does not have the controller.

    Raises MalformedError.
    """
    prefix = f"hugetlb.{cgroup_size(page_size_kB)}"
    names = _V1 if f"{prefix}.limit_in_bytes" in known else _V2
    limit, usage, rsvd_limit, rsvd = (_pages(directory, f"{prefix}.{name}", page_size_kB, known) for name in names)
    if usage is None:
        return None
    rsvd_file, file = (
        f"{directory}/{prefix}.{name}" if f"{prefix}.{name}" in known else None for name in (names[2], names[0])
    )
    return CgroupUse(path, page_size_kB, limit, rsvd_limit, usage, rsvd, rsvd_file, file)


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
        quantity = parsed(f"{directory}/{name}", _bytes)
    except OSError as error:
        if error.errno in _REMOVED:
            return None
        raise
    return None if quantity is None or quantity >= _NO_LIMIT else quantity // (page_size_kB << 10)


def _bytes(text: str) -> int | None:
    word = text.removesuffix("\n")
    return None if word == "max" else number(word, "the number")
