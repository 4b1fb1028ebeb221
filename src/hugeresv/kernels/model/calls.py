"""Each operation of a scenario as the model's transition: names become addresses, pages become bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hugeresv.errors import ScenarioError
from hugeresv.kernels.model.names import NamedProcess
from hugeresv.model import fallocate as fallocation
from hugeresv.model import mmap as mapping
from hugeresv.model import mount as mounting
from hugeresv.model import shm
from hugeresv.model.fault import touch
from hugeresv.model.fork import fork
from hugeresv.model.madvise import madvise
from hugeresv.model.mlock import mlock, munlock
from hugeresv.model.mprotect import mprotect
from hugeresv.model.mremap import mremap
from hugeresv.model.truncate import ftruncate
from hugeresv.model.unmap import exit_process, munmap
from hugeresv.model.unsigned import signed, unsigned
from hugeresv.outcome import Outcome
from hugeresv.scenario import operation as op

if TYPE_CHECKING:
    from hugeresv.kernels.model.session import ModelSession
    from hugeresv.model.hugetlb_cgroup import HugetlbCgroup
    from hugeresv.model.inode import Inode


def _mmap(session: ModelSession, call: op.Mmap) -> Outcome:
    process = session.process(call.proc)
    machine, unit = session.machine, session.page_bytes
    if call.normal and call.file is not None:
        raise ScenarioError(f"mapping {call.map!r} cannot be both ordinary memory and of file {call.file!r}")
    length = unsigned(call.length(unit))
    address = process.free_address(length) if call.over is None else _place(process, call.over, call.proc, unit)
    prot = call.prot or "rw"
    if call.normal:
        outcome = mapping.mmap_normal(machine, process.task, address, length, prot, locked=bool(call.locked))
    else:
        outcome = mapping.mmap(
            machine,
            process.task,
            address,
            length,
            shared=call.type == "shared",
            inode=None if call.file is None else _file(session, call.file),
            offset=unsigned(call.file_offset(unit)),
            noreserve=bool(call.noreserve),
            prot=prot,
            fill=bool(call.populate or call.locked),
        )
    if outcome is Outcome.OK:
        process.bind(call.map, address, length)
    return outcome


def _touch(session: ModelSession, call: op.Touch) -> Outcome:
    process = session.processes.get(call.proc) or session.process(call.proc)
    start = process.mapping(call.map, call.proc).address
    page = call.page
    return touch(
        session.machine,
        process.task,
        start if page is None else start + page * session.page_bytes,
        write=call.access == "write",
    )


def _span(session: ModelSession, call: op.Span) -> tuple[NamedProcess, int, int]:
    """Process, address and length in bytes of a range of a mapping."""
    process = session.process(call.proc)
    start = process.mapping(call.map, call.proc).address + call.start(session.page_bytes)
    return process, unsigned(start), unsigned(call.length(session.page_bytes))


def _munmap(session: ModelSession, call: op.Munmap) -> Outcome:
    process, start, length = _span(session, call)
    return munmap(session.machine, process.task.mm, start, length)


def _mprotect(session: ModelSession, call: op.Mprotect) -> Outcome:
    process, start, length = _span(session, call)
    return mprotect(process.task, start, length, call.prot)


def _madvise(session: ModelSession, call: op.Madvise) -> Outcome:
    process, start, length = _span(session, call)
    return madvise(session.machine, process.task, start, length, call.advice)


def _mlock(session: ModelSession, call: op.Mlock) -> Outcome:
    process, start, length = _span(session, call)
    return mlock(session.machine, process.task, start, length)


def _munlock(session: ModelSession, call: op.Munlock) -> Outcome:
    process, start, length = _span(session, call)
    return munlock(process.task, start, length)


def _mremap(session: ModelSession, call: op.Mremap) -> Outcome:
    process, start, length = _span(session, call)
    new_length = unsigned(call.new_length(session.page_bytes))
    if call.over is not None and call.move_to is not None:
        raise ScenarioError("mremap: a mapping moves either to a place of its own (move_to) or over another")
    target = None
    if call.over is not None:
        target = _place(process, call.over, call.proc, session.page_bytes)
    elif call.move_to is not None:
        target = process.free_address(new_length)
    outcome = mremap(
        session.machine,
        process.task.mm,
        start,
        length,
        new_length,
        target=target,
        maymove=bool(call.maymove) or target is not None,
        dontunmap=bool(call.dontunmap),
    )
    if outcome is Outcome.OK and target is not None and call.move_to is not None:
        process.bind(call.move_to, target, new_length)
    return outcome


def _fork(session: ModelSession, call: op.Fork) -> Outcome:
    if call.child in session.processes:
        raise ScenarioError(f"fork: there is a process {call.child!r} already")
    parent = session.process(call.proc)
    child = fork(parent.task)
    session.processes[call.child] = parent.fork(child)
    session.machine.processes[call.child] = child
    return Outcome.OK


def _exit(session: ModelSession, call: op.Exit) -> Outcome:
    process = session.process(call.proc)
    exit_process(session.machine, process.task)
    del session.processes[call.proc], session.machine.processes[call.proc]
    return Outcome.OK


def _open_file(session: ModelSession, call: op.OpenFile) -> Outcome:
    _refuse_open(session, call.file)
    there = None
    if call.mount is not None:
        there = session.machine.mounts.get(call.mount)
        if there is None:
            raise ScenarioError(f"open_file: nothing is mounted as {call.mount!r}")
    mounting.open_file(session.machine, call.file, there)
    return Outcome.OK


def _memfd(session: ModelSession, call: op.Memfd) -> Outcome:
    _refuse_open(session, call.file)
    mounting.open_file(session.machine, call.file)
    return Outcome.OK


def _close_file(session: ModelSession, call: op.CloseFile) -> Outcome:
    _file(session, call.file)
    mounting.close_file(session.machine, call.file)
    return Outcome.OK


def _ftruncate(session: ModelSession, call: op.Ftruncate) -> Outcome:
    session.process(call.proc)
    length = signed(call.pages * session.page_bytes)
    return ftruncate(session.machine, _file(session, call.file), length)


def _fallocate(session: ModelSession, call: op.Fallocate) -> Outcome:
    process, inode = session.process(call.proc), _file(session, call.file)
    start, length = signed(call.start(session.page_bytes)), signed(call.length(session.page_bytes))
    if call.mode == "punch":
        return fallocation.fallocate_punch(session.machine, inode, start, length)
    keep_size = call.mode == "alloc_keep_size"
    return fallocation.fallocate(session.machine, process.task, inode, start, length, keep_size=keep_size)


def _no_effect(session: ModelSession, call: op.Fadvise | op.Readahead) -> Outcome:
    """hugetlbfs has no backing store to read ahead from (generic_fadvise, noop_backing_dev_info)."""
    session.process(call.proc)
    _file(session, call.file)
    return Outcome.OK


def _shmget(session: ModelSession, call: op.Shmget) -> Outcome:
    known = session.machine.segments.get(call.shm)
    if known is not None and known.handles:
        raise ScenarioError(f"shmget: there is a segment {call.shm!r} already")
    task = session.process(call.proc).task
    length = unsigned(call.length(session.page_bytes))
    return shm.shmget(session.machine, task, call.shm, length, noreserve=bool(call.noreserve))


def _shmat(session: ModelSession, call: op.Shmat) -> Outcome:
    process = session.process(call.proc)
    segment = session.machine.segments.get(call.shm)
    if segment is None:
        raise ScenarioError(f"shmat: there is no segment {call.shm!r}")
    length = segment.i_size * session.page_bytes
    address = process.free_address(length)
    outcome = shm.shmat(session.machine, process.task, call.shm, address, readonly=bool(call.readonly))
    if outcome is Outcome.OK:
        process.bind(call.map, address, length)
    return outcome


def _shmdt(session: ModelSession, call: op.Shmdt) -> Outcome:
    process = session.process(call.proc)
    return shm.shmdt(session.machine, process.task, process.mapping(call.map, call.proc).address)


def _shmrm(session: ModelSession, call: op.Shmrm) -> Outcome:
    if call.shm not in session.machine.segments:
        raise ScenarioError(f"shmrm: there is no segment {call.shm!r}")
    return shm.shmrm(session.machine, call.shm)


def _set_nr_hugepages(session: ModelSession, call: op.SetNrHugepages) -> Outcome:
    session.machine.hstate.set_max_huge_pages(call.n)
    return Outcome.OK


def _set_nr_overcommit(session: ModelSession, call: op.SetNrOvercommit) -> Outcome:
    return session.machine.hstate.set_nr_overcommit(call.n)


def _mount(session: ModelSession, call: op.Mount) -> Outcome:
    if call.mount in session.machine.mounts:
        raise ScenarioError(f"mount: {call.mount!r} is mounted already")
    return mounting.mount(session.machine, call.mount, call.size_pages, call.min_size_pages)


def _umount(session: ModelSession, call: op.Umount) -> Outcome:
    if call.mount not in session.machine.mounts:
        raise ScenarioError(f"umount: nothing is mounted as {call.mount!r}")
    return mounting.umount(session.machine, call.mount)


def _cgroup_move(session: ModelSession, call: op.CgroupMove) -> Outcome:
    cgroup = _cgroup(session, call.cgroup)
    return session.process(call.proc).task.move_to(cgroup)


def _cgroup_set(session: ModelSession, call: op.CgroupSet) -> Outcome:
    cgroup = _cgroup(session, call.cgroup)
    outcome = Outcome.OK
    if call.max_pages is not None:
        outcome = cgroup.set_max(call.max_pages)
    if outcome is Outcome.OK and call.rsvd_max_pages is not None:
        outcome = cgroup.set_rsvd_max(call.rsvd_max_pages)
    return outcome


def _cgroup_rmdir(session: ModelSession, call: op.CgroupRmdir) -> Outcome:
    outcome = _cgroup(session, call.cgroup).rmdir()
    if outcome is Outcome.OK:
        del session.machine.cgroups[call.cgroup]
    return outcome


def _place(process: NamedProcess, place: op.Place, name: str, page_bytes: int) -> int:
    """The address of a place in a mapping."""
    return process.mapping(place.map, name).address + place.offset(page_bytes)


def _file(session: ModelSession, name: str) -> Inode:
    inode = session.machine.files.get(name)
    if inode is None:
        raise ScenarioError(f"there is no open file {name!r}")
    return inode


def _refuse_open(session: ModelSession, name: str) -> None:
    if name in session.machine.files:
        raise ScenarioError(f"there is an open file {name!r} already")


def _cgroup(session: ModelSession, name: str) -> HugetlbCgroup:
    cgroup = session.machine.cgroups.get(name)
    if cgroup is None:
        raise ScenarioError(f"there is no cgroup {name!r}")
    return cgroup


CALLS: dict[type[op.Operation], Callable[[ModelSession, Any], Outcome]] = {
    op.Mmap: _mmap,
    op.Touch: _touch,
    op.Munmap: _munmap,
    op.Mprotect: _mprotect,
    op.Madvise: _madvise,
    op.Mlock: _mlock,
    op.Munlock: _munlock,
    op.Mremap: _mremap,
    op.Fork: _fork,
    op.Exit: _exit,
    op.OpenFile: _open_file,
    op.Memfd: _memfd,
    op.CloseFile: _close_file,
    op.Ftruncate: _ftruncate,
    op.Fallocate: _fallocate,
    op.Fadvise: _no_effect,
    op.Readahead: _no_effect,
    op.Shmget: _shmget,
    op.Shmat: _shmat,
    op.Shmdt: _shmdt,
    op.Shmrm: _shmrm,
    op.SetNrHugepages: _set_nr_hugepages,
    op.SetNrOvercommit: _set_nr_overcommit,
    op.Mount: _mount,
    op.Umount: _umount,
    op.CgroupMove: _cgroup_move,
    op.CgroupSet: _cgroup_set,
    op.CgroupRmdir: _cgroup_rmdir,
}
"""Every operation by its class."""
