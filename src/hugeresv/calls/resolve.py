"""Which call an operation is, with what its names stand for. Pure: nothing is called here, and no name is bound.

A function here looks up every name first, so that an operation that cannot be carried out as written raises
ScenarioError, in the same words for every kernel, and leaves everything as it was.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from hugeresv.calls import abi
from hugeresv.calls.call import Call, OfCgroup, OfFile, OfMount, OfSegment
from hugeresv.calls.names import Binding, Names
from hugeresv.errors import ScenarioError
from hugeresv.scenario import operation as ops


def resolve(operation: ops.Operation, names: Names) -> Call:
    """The call that an operation is. Raises ScenarioError for a name that stands for nothing, or is taken."""
    return _RESOLVE[type(operation)](operation, names)


def _mmap(op: ops.Mmap, names: Names) -> Call:
    if op.file is not None and op.normal:
        raise ScenarioError(f"mapping {op.map!r} cannot be both ordinary memory and of file {op.file!r}")
    if op.noreplace and op.over is None:
        raise ScenarioError(f"mapping {op.map!r}: noreplace says what over must not replace, and there is no over")
    length = op.length(names.page_bytes)
    address = names.free_place(op.proc, length) if op.over is None else _place(op.proc, op.over, names)
    if op.file is not None:
        names.file(op.file)
    shared = op.type == "shared"
    learn = partial(names.mapped, op.proc, op.map, Binding(address, length, shared))
    file = -1 if op.file is None else OfFile(op.file)
    prot = abi.PROT[op.prot or "rw"]
    return Call(
        op.proc, "mmap", (address, length, prot, _mmap_flags(op, names), file, op.file_offset(names.page_bytes)), learn
    )


def _mmap_flags(op: ops.Mmap, names: Names) -> int:
    flags = abi.MAP_SHARED if op.type == "shared" else abi.MAP_PRIVATE
    if op.file is None:
        flags |= abi.MAP_ANONYMOUS
        if not op.normal:
            flags |= abi.MAP_HUGETLB | abi.huge_flag(names.page_bytes)
    if op.over is not None:
        flags |= abi.MAP_FIXED_NOREPLACE if op.noreplace else abi.MAP_FIXED
    if op.noreserve:
        flags |= abi.MAP_NORESERVE
    if op.populate:
        flags |= abi.MAP_POPULATE
    if op.locked:
        flags |= abi.MAP_LOCKED
    return flags


def _place(proc: str, place: ops.Place, names: Names) -> int:
    return names.mapping(proc, place.map).start + place.offset(names.page_bytes)


def _touch(op: ops.Touch, names: Names) -> Call:
    address = names.mapping(op.proc, op.map).start
    if op.page:
        address += op.page * names.page_bytes
    return Call(op.proc, "touch", (address, op.access == "write"))


def _span(op: ops.Span, names: Names) -> tuple[int, int]:
    start = names.mapping(op.proc, op.map).start
    return start + op.start(names.page_bytes), op.length(names.page_bytes)


def _plain_span(op: ops.Span, names: Names) -> Call:
    """mlock, munlock: the range is all there is to say."""
    return Call(op.proc, op.op, _span(op, names))


def _munmap(op: ops.Munmap, names: Names) -> Call:
    return Call(op.proc, "munmap", _span(op, names), partial(names.unmapped, op.proc))


def _mlock2(op: ops.Mlock2, names: Names) -> Call:
    return Call(op.proc, "mlock2", (*_span(op, names), abi.MLOCK_ONFAULT if op.onfault else 0))


def _mprotect(op: ops.Mprotect, names: Names) -> Call:
    return Call(op.proc, "mprotect", (*_span(op, names), abi.PROT[op.prot]))


def _madvise(op: ops.Madvise, names: Names) -> Call:
    return Call(op.proc, "madvise", (*_span(op, names), abi.ADVICE[op.advice]))


def _mremap(op: ops.Mremap, names: Names) -> Call:
    address, length = _span(op, names)
    new_length = op.new_length(names.page_bytes)
    flags = abi.MREMAP_MAYMOVE if op.maymove else 0
    flags |= abi.MREMAP_DONTUNMAP if op.dontunmap else 0
    target = 0
    if op.over is not None or op.move_to is not None:
        flags |= abi.MREMAP_MAYMOVE | abi.MREMAP_FIXED
        target = names.free_place(op.proc, new_length) if op.over is None else _place(op.proc, op.over, names)
    return Call(op.proc, "mremap", (address, length, new_length, flags, target), _learn_mremap(op, names, address))


def _learn_mremap(op: ops.Mremap, names: Names, address: int) -> Callable[[int], None]:
    """`over` says where, `move_to` what the place is called."""
    new_length = op.new_length(names.page_bytes)
    moved = names.mapping(op.proc, op.map)._replace(extent_bytes=new_length)
    if op.over is None and op.move_to is None:
        return partial(names.resized, op.proc, op.map, address, new_length)

    def learn(start: int) -> None:
        if op.over is not None:
            names.moved_over(op.proc, op.over.map, moved, start)
        if op.move_to is not None:
            names.mapped(op.proc, op.move_to, moved, start)

    return learn


def _fork(op: ops.Fork, names: Names) -> Call:
    names.new_process(op.child)
    return Call(op.proc, "fork", (op.child,), partial(names.forked, op.proc, op.child))


def _exit(op: ops.Exit, names: Names) -> Call:
    return Call(op.proc, "exit", (), partial(names.exited, op.proc))


def _open_file(op: ops.OpenFile, names: Names) -> Call:
    names.new_file(op.file)
    if op.mount is not None:
        names.mount(op.mount)
    learn = partial(names.opened, op.file, op.mount)
    return Call(None, "open_file", (OfMount(op.mount),), learn, OfFile(op.file))


def _memfd(op: ops.Memfd, names: Names) -> Call:
    names.new_file(op.file)
    words = ("hugeresv", abi.MFD_HUGETLB | abi.huge_flag(names.page_bytes))
    return Call(None, "memfd_create", words, partial(names.opened, op.file, None), OfFile(op.file))


def _close_file(op: ops.CloseFile, names: Names) -> Call:
    names.file(op.file)
    return Call(None, "close", (OfFile(op.file),), partial(names.closed, op.file))


def _ftruncate(op: ops.Ftruncate, names: Names) -> Call:
    names.file(op.file)
    return Call(op.proc, "ftruncate", (OfFile(op.file), op.pages * names.page_bytes))


def _file_span(op: ops.FileSpan, names: Names) -> tuple[int, int]:
    names.file(op.file)
    return op.start(names.page_bytes), op.length(names.page_bytes)


def _fallocate(op: ops.Fallocate, names: Names) -> Call:
    return Call(op.proc, "fallocate", (OfFile(op.file), abi.FALLOCATE[op.mode], *_file_span(op, names)))


def _fadvise(op: ops.Fadvise, names: Names) -> Call:
    return Call(op.proc, "fadvise64", (OfFile(op.file), *_file_span(op, names), abi.POSIX_FADV_WILLNEED))


def _readahead(op: ops.Readahead, names: Names) -> Call:
    return Call(op.proc, "readahead", (OfFile(op.file), *_file_span(op, names)))


def _shmget(op: ops.Shmget, names: Names) -> Call:
    names.new_segment(op.shm)
    flags = abi.IPC_CREAT | abi.SHM_HUGETLB | abi.huge_flag(names.page_bytes) | 0o600
    flags |= abi.SHM_NORESERVE if op.noreserve else 0
    length = op.length(names.page_bytes)
    learn = partial(names.segment_made, op.shm, length)
    return Call(op.proc, "shmget", (abi.IPC_PRIVATE, length, flags), learn, OfSegment(op.shm))


def _shmat(op: ops.Shmat, names: Names) -> Call:
    length = names.segment(op.shm).size_bytes
    address = names.free_place(op.proc, length)
    learn = partial(names.mapped, op.proc, op.map, Binding(address, length, shared=True, segment=True))
    return Call(op.proc, "shmat", (OfSegment(op.shm), address, abi.SHM_RDONLY if op.readonly else 0), learn)


def _shmdt(op: ops.Shmdt, names: Names) -> Call:
    return Call(op.proc, "shmdt", (names.mapping(op.proc, op.map).start,), partial(names.unmapped, op.proc))


def _shmrm(op: ops.Shmrm, names: Names) -> Call:
    names.segment(op.shm)
    return Call(None, "shmctl", (OfSegment(op.shm), abi.IPC_RMID, 0), partial(names.segment_removed, op.shm))


def _setgid(op: ops.Setgid, _names: Names) -> Call:
    return Call(op.proc, "setresgid", (op.gid,) * 3)


def _capset(op: ops.Capset, _names: Names) -> Call:
    """None is left: what a process has to keep of them differs, and a set must not have more than it."""
    header = struct.pack("=Ii", abi.LINUX_CAPABILITY_VERSION_3, 0)
    return Call(op.proc, "capset", (header, bytes(6 * 4)))


def _memlock(op: ops.Memlock, names: Names) -> Call:
    limit = op.pages * names.page_bytes
    return Call(op.proc, "prlimit64", (0, abi.RLIMIT_MEMLOCK, struct.pack("=2Q", limit, limit), 0))


def _pool(op: ops.SetNrHugepages | ops.SetNrOvercommit, _names: Names) -> Call:
    return Call(None, op.op, (op.n,))


def _mount(op: ops.Mount, names: Names) -> Call:
    names.new_mount(op.mount)
    limits = [None if pages is None else pages * names.page_bytes for pages in (op.size_pages, op.min_size_pages)]
    learn = partial(names.mounted, op.mount, op.size_pages is not None)
    return Call(None, "mount", tuple(limits), learn, OfMount(op.mount))


def _umount(op: ops.Umount, names: Names) -> Call:
    names.mount(op.mount)
    return Call(None, "umount", (OfMount(op.mount),), partial(names.unmounted, op.mount))


def _cgroup_move(op: ops.CgroupMove, names: Names) -> Call:
    names.cgroup(op.cgroup)
    return Call(op.proc, "cgroup_move", (OfCgroup(op.cgroup),))


def _cgroup_set(op: ops.CgroupSet, names: Names) -> Call:
    names.cgroup(op.cgroup)
    return Call(None, "cgroup_set", (OfCgroup(op.cgroup), op.max_pages, op.rsvd_max_pages))


def _cgroup_rmdir(op: ops.CgroupRmdir, names: Names) -> Call:
    names.cgroup(op.cgroup)
    words = (abi.AT_FDCWD, OfCgroup(op.cgroup), abi.AT_REMOVEDIR)
    return Call(None, "unlinkat", words, partial(names.cgroup_removed, op.cgroup))


_RESOLVE: Mapping[type[ops.Operation], Callable[[Any, Names], Call]] = {
    ops.Mmap: _mmap,
    ops.Touch: _touch,
    ops.Munmap: _munmap,
    ops.Mprotect: _mprotect,
    ops.Madvise: _madvise,
    ops.Mlock: _plain_span,
    ops.Mlock2: _mlock2,
    ops.Munlock: _plain_span,
    ops.Mremap: _mremap,
    ops.Fork: _fork,
    ops.Exit: _exit,
    ops.OpenFile: _open_file,
    ops.Memfd: _memfd,
    ops.CloseFile: _close_file,
    ops.Ftruncate: _ftruncate,
    ops.Fallocate: _fallocate,
    ops.Fadvise: _fadvise,
    ops.Readahead: _readahead,
    ops.Shmget: _shmget,
    ops.Shmat: _shmat,
    ops.Shmdt: _shmdt,
    ops.Shmrm: _shmrm,
    ops.Setgid: _setgid,
    ops.Capset: _capset,
    ops.Memlock: _memlock,
    ops.SetNrHugepages: _pool,
    ops.SetNrOvercommit: _pool,
    ops.Mount: _mount,
    ops.Umount: _umount,
    ops.CgroupMove: _cgroup_move,
    ops.CgroupSet: _cgroup_set,
    ops.CgroupRmdir: _cgroup_rmdir,
}
