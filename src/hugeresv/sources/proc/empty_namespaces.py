"""Namespaces in which no process is: a descriptor, a thread or a bind mount keeps them, and what is in them."""

import re
from collections.abc import Callable, Container, Iterable
from dataclasses import replace
from typing import NamedTuple

from hugeresv.calls.abi import CLONE_NEWNS
from hugeresv.ledger.observation import Suspect, Unreadable
from hugeresv.shell import quoted
from hugeresv.sources.proc.descriptors import Open
from hugeresv.sources.proc.mountinfo import read_mountinfo
from hugeresv.sources.proc.mounts import FILE_SYSTEM, read_mount
from hugeresv.sources.proc.namespaces import thread_within
from hugeresv.sources.proc.segments import read_segments_of
from hugeresv.sources.proc.snapshot import MountRecord
from hugeresv.sources.proc.sysvipc import SegmentRecord

_NAME = re.compile(r"(ipc|mnt):\[[0-9]+\]")
_NAMESPACES = "nsfs"
_MOST_ENTERED = 1 << 8
"""Of each kind: anybody may make thousands of them, and to enter one takes a thread."""
_KINDS = {"ipc": ("IPC", "--ipc={} ipcs -m"), "mnt": ("mount", "--mount={} findmnt -t hugetlbfs")}
"""What they are called, and the arguments of nsenter that show what is in one."""


class _Kept(NamedTuple):
    """A namespace: its name, a path to it, and what keeps it."""

    name: str
    path: str
    keeper: str


class EmptyNamespaces:
    """Gathers the IPC and mount namespaces in which no process is, and reads what is in them."""

    def __init__(self, proc_root: str, inhabited: Iterable[str]) -> None:
        """`inhabited`: names of those with a process."""
        self._proc_root = proc_root
        self._known = set(inhabited)
        self._kept: list[_Kept] = []
        self.suspects: list[Suspect] = []
        """Those that may not be entered."""

    def add(self, opened: Open, process: Callable[[int], str]) -> None:
        """Something that a process has open, if it is such a namespace; `process` names one by its number."""
        self._keep(opened.name, opened.path, f"{opened.how} of {process(opened.pid)}")

    def add_thread(self, name: str, path: str, process: str) -> None:
        """The namespace of a thread, which need not be that of its process."""
        self._keep(name, path, f"a thread of {process}")

    def add_mounted(self, process: str, root: str) -> None:
        """Those that are bound to a path which a process sees, whose root directory is `root`. Raises OSError."""
        for point in read_mountinfo(f"{process}/mountinfo", _NAMESPACES):
            self._keep(point.root, root + point.path, f"the mount {point.path}")

    def segments(self) -> list[SegmentRecord]:
        """The segments in all of them."""
        found = []
        for kept in self._of_kind("ipc"):
            try:
                segments = read_segments_of(kept.path, self._proc_root, kept.name)
                found += [segment._replace(inside=kept.path) for segment in segments]
            except OSError:
                self._suspect(kept)
        return found

    def mounts(self, known: Container[int], default: int, unreadable: list[Unreadable]) -> list[MountRecord]:
        """The hugetlbfs that are mounted in them, those on `known` devices left out."""
        found: dict[int, MountRecord] = {}
        for kept in self._of_kind("mnt"):
            try:
                with thread_within(kept.path, CLONE_NEWNS) as thread:
                    path = f"{self._proc_root}/self/task/{thread}"
                    for point in read_mountinfo(f"{path}/mountinfo", FILE_SYSTEM):
                        if point.device not in known and point.device not in found:
                            mount = read_mount(f"{path}/root", point, default, unreadable)
                            found[point.device] = replace(mount, inside=kept.path)
            except OSError:
                self._suspect(kept)
        return [*found.values()]

    def _of_kind(self, kind: str) -> list[_Kept]:
        """Those to be entered; those beyond are suspects."""
        found = [kept for kept in self._kept if kept.name.startswith(kind)]
        for kept in found[_MOST_ENTERED:]:
            self._suspect(kept)
        return found[:_MOST_ENTERED]

    def _keep(self, name: str, path: str, keeper: str) -> None:
        if _NAME.fullmatch(name) is not None and name not in self._known:
            self._known.add(name)
            self._kept.append(_Kept(name, path, keeper))

    def _suspect(self, kept: _Kept) -> None:
        kind, look = _KINDS[kept.name[:3]]
        self.suspects.append(
            Suspect(
                f"the {kind} namespace {kept.name} without a process, which {kept.keeper} keeps",
                f"`nsenter {look.format(quoted(kept.path))}` shows what is in it.",
                pages=True,
                promises=True,
                in_file=True,
            )
        )
