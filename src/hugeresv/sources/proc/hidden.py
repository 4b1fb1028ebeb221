"""Where huge pages, or promises, are that neither a mapping nor an open file nor a mount shows.

All that processes have open is gone through, so that it is looked for only where a rest remains.
"""

import os
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import NamedTuple

from hugeresv.ledger.observation import PoolUse, Suspect, Unreadable
from hugeresv.sources.proc.descriptors import Open, all_open
from hugeresv.sources.proc.detached import Detached, suspects_on
from hugeresv.sources.proc.empty_namespaces import EmptyNamespaces
from hugeresv.sources.proc.meminfo import default_page_bytes
from hugeresv.sources.proc.namespaces import namespace, namespaces
from hugeresv.sources.proc.pins import Pins, loops, orphans, poisoned, unrestored
from hugeresv.sources.proc.processes import ProcessReader
from hugeresv.sources.proc.snapshot import MountRecord
from hugeresv.sources.proc.sysvipc import SegmentRecord

_KINDS = ("ipc", "mnt")
_MOST_THREADS = 1 << 16


class Hidden(NamedTuple):
    """What was found: file systems that no process sees mounted, segments in namespaces without a process, the rest."""

    mounts: list[MountRecord]
    segments: list[SegmentRecord]
    suspects: list[Suspect]
    unreadable: list[Unreadable]


def search(
    reader: ProcessReader,
    roots: tuple[str, str],
    pids: Sequence[int],
    known: Collection[int],
    pools: Sequence[PoolUse],
) -> Hidden:
    """All of it, and what of it cannot be read.

    `roots`: of /proc and /sys; `known`: devices that are mounted, or the kernel's own. The reader is told which files
    processes have by that.
    """
    proc_root, sys_root = roots
    detached, pins = Detached(known, [pool.page_size_kB << 10 for pool in pools]), Pins(reader.name)
    inhabited = {kind: namespaces(proc_root, pids, kind) for kind in _KINDS}
    empty = EmptyNamespaces(proc_root, (name for found in inhabited.values() for name in found))
    own = namespace(f"{proc_root}/self", "mnt")
    for name, pid in inhabited["mnt"].items():
        with suppress(OSError):  # it has ended
            process = f"{proc_root}/{pid}"
            empty.add_mounted(process, "" if name == own else f"{process}/root")
    for pid in pids:
        for opened in all_open(proc_root, pid):
            detached.add(opened)
            pins.add(opened)
            empty.add(opened, reader.name)
            if opened.of_thread:
                _add(reader, opened)
        for mapped in reader.mapped(pid):
            detached.add(mapped)
        _add_threads(reader, empty, proc_root, pid)
    unreadable: list[Unreadable] = []
    unseen = empty.mounts(known, default_page_bytes(proc_root), unreadable)
    devices = {mount.device for mount in unseen}
    mounts = [*unseen, *detached.mounts(reader.name, unreadable, elsewhere=devices)]
    for pid, files in detached.opened(mounts).items():
        reader.further_files.setdefault(pid, []).extend(files)
    segments = empty.segments()
    suspects = [
        *suspects_on(mount for mount in mounts if mount.keepers),
        *empty.suspects,
        *loops(sys_root, known),
        *pins.suspects(),
        *orphans(proc_root),
        *poisoned(proc_root),
        *unrestored(proc_root, pools),
    ]
    return Hidden(mounts, segments, suspects, unreadable)


def _add_threads(reader: ProcessReader, empty: EmptyNamespaces, proc_root: str, pid: int) -> None:
    """A thread may be in a namespace without its process."""
    with suppress(OSError):  # it has ended
        threads = os.listdir(f"{proc_root}/{pid}/task")
        for thread in threads[:_MOST_THREADS] if len(threads) > 1 else ():
            for kind in _KINDS:
                path = f"{proc_root}/{pid}/task/{thread}"
                empty.add_thread(namespace(path, kind), f"{path}/ns/{kind}", reader.name(pid))


def _add(reader: ProcessReader, opened: Open) -> None:
    with suppress(OSError):  # closed meanwhile, or not to be looked at
        file = reader.open_file(opened.path)
        if file is not None:
            reader.further_files.setdefault(opened.pid, []).append(file)
