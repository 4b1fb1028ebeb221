"""Hugetlbfs file systems that are mounted nowhere any more, and live on because a process is in them or has them open.

umount -l, or the end of a mount namespace, leaves them like this. mountinfo shows them no more, nor their options.
"""

import ctypes
import os
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

from hugeresv.ledger.observation import Suspect, Unreadable
from hugeresv.sources.proc.descriptors import FileKind, Open, kind_at
from hugeresv.sources.proc.mountinfo import MountInfo
from hugeresv.sources.proc.mounts import file_status, read_mount
from hugeresv.sources.proc.snapshot import FileStatus, MountRecord

PATH = "(detached)"
"""Stands for where it was mounted."""

_MAGIC = 0x958458F6
"""HUGETLBFS_MAGIC, include/uapi/linux/magic.h."""
_STATFS_BYTES = 256
_DEEPEST = 64


class Detached:
    """Gathers them from what processes have."""

    def __init__(self, known: Container[int], page_bytes: Container[int]) -> None:
        """`known`: devices that are mounted, or the kernel's own; the page sizes that there are."""
        self._known = known
        self._page_bytes = page_bytes
        self._kept: dict[int, list[tuple[Open, FileKind]]] = {}

    def add(self, opened: Open) -> None:
        """Something that a process has, if it is on such a file system."""
        if not opened.name.startswith("/"):
            return
        kind = kind_at(opened.path)
        if kind is None or kind.device in self._known or kind.block_bytes not in self._page_bytes:
            return
        if kind.device in self._kept or _is_hugetlbfs(opened.path):
            self._kept.setdefault(kind.device, []).append((opened, kind))

    def mounts(
        self, name: Callable[[int], str], unreadable: list[Unreadable], elsewhere: Container[int]
    ) -> list[MountRecord]:
        """Each of them, with its files where a directory leads to them. `name` names a process by its number.

        `elsewhere`: devices that turned out to be mounted, in a namespace without a process.
        """
        return [self._mount(device, name, unreadable) for device in self._kept if device not in elsewhere]

    def opened(self, mounts: Iterable[MountRecord]) -> dict[int, list[tuple[str, FileStatus]]]:
        """By process, the files of these mounts that it keeps: what it has open, or all where it is in a directory."""
        files = {mount.device: [(f"{PATH}/{name}", status) for name, status in mount.files] for mount in mounts}
        found: dict[int, list[tuple[str, FileStatus]]] = {}
        for device, kept in self._kept.items():
            for opened, kind in kept:
                held = found.setdefault(opened.pid, [])
                if kind.directory:
                    held += files[device]
                    continue
                with suppress(OSError):  # closed meanwhile
                    held.append((PATH + opened.name, file_status(os.stat(opened.path))))
        return found

    def _mount(self, device: int, name: Callable[[int], str], unreadable: list[Unreadable]) -> MountRecord:
        kept = self._kept[device]
        keepers = dict.fromkeys(f"{opened.how} of {name(opened.pid)}" for opened, _ in kept)
        page_bytes = kept[0][1].block_bytes
        directory = next((opened.path for opened, kind in kept if kind.directory), None)
        point = MountInfo("", device, "hugetlbfs", "none", {})
        record = MountRecord(PATH, device, page_bytes, None, None, None, ())
        with suppress(OSError):  # let go meanwhile
            blocks = os.statvfs(kept[0][0].path).f_blocks
            if directory is not None:
                record = read_mount(_top(directory), point, page_bytes, unreadable)
            record = replace(record, size_pages=blocks or None)
        return replace(record, path=PATH, keepers=tuple(keepers))


def suspects_on(mounts: Iterable[MountRecord]) -> Iterator[Suspect]:
    """Their minimum, which nothing shows once they are mounted nowhere, and files to which no directory leads."""
    for mount in mounts:
        where = f"the hugetlbfs that is no longer mounted and lives on as {mount.keepers[0]}"
        ends = "That ends with its process."
        size = mount.page_bytes >> 10
        if not mount.inodes:
            what = f"other files of {where}"
            yield Suspect(what, ends, pages=True, promises=True, in_file=True, page_size_kB=size)
        yield Suspect(f"a minimum (min_size=) of {where}", ends, promises=True, page_size_kB=size)


def _top(directory: str) -> str:
    """The way from a directory up to the root of its file system."""
    for _ in range(_DEEPEST):
        here, above = os.stat(directory), os.stat(f"{directory}/..")
        if (here.st_dev, here.st_ino) == (above.st_dev, above.st_ino):
            break
        directory = f"{directory}/.."
    return directory


def _is_hugetlbfs(path: str) -> bool:
    result = ctypes.create_string_buffer(_STATFS_BYTES)
    if ctypes.CDLL(None).statfs(os.fsencode(path), result) != 0:
        return False
    return ctypes.c_long.from_buffer(result).value & 0xFFFFFFFF == _MAGIC
