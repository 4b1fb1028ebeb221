"""The cgroups whose limits a task meets: its own and those above it."""

import os
from collections.abc import Iterator

from hugeresv.errors import InputError
from hugeresv.ledger.observation import CgroupUse
from hugeresv.sources.proc.cgroups import hierarchies, read_cgroup


def cgroup_directory(sys_root: str, cgroup: str) -> str:
    """The directory of a cgroup that a user names, by its path in the hierarchy or by its directory. InputError."""
    found = find_directory(sys_root, cgroup)
    if found is None and os.path.exists(f"{cgroup}/cgroup.procs"):
        found = os.path.abspath(cgroup)
    if found is None:
        looked = ", ".join(hierarchies(sys_root)) or f"{sys_root}/fs/cgroup"
        raise InputError(f"there is no cgroup {cgroup!r} in {looked}")
    return found


def find_directory(sys_root: str, cgroup: str) -> str | None:
    """The directory of a cgroup as /proc/PID/cgroup spells it, in the hierarchy that has the controller."""
    found = [f"{root}/{cgroup.strip('/')}".rstrip("/") for root in hierarchies(sys_root)]
    return next((path for path in reversed(found) if os.path.isdir(path)), None)


def read_lineage(sys_root: str, directory: str, page_size_kB: int) -> Iterator[tuple[str, CgroupUse]]:
    """A cgroup and those above it that have the controller, with their directories; nearest first."""
    roots = [root for root in hierarchies(sys_root) if f"{directory}/".startswith(f"{root}/")]
    root = max(roots, key=len, default="")
    while os.path.exists(f"{directory}/cgroup.procs"):
        use = read_cgroup(directory, directory[len(root) :] or "/", page_size_kB, os.listdir(directory))
        if use is not None:
            yield directory, use
        directory = os.path.dirname(directory)
