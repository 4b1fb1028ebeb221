"""Mounted hugetlbfs file systems, in every mount namespace that a process shows, with the files on them."""

import os
import re
import stat
from collections.abc import Iterator
from typing import NamedTuple

from hugeresv.errors import InputError
from hugeresv.ledger.observation import Unreadable
from hugeresv.sources.proc.files import unescape
from hugeresv.sources.proc.snapshot import FileStatus, MountRecord
from hugeresv.units import parse_bytes


class MountPoint(NamedTuple):
    """A line of mountinfo about a hugetlbfs: where, its device number, and its options."""

    path: str
    device: int
    options: dict[str, str]


def parse_mountinfo(mountinfo: str) -> list[MountPoint]:
    """The hugetlbfs mounts in a mountinfo file."""
    found = []
    for line in mountinfo.splitlines():
        fields = line.split(" ")
        if "-" not in fields or fields[fields.index("-") + 1] != "hugetlbfs":
            continue
        major, minor = map(int, fields[2].split(":"))
        options = dict(option.partition("=")[::2] for option in fields[-1].split(","))
        found.append(MountPoint(unescape(fields[4]), os.makedev(major, minor), options))
    return found


def read_mount(
    root: str | None, point: MountPoint, default_page_bytes: int, unreadable: list[Unreadable]
) -> MountRecord:
    """A mount with its files, `root` being the root directory of a process that sees it; None: a copy has no files."""
    page_bytes, size_pages, min_size_pages = mount_limits(point, default_page_bytes)
    free_pages = None
    files: list[tuple[str, FileStatus]] = []
    try:
        if root is None:
            raise FileNotFoundError("only a live host has them")
        base = root + point.path
        status = os.statvfs(base)
        if os.stat(base).st_dev != point.device:
            raise FileNotFoundError(f"another file system is mounted over {point.path}")
        free_pages = status.f_bfree if status.f_blocks else None
        files = list(_files(base, point.device))
    except OSError as error:
        unreadable.append(Unreadable(f"the files on mount {point.path}", error.strerror or str(error)))
    return MountRecord(point.path, point.device, page_bytes, size_pages, min_size_pages, free_pages, tuple(files))


def mount_limits(point: MountPoint, default_page_bytes: int) -> tuple[int, int | None, int | None]:
    """The page size in bytes, and the mount's maximum and minimum in pages, None where there is none."""
    page_bytes = _bytes(point.options.get("pagesize"), default_page_bytes)
    size, minimum = (_limit(point.options.get(name), page_bytes) for name in ("size", "min_size"))
    return page_bytes, size, minimum


def file_status(status: os.stat_result) -> FileStatus:
    """What matters of stat(2)."""
    return FileStatus(
        status.st_dev,
        status.st_ino,
        status.st_blksize,
        status.st_size,
        status.st_blocks * 512,
        status.st_ctime_ns / 1e9,
    )


def _files(base: str, device: int) -> Iterator[tuple[str, FileStatus]]:
    for directory, folders, names in os.walk(base):
        folders[:] = [name for name in folders if os.lstat(f"{directory}/{name}").st_dev == device]
        for name in names:
            path = f"{directory}/{name}"
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode) and status.st_dev == device:
                yield path[len(base) :].lstrip("/"), file_status(status)


def _limit(option: str | None, page_bytes: int) -> int | None:
    return _bytes(option, 0) // page_bytes if option else None


def _bytes(option: str | None, default: int) -> int:
    """An option of a mount: the kernel shows limits as `4096K` and page sizes as `2M`."""
    if option is None or not re.fullmatch(r"[0-9]+[KMGkmg]?", option):
        return default
    try:
        return parse_bytes(option)
    except InputError:
        return default
