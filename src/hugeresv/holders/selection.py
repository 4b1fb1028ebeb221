"""What a user may ask for: whether the process or cgroup is there."""

import os
from contextlib import suppress
from pathlib import Path

from hugeresv.errors import InputError
from hugeresv.holders.host import Selection
from hugeresv.sources.proc.cgroups import hierarchies, own_cgroup
from hugeresv.sources.proc.files import read_text
from hugeresv.sources.proc.lineage import cgroup_directory


def existing(selection: Selection, proc_root: str, sys_root: str) -> Selection:
    """The same, its cgroup as /proc/PID/cgroup spells it. Raises InputError where there is no process or cgroup."""
    if selection.pid is not None and not Path(proc_root, str(selection.pid)).is_dir():
        raise InputError(f"there is no process {selection.pid} in {proc_root}")
    if selection.cgroup is None:
        return selection
    return selection._replace(cgroup=_cgroup(selection.cgroup, proc_root, sys_root))


def cgroups_below(sys_root: str, path: str) -> list[str]:
    """The cgroups right below one, in all hierarchies that may have the controller, as paths from their root."""
    above = f"/{path.strip('/')}".rstrip("/")
    found = set()
    for root in hierarchies(sys_root):
        with suppress(OSError), os.scandir(f"{root}{above}") as entries:
            found |= {f"{above}/{entry.name}" for entry in entries if entry.is_dir(follow_symlinks=False)}
    return sorted(found)


def _cgroup(cgroup: str, proc_root: str, sys_root: str) -> str:
    """The path in its hierarchy; where none is shown, as in a copy, it must be that of a process, or above it."""
    try:
        directory = cgroup_directory(sys_root, cgroup)
    except InputError:
        path = f"/{cgroup.strip('/')}"
        if any(f"{each}/".startswith(f"{path.rstrip('/')}/") for each in _of_processes(proc_root)):
            return path
        raise
    roots = [root for root in hierarchies(sys_root) if f"{directory}/".startswith(f"{root}/")]
    return directory[len(max(roots, key=len, default="")) :] or "/"


def _of_processes(proc_root: str) -> set[str]:
    found = set()
    for process in Path(proc_root).iterdir():
        if process.name.isdecimal():
            with suppress(OSError):  # it has ended, or the copy does not have it
                found.add(own_cgroup(read_text(f"{process}/cgroup")))
    return {path for path in found if path is not None}
