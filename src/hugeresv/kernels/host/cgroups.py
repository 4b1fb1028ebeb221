"""The cgroup v2 hierarchy with the hugetlb controller: finding it, and a directory of our own in it.

The guardian makes the directory and takes it away again; the keeper makes the cgroups of a scenario below it.
"""

import os
from typing import Self

from hugeresv.errors import UnavailableError
from hugeresv.kernels import syscalls
from hugeresv.kernels.host.world import MOUNTS
from hugeresv.sources.proc.mountinfo import read_mountinfo

_PRIVATE_MOUNT = f"{MOUNTS}/cgroup"


class CgroupBase:
    """A directory of our own for cgroups, made when first asked for and gone when the block is left."""

    def __init__(self) -> None:
        self._path: str | None = None
        self._enabled_in: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()

    def path(self) -> str:
        """The directory, whose children have the hugetlb controller. Raises UnavailableError where there is none."""
        if self._path is None:
            root = _hierarchy()
            try:
                if not _has_controller(root, "cgroup.subtree_control"):
                    _write(root, "+hugetlb")
                    self._enabled_in = root
                path = f"{root}/hugeresv-{os.getpid()}"
                os.mkdir(path)
                self._path = path
                _write(path, "+hugetlb")
            except OSError as error:
                raise UnavailableError(
                    f"cannot make cgroups with the hugetlb controller in {root}: {error.strerror}"
                ) from None
        return self._path

    def clear(self) -> None:
        """Remove what is below the directory; no process may be left there."""
        if self._path is not None:
            for path, directories, _ in os.walk(self._path, topdown=False):
                for directory in directories:
                    os.rmdir(f"{path}/{directory}")

    def _remove(self) -> None:
        self.clear()
        if self._path is not None:
            os.rmdir(self._path)
            self._path = None
        if self._enabled_in is not None:
            _write(self._enabled_in, "-hugetlb")
            self._enabled_in = None


def _hierarchy() -> str:
    """Where a cgroup2 with the hugetlb controller is mounted; where there is none, one is mounted for us alone."""
    for mount in read_mountinfo("/proc/self/mountinfo", "cgroup2"):
        if _has_controller(mount.path, "cgroup.controllers"):
            return mount.path
    os.makedirs(_PRIVATE_MOUNT, exist_ok=True)
    try:
        syscalls.mount(b"hugeresv", _PRIVATE_MOUNT.encode(), b"cgroup2", 0, None)
    except OSError as error:
        raise UnavailableError(f"cannot mount a cgroup2 hierarchy: {error.strerror}") from None
    if not _has_controller(_PRIVATE_MOUNT, "cgroup.controllers"):
        raise UnavailableError("no cgroup2 hierarchy has the hugetlb controller (a version 1 hierarchy may hold it)")
    return _PRIVATE_MOUNT


def _has_controller(path: str, file: str) -> bool:
    with open(f"{path}/{file}") as controllers:
        return "hugetlb" in controllers.read().split()


def _write(path: str, controller: str) -> None:
    with open(f"{path}/cgroup.subtree_control", "w") as control:
        control.write(controller)
