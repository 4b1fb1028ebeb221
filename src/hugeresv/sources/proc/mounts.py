"""Mounted hugetlbfs file systems: their limits, and the files on them."""

import errno
import os
import re
import stat
from collections.abc import Iterator

from hugeresv.errors import InputError
from hugeresv.ledger.observation import Unreadable
from hugeresv.shell import quoted
from hugeresv.sources.proc.descend import descend
from hugeresv.sources.proc.files import MalformedError, reason
from hugeresv.sources.proc.mountinfo import MountInfo
from hugeresv.sources.proc.snapshot import FileStatus, MountRecord
from hugeresv.units import parse_bytes

FILE_SYSTEM = "hugetlbfs"

_MOST_FILES = 1 << 16
_LARGEST_PAGE_BYTES = 1 << 40


def read_mount(
    root: str | None, point: MountInfo, default_page_bytes: int, unreadable: list[Unreadable]
) -> MountRecord:
    """A mount with its files, `root` being the root directory of a process that sees it; None: a copy has no files.

    Raises MalformedError for options that are none of a hugetlbfs.
    """
    page_bytes, size_pages, min_size_pages = mount_limits(point, default_page_bytes)
    free_pages = None
    settle = ""
    known = len(unreadable)
    entries: list[tuple[str, os.stat_result]] = []
    try:
        if root is None:
            raise FileNotFoundError("a copy does not have them")
        base = root + point.path
        status = os.statvfs(base)
        if os.stat(base).st_dev != point.device:
            settle = (
                f"`unshare -m sh -c {quoted(f'umount {quoted(point.path)}; ls -lsR {quoted(point.path)}')}` shows them"
            )
            raise FileNotFoundError(f"another file system is mounted over {point.path}")
        free_pages = status.f_bfree if status.f_blocks else None
        entries = list(_entries(base, point, unreadable))
    except OSError as error:
        if root is not None and error.errno in {errno.ENOENT, errno.ENOTDIR}:
            error = FileNotFoundError("no path leads there: a folder above it has another file system mounted over it")
        if root is None:
            settle = f"on that host, `ls -ls {point.path}` shows them"
        unreadable.append(Unreadable(f"the files on mount {point.path}", reason(error), settle=settle))
    return MountRecord(
        point.path,
        point.device,
        page_bytes,
        size_pages,
        min_size_pages,
        free_pages,
        tuple((name, file_status(status)) for name, status in entries if _may_hold(status)),
        frozenset(status.st_ino for _, status in entries),
        complete=len(unreadable) == known and point.is_whole,
    )


def mount_limits(point: MountInfo, default_page_bytes: int) -> tuple[int, int | None, int | None]:
    """The page size in bytes, and the mount's maximum and minimum in pages, None where there is none.

    Raises MalformedError for options that are none of a hugetlbfs.
    """
    page_bytes = _option(point, "pagesize") or default_page_bytes
    if page_bytes.bit_count() != 1 or page_bytes > _LARGEST_PAGE_BYTES:
        raise MalformedError(f"pagesize of {point.path}", point.options["pagesize"])
    size, minimum = (_option(point, name) for name in ("size", "min_size"))
    return page_bytes, _pages(size, page_bytes), _pages(minimum, page_bytes)


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


def _entries(base: str, point: MountInfo, unreadable: list[Unreadable]) -> Iterator[tuple[str, os.stat_result]]:
    """Everything that is on the mount, by its name below `base`."""

    def failed(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # it has been removed meanwhile
            unreadable.append(Unreadable(f"a directory on mount {point.path}", reason(error)))

    top = os.stat(base)
    yield "", top
    if not stat.S_ISDIR(top.st_mode):
        return  # a single file, mounted by itself
    found = 0
    for directory in descend(base, failed):
        inside = [(name, _status(f"{directory.path}/{name}")) for name in directory.folders + directory.others]
        here = {name: status for name, status in inside if status and status.st_dev == point.device}
        directory.folders[:] = [name for name in directory.folders if name in here]
        for name, status in here.items():
            if found == _MOST_FILES:
                unreadable.append(Unreadable(f"more files on mount {point.path}", f"{found} were read"))
                return
            found += _may_hold(status)
            yield f"{directory.path}/{name}"[len(base) :].lstrip("/"), status


def _may_hold(status: os.stat_result) -> bool:
    """Whether it is a file with a page or a length. Others hold nothing."""
    return stat.S_ISREG(status.st_mode) and bool(status.st_size or status.st_blocks)


def _status(path: str) -> os.stat_result | None:
    """None of what has been removed meanwhile."""
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def _pages(limit_bytes: int | None, page_bytes: int) -> int | None:
    return None if limit_bytes is None else limit_bytes // page_bytes


def _option(point: MountInfo, name: str) -> int | None:
    """An option of a mount in bytes: the kernel shows limits as `4096K` and page sizes as `2M`."""
    value = point.options.get(name)
    if value is None:
        return None
    try:
        if re.fullmatch(r"[0-9]+[KMGTkmgt]?", value, re.ASCII):
            return parse_bytes(value)
    except InputError:
        pass
    raise MalformedError(f"{name} of {point.path}", value)
