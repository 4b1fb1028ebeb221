"""Where huge pages, or promises, are that neither a mapping nor an open file nor a mount shows.

All that processes have open is gone through, so that it is looked for only where a rest remains.
"""

from collections.abc import Container, Sequence
from contextlib import suppress

from hugeresv.ledger.observation import Suspect, Unreadable
from hugeresv.sources.proc.descriptors import Open, all_open
from hugeresv.sources.proc.detached import Detached, suspects_on
from hugeresv.sources.proc.empty_namespaces import Empty
from hugeresv.sources.proc.namespaces import namespaces
from hugeresv.sources.proc.pins import Pins, loops, poisoned, unrestored
from hugeresv.sources.proc.processes import ProcessReader
from hugeresv.sources.proc.snapshot import MountRecord


def search(
    reader: ProcessReader,
    roots: tuple[str, str],
    pids: Sequence[int],
    known: Container[int],
    page_bytes: Container[int],
) -> tuple[list[MountRecord], list[Suspect], list[Unreadable]]:
    """File systems that are mounted nowhere, what may hold pages out of sight, and what of the former cannot be read.

    `roots`: of /proc and /sys; `known`: devices that are mounted, or the kernel's own. The reader is told which files
    processes have by that.
    """
    proc_root, sys_root = roots
    detached, pins = Detached(known, page_bytes), Pins(reader.name)
    inhabited = {kind: namespaces(proc_root, pids, kind) for kind in ("ipc", "mnt")}
    empty = Empty(name for found in inhabited.values() for name in found)
    for pid in inhabited["mnt"].values():
        with suppress(OSError):  # it has ended
            empty.add_mounted(proc_root, pid)
    for pid in pids:
        for opened in all_open(proc_root, pid):
            detached.add(opened)
            pins.add(opened)
            empty.add(opened, reader.name)
            if opened.of_thread:
                _add(reader, opened)
        for mapped in reader.mapped(pid):
            detached.add(mapped)
    unreadable: list[Unreadable] = []
    mounts = detached.mounts(reader.name, unreadable)
    for pid, files in detached.opened(mounts).items():
        reader.further_files.setdefault(pid, []).extend(files)
    suspects = [
        *suspects_on(mounts),
        *empty.suspects,
        *loops(sys_root, known),
        *pins.suspects(),
        *poisoned(proc_root),
        *unrestored(proc_root),
    ]
    return mounts, suspects, unreadable


def _add(reader: ProcessReader, opened: Open) -> None:
    with suppress(OSError):  # closed meanwhile, or not to be looked at
        file = reader.open_file(opened.path)
        if file is not None:
            reader.further_files.setdefault(opened.pid, []).append(file)
