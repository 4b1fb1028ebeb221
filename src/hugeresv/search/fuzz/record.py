"""What an operation that succeeded has changed in the world that the next ones are drawn from."""

from __future__ import annotations

from hugeresv.scenario import operation as op
from hugeresv.search.fuzz.world import DrawnMapping, World

PAGE_BYTES = 2 << 20


def record(world: World, call: op.Operation) -> None:
    """Note names that were bound or are gone."""
    _record_mappings(world, call)
    _record_things(world, call)


def _record_mappings(world: World, call: op.Operation) -> None:
    """Processes and their mappings."""
    match call:
        case op.Mmap():
            mapping = DrawnMapping(_pages(call.length(PAGE_BYTES)), shared=call.type == "shared")
            world.processes[call.proc][call.map] = mapping
        case op.Mremap(move_to=str(name)):
            old = world.processes[call.proc][call.map]
            world.processes[call.proc][name] = DrawnMapping(call.new_pages or 1, old.shared, old.segment)
        case op.Fork():
            world.fork(call.proc, call.child)
        case op.Exit():
            del world.processes[call.proc]
            if not world.processes:
                world.processes["p"] = {}
        case op.Shmat():
            world.processes[call.proc][call.map] = DrawnMapping(3, shared=True, segment=True)
        case _:
            pass


def _record_things(world: World, call: op.Operation) -> None:
    """Files, segments, mounts and cgroups."""
    match call:
        case op.OpenFile() | op.Memfd():
            world.files.append(call.file)
        case op.CloseFile():
            world.files.remove(call.file)
        case op.Shmget():
            world.segments.append(call.shm)
        case op.Mount():
            world.mounts.append(call.mount)
        case op.Umount():
            world.mounts.remove(call.mount)
        case op.CgroupRmdir():
            world.cgroups.remove(call.cgroup)
        case _:
            pass


def _pages(length_bytes: int) -> int:
    return -(-length_bytes // PAGE_BYTES)
