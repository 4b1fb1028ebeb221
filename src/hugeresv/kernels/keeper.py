"""The keeper of a session: a worker that holds files, segments, mounts and cgroups, which belong to no process.

It knows what stands for them on its kernel: descriptors, identifiers and directories.
"""

import itertools
import os
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from hugeresv.calls import abi
from hugeresv.calls.call import Call, OfCgroup, OfFile, OfMount, OfSegment
from hugeresv.calls.names import Names
from hugeresv.errors import UnavailableError
from hugeresv.units import cgroup_size

_SERIAL = itertools.count()
"""Cgroups are numbered through all sessions, so that one that the kernel still keeps is never met again."""


class OfPath(NamedTuple):
    """Among the words of a call: the descriptor of a file that is opened for reading and writing meanwhile."""

    path: str


class Caller(Protocol):
    """A process that makes system calls when told to."""

    def call(self, name: str, *words: int | str | bytes | OfPath) -> tuple[int, int]:
        """Have it make a call of `calls.numbers`: an errno, 0 for success, and the value."""
        ...


class Keeper:
    """The keeper of one session. `pid` is its process as the tool's /proc knows it.

    Mounts are made in `directory`, an empty one of its own. Cgroups below others get `controllers`.
    """

    def __init__(
        self, worker: Caller, pid: int, names: Names, directory: str, controllers: Sequence[str] = ("hugetlb",)
    ) -> None:
        self._worker = worker
        self._pid = pid
        self._names = names
        self._directory = directory
        self._controllers = controllers
        self._handles: dict[OfFile | OfSegment, int] = {}
        self.mounts: dict[OfMount, str] = {}
        self.cgroups: dict[str, str] = {}
        self._mounts_made = 0

    def seen_from_here(self, path: str) -> str:
        """A path of the keeper's as this process reaches it."""
        return f"/proc/{self._pid}/root{path}"

    def word(self, word: object) -> int | str | bytes | OfPath:
        """What a word of a process's call stands for on this kernel: a file is opened anew, by its path."""
        match word:
            case OfFile():
                return OfPath(f"/proc/{self._pid}/fd/{self._handles[word]}")
            case OfCgroup():
                return self.cgroups[word.name]
            case OfSegment():
                return self._handles[word]
            case int() | str() | bytes():
                return word
        raise TypeError(f"{word!r} is no word of a call")

    def made(self, call: Call, value: int) -> None:
        """A call has returned a handle of what it makes."""
        if isinstance(call.makes, (OfFile, OfSegment)):
            self._handles[call.makes] = value

    def carry_out(self, call: Call) -> tuple[int, int]:
        """A call that no process makes: an errno, and the value."""
        match call.name:
            case "open_file":
                return self._open(call.words[0])
            case "mount":
                assert isinstance(call.makes, OfMount)
                return self._mount(call.makes, *call.words), 0
            case "umount":
                return self._umount(call.words[0]), 0
            case "cgroup_set":
                return self._set_cgroup(*call.words), 0
            case "cpuset_set":
                return self._set_mems(*call.words), 0
        return self._worker.call(call.name, *self.own_words(call))

    def own_words(self, call: Call) -> list[int | str | bytes | OfPath]:
        """What the words of a call stand for that the keeper makes itself: it has the descriptors of files."""
        return [self._handles[word] if isinstance(word, OfFile) else self.word(word) for word in call.words]

    def make_cgroups(self, base: str) -> None:
        """Make the cgroups that are named, with their limits."""
        for name, cgroup in self._names.cgroups.items():
            parent = base if cgroup.parent is None else self.cgroups[cgroup.parent]
            path = f"{parent}/cgroup-{next(_SERIAL)}"
            if cgroup.parent is not None:
                for controller in self._controllers:
                    path_of = OfPath(f"{parent}/cgroup.subtree_control")
                    self._must(name, "write", path_of, f"+{controller}", len(controller) + 1)
            self._must(name, "mkdirat", abi.AT_FDCWD, path, 0o755)
            self.cgroups[name] = path
            for page_bytes, limits in self._names.limits(name):
                errno = self._set_cgroup(OfCgroup(name), limits.max_pages, limits.rsvd_max_pages, page_bytes)
                if errno:
                    raise UnavailableError(f"cannot set the limits of cgroup {name!r}: {os.strerror(errno)}")

    def release(self) -> None:
        """Let go of every file, segment and mount, in the order in which they came."""
        for file in list(self._names.files):
            self._worker.call("close", self._handles[OfFile(file)])
            self._names.closed(file)
        for name, segment in self._names.segments.items():
            if not segment.removed:
                self._worker.call("shmctl", self._handles[OfSegment(name)], abi.IPC_RMID, 0)
                self._names.segment_removed(name)
        for mount in list(self.mounts):
            if self._umount(mount) == 0 and mount.name is not None:
                self._names.unmounted(mount.name)

    def remove_cgroups(self) -> None:
        """Remove the cgroups that are left, children first."""
        for name in reversed(list(self._names.cgroups)):
            self._worker.call("unlinkat", abi.AT_FDCWD, self.cgroups[name], abi.AT_REMOVEDIR)
            self._names.cgroup_removed(name)

    def _open(self, there: OfMount) -> tuple[int, int]:
        """A file without a name on a mount; the one without limits is made when first asked for."""
        if there not in self.mounts:
            errno = self._mount(there, None, None, there.page_bytes or self._names.page_bytes)
            if errno:
                raise UnavailableError(f"cannot mount a hugetlbfs: {os.strerror(errno)}")
        return self._worker.call("openat", abi.AT_FDCWD, self.mounts[there], os.O_TMPFILE | os.O_RDWR, 0o600)

    def _mount(self, mount: OfMount, size_bytes: int | None, minimum_bytes: int | None, page_bytes: int) -> int:
        options = f"pagesize={page_bytes}"
        options += "" if size_bytes is None else f",size={size_bytes}"
        options += "" if minimum_bytes is None else f",min_size={minimum_bytes}"
        self._mounts_made += 1
        path = f"{self._directory}/mount-{self._mounts_made}"
        self._must(path, "mkdirat", abi.AT_FDCWD, path, 0o755)
        errno, _ = self._worker.call("mount", "hugeresv", path, "hugetlbfs", 0, options)
        if errno:
            self._must(path, "unlinkat", abi.AT_FDCWD, path, abi.AT_REMOVEDIR)
        else:
            self.mounts[mount] = path
        return errno

    def _umount(self, mount: OfMount) -> int:
        """Unmount it, unless it is in use."""
        path = self.mounts[mount]
        errno, _ = self._worker.call("umount2", path, 0)
        if errno == 0:
            self._must(path, "unlinkat", abi.AT_FDCWD, path, abi.AT_REMOVEDIR)
            del self.mounts[mount]
        return errno

    def _set_cgroup(self, cgroup: OfCgroup, max_pages: int | None, rsvd_max_pages: int | None, page_bytes: int) -> int:
        """Write the limits that are given, for pages of one size; the errno of the first that is refused."""
        size = cgroup_size(page_bytes // 1024)
        for file, pages in (("max", max_pages), ("rsvd.max", rsvd_max_pages)):
            if pages is not None:
                text = str(pages * page_bytes)
                path = OfPath(f"{self.cgroups[cgroup.name]}/hugetlb.{size}.{file}")
                errno, _ = self._worker.call("write", path, text, len(text))
                if errno:
                    return errno
        return 0

    def _set_mems(self, cgroup: OfCgroup, nodes: Sequence[int]) -> int:
        """Write the nodes of a cpuset; the newline makes a text of no nodes."""
        text = f"{','.join(map(str, nodes))}\n".encode()
        errno, _ = self._worker.call("write", OfPath(f"{self.cgroups[cgroup.name]}/cpuset.mems"), text, len(text))
        return errno

    def _must(self, what: str, name: str, *words: int | str | bytes | OfPath) -> None:
        """A call of our own that has no reason to fail."""
        errno, _ = self._worker.call(name, *words)
        if errno:
            raise UnavailableError(f"{name} for {what!r} failed: {os.strerror(errno)}")
