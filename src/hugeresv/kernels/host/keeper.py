"""The operations that belong to no process: files, segments, mounts and cgroups are the keeper's."""

import itertools
import os
from collections.abc import Mapping

from hugeresv.errors import ScenarioError, UnavailableError
from hugeresv.kernels.caller import Caller
from hugeresv.kernels.host import abi
from hugeresv.kernels.host.names import KeptFile, MountPoint, Names
from hugeresv.kernels.host.world import MOUNTS
from hugeresv.scenario import operation as ops
from hugeresv.scenario.scenario import Cgroup
from hugeresv.units import cgroup_size

_SERIAL = itertools.count()
"""Cgroups are numbered through all sessions, so that one which the kernel does not let go yet is in nobody's way."""

_DEFAULT_MOUNT = f"{MOUNTS}/default"


class Keeper:
    """The keeper of one session: a method answers an errno, 0 for success, and keeps the names right.

    `pid` is the keeper's process as the tool's /proc knows it.
    """

    def __init__(self, worker: Caller, pid: int, names: Names, page_bytes: int) -> None:
        self._worker = worker
        self._pid = pid
        self._names = names
        self._page_bytes = page_bytes
        self._has_default_mount = False
        self._mounts_made = 0

    def seen_from_here(self, path: str) -> str:
        """A path of the keeper's as this process reaches it."""
        return f"/proc/{self._pid}/root{path}"

    def open_file(self, op: ops.OpenFile) -> int:
        """A file without a name on a mount."""
        self._refuse_bound_file(op.file)
        directory = self._default_mount() if op.mount is None else self._names.mount(op.mount).path
        return self._keep(op.file, "open", directory, os.O_TMPFILE | os.O_RDWR, 0o600)

    def memfd(self, op: ops.Memfd) -> int:
        """A file of memfd_create(2)."""
        self._refuse_bound_file(op.file)
        return self._keep(op.file, "memfd_create", "hugeresv", abi.MFD_HUGETLB | abi.huge_flag(self._page_bytes))

    def close_file(self, op: ops.CloseFile) -> int:
        """Let go of a file."""
        errno, _ = self._worker.call("close", self._names.file(op.file).descriptor)
        del self._names.files[op.file]
        return errno

    def remove_segment(self, op: ops.Shmrm) -> int:
        """Remove a SysV segment; its name stays good for what is attached to it."""
        segment = self._names.segment(op.shm)
        errno, _ = self._worker.call("shmctl", segment.id, abi.IPC_RMID, None)
        segment.removed = True
        return errno

    def mount(self, op: ops.Mount) -> int:
        """Mount a hugetlbfs."""
        if op.mount in self._names.mounts:
            raise ScenarioError(f"{op.mount!r} is mounted already")
        options = ""
        if op.size_pages is not None:
            options += f",size={op.size_pages * self._page_bytes}"
        if op.min_size_pages is not None:
            options += f",min_size={op.min_size_pages * self._page_bytes}"
        self._mounts_made += 1
        path = f"{MOUNTS}/mount-{self._mounts_made}"
        errno = self._mount(path, options)
        if errno == 0:
            self._names.mounts[op.mount] = MountPoint(path, limited=op.size_pages is not None)
        return errno

    def umount(self, op: ops.Umount) -> int:
        """Unmount it, unless it is in use."""
        path = self._names.mount(op.mount).path
        errno = self._umount(path)
        if errno == 0:
            del self._names.mounts[op.mount]
        return errno

    def make_cgroups(self, base: str, cgroups: Mapping[str, Cgroup]) -> None:
        """Make a scenario's cgroups with their limits. Raises ScenarioError for an unknown parent, and makes none."""
        for name in _parents_first(cgroups):
            cgroup = cgroups[name]
            parent = base if cgroup.parent is None else self._names.cgroup(cgroup.parent)
            path = f"{parent}/cgroup-{next(_SERIAL)}"
            if cgroup.parent is not None:
                self._must(name, "write", f"{parent}/cgroup.subtree_control", "+hugetlb")
            self._must(name, "mkdir", path)
            self._names.cgroups[name] = path
            errno = self.set_cgroup(ops.CgroupSet(name, cgroup.max_pages, cgroup.rsvd_max_pages))
            if errno:
                raise UnavailableError(f"cannot set the limits of cgroup {name!r}: {os.strerror(errno)}")

    def set_cgroup(self, op: ops.CgroupSet) -> int:
        """Write the limits that are given; the errno of the first that is refused."""
        path = self._names.cgroup(op.cgroup)
        size = cgroup_size(self._page_bytes // 1024)
        for file, pages in (("max", op.max_pages), ("rsvd.max", op.rsvd_max_pages)):
            if pages is not None:
                errno, _ = self._worker.call("write", f"{path}/hugetlb.{size}.{file}", str(pages * self._page_bytes))
                if errno:
                    return errno
        return 0

    def remove_cgroup(self, op: ops.CgroupRmdir) -> int:
        """Remove a cgroup."""
        errno, _ = self._worker.call("rmdir", self._names.cgroup(op.cgroup))
        if errno == 0:
            del self._names.cgroups[op.cgroup]
        return errno

    def release(self) -> None:
        """Let go of every file, segment and mount, in the order in which they came."""
        for file in list(self._names.files):
            self.close_file(ops.CloseFile(file))
        for name, segment in self._names.segments.items():
            if not segment.removed:
                self.remove_segment(ops.Shmrm(name))
        for mount in list(self._names.mounts):
            self.umount(ops.Umount(mount))
        if self._has_default_mount:
            self._umount(_DEFAULT_MOUNT)
            self._has_default_mount = False

    def remove_cgroups(self) -> None:
        """Remove the cgroups that are left, children first."""
        for name in reversed(list(self._names.cgroups)):
            self.remove_cgroup(ops.CgroupRmdir(name))

    def _refuse_bound_file(self, name: str) -> None:
        if name in self._names.files:
            raise ScenarioError(f"file {name!r} is open already")

    def _keep(self, name: str, call: str, *arguments: object) -> int:
        errno, descriptor = self._worker.call(call, *arguments)
        if errno == 0:
            self._names.files[name] = KeptFile(descriptor, f"/proc/{self._pid}/fd/{descriptor}")
        return errno

    def _default_mount(self) -> str:
        if not self._has_default_mount:
            errno = self._mount(_DEFAULT_MOUNT, "")
            if errno:
                raise UnavailableError(f"cannot mount a hugetlbfs: {os.strerror(errno)}")
            self._has_default_mount = True
        return _DEFAULT_MOUNT

    def _mount(self, path: str, options: str) -> int:
        self._must(path, "mkdir", path)
        errno, _ = self._worker.call("mount", path, f"pagesize={self._page_bytes}{options}")
        if errno:
            self._must(path, "rmdir", path)
        return errno

    def _umount(self, path: str) -> int:
        errno, _ = self._worker.call("umount", path)
        if errno == 0:
            self._must(path, "rmdir", path)
        return errno

    def _must(self, what: str, call: str, *arguments: object) -> None:
        """A call of our own that has no reason to fail."""
        errno, _ = self._worker.call(call, *arguments)
        if errno:
            raise UnavailableError(f"{call} for {what!r} failed: {os.strerror(errno)}")


def _parents_first(cgroups: Mapping[str, Cgroup]) -> list[str]:
    ordered: list[str] = []
    while len(ordered) < len(cgroups):
        ready = [name for name, cgroup in cgroups.items() if name not in ordered and cgroup.parent in (None, *ordered)]
        if not ready:
            name = next(name for name in cgroups if name not in ordered)
            raise ScenarioError(f"cgroup {name!r} has parent {cgroups[name].parent!r}, which is not above it")
        ordered += ready
    return ordered
