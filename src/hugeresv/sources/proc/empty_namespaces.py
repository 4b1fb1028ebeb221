"""Namespaces in which no process is: an open descriptor or a bind mount keeps them, and what is in them."""

import re
from collections.abc import Callable, Iterable

from hugeresv.ledger.observation import Suspect
from hugeresv.shell import quoted
from hugeresv.sources.proc.descriptors import Open
from hugeresv.sources.proc.mountinfo import read_mountinfo

_NAME = re.compile(r"(?:ipc|mnt):\[[0-9]+\]")
_FILE_SYSTEM = "nsfs"
_KINDS = {"ipc": ("IPC", "--ipc={} ipcs -m"), "mnt": ("mount", "--mount={} findmnt -t hugetlbfs")}
"""What they are called, and the arguments of nsenter that show what is in one."""


class Empty:
    """Gathers the IPC and mount namespaces in which no process is. What is in them is not looked at."""

    def __init__(self, inhabited: Iterable[str]) -> None:
        """`inhabited`: names of those with a process."""
        self._known = set(inhabited)
        self.suspects: list[Suspect] = []

    def add(self, opened: Open, process: Callable[[int], str]) -> None:
        """Something that a process has open, if it is such a namespace; `process` names one by its number."""
        if _NAME.fullmatch(opened.name):
            self._keep(opened.name, opened.path, f"{opened.how} of {process(opened.pid)}")

    def add_mounted(self, proc_root: str, pid: int) -> None:
        """Those that are bound to a path which a process sees. Raises OSError."""
        for point in read_mountinfo(f"{proc_root}/{pid}/mountinfo", _FILE_SYSTEM):
            self._keep(point.root, f"{proc_root}/{pid}/root{point.path}", f"the mount {point.path}")

    def _keep(self, name: str, path: str, keeper: str) -> None:
        if _NAME.fullmatch(name) is None or name in self._known:
            return
        self._known.add(name)
        kind, look = (
            ("IPC", "--ipc={} ipcs -m") if name.startswith("ipc") else ("mount", "--mount={} findmnt -t hugetlbfs")
        )
        self.suspects.append(
            Suspect(
                f"the {kind} namespace {name} without a process, which {keeper} keeps",
                f"`nsenter {look.format(quoted(path))}` shows what is in it.",
                pages=True,
                promises=True,
                in_file=True,
            )
        )
