"""Which call an operation of a process is, and what its names stand for afterwards. Pure: nothing is called here."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from hugeresv.errors import ScenarioError, UnsupportedError
from hugeresv.kernels.host import abi
from hugeresv.kernels.host.names import Binding, Names, Segment
from hugeresv.kernels.host.wire import FILE
from hugeresv.scenario import operation as ops

_PROT: Mapping[ops.Prot, int] = {"none": abi.PROT_NONE, "r": abi.PROT_READ, "rw": abi.PROT_READ | abi.PROT_WRITE}
_SHARING: Mapping[ops.Sharing, int] = {"private": abi.MAP_PRIVATE, "shared": abi.MAP_SHARED}
_ADVICE: Mapping[ops.Advice, int] = {
    "normal": 0,
    "willneed": 3,
    "dontneed": 4,
    "free": 8,
    "remove": 9,
    "dontfork": 10,
    "dofork": 11,
    "cold": 20,
    "pageout": 21,
    "populate_read": 22,
    "populate_write": 23,
    "dontneed_locked": 24,
}
_FALLOCATE: Mapping[ops.FallocateMode, int] = {
    "alloc": 0,
    "alloc_keep_size": abi.FALLOC_FL_KEEP_SIZE,
    "punch": abi.FALLOC_FL_KEEP_SIZE | abi.FALLOC_FL_PUNCH_HOLE,
}

_LARGEST_OFFSET = (1 << 63) - 1


def _nothing_to_learn(_value: int) -> None:
    return


class Call(NamedTuple):
    """A call of `worker.CALLS` by a process; `learn` is to be told the value that it returned."""

    proc: str
    name: str
    arguments: tuple[Any, ...]
    file: str | None = None
    learn: Callable[[int], None] = _nothing_to_learn


def call_of(operation: ops.Operation, names: Names, page_bytes: int) -> Call:
    """The call that an operation of a process is. Raises ScenarioError for a name that stands for nothing."""
    return _CALL_OF[type(operation)](operation, names, page_bytes)


def _mmap(op: ops.Mmap, names: Names, page_bytes: int) -> Call:
    if op.file is not None and op.normal:
        raise ScenarioError(f"mapping {op.map!r} cannot be both ordinary memory and of file {op.file!r}")
    flags = _SHARING[op.type]
    flags |= abi.MAP_NORESERVE if op.noreserve else 0
    flags |= abi.MAP_POPULATE if op.populate else 0
    flags |= abi.MAP_LOCKED if op.locked else 0
    flags |= abi.MAP_ANONYMOUS if op.file is None else 0
    flags |= abi.MAP_HUGETLB | abi.huge_flag(page_bytes) if op.file is None and not op.normal else 0
    flags |= abi.MAP_FIXED if op.over is not None else 0
    address = names.free_place() if op.over is None else _place(op.proc, op.over, names, page_bytes)
    length = op.length(page_bytes)

    def learn(start: int) -> None:
        names.take_place(start, length)
        names.bind(op.proc, op.map, Binding(start, length, op.type == "shared"))

    file = None if op.file is None else names.file(op.file).path
    descriptor = -1 if file is None else FILE
    prot = _PROT[op.prot or "rw"]
    return Call(op.proc, "mmap", (address, length, prot, flags, descriptor, op.file_offset(page_bytes)), file, learn)


def _place(proc: str, place: ops.Place, names: Names, page_bytes: int) -> int:
    return names.mapping(proc, place.map).start + place.offset(page_bytes)


def _touch(op: ops.Touch, names: Names, page_bytes: int) -> Call:
    address = names.mapping(op.proc, op.map).start + (op.page or 0) * page_bytes
    return Call(op.proc, "touch", (address, op.access == "write"))


def _span(op: ops.Span, names: Names, page_bytes: int) -> tuple[int, int]:
    return names.mapping(op.proc, op.map).start + op.start(page_bytes), op.length(page_bytes)


def _plain_span(op: ops.Span, names: Names, page_bytes: int) -> Call:
    """munmap, mlock, munlock: the range is all there is to say."""
    return Call(op.proc, op.op, _span(op, names, page_bytes))


def _mprotect(op: ops.Mprotect, names: Names, page_bytes: int) -> Call:
    return Call(op.proc, "mprotect", (*_span(op, names, page_bytes), _PROT[op.prot]))


def _madvise(op: ops.Madvise, names: Names, page_bytes: int) -> Call:
    return Call(op.proc, "madvise", (*_span(op, names, page_bytes), _ADVICE[op.advice]))


def _mremap(op: ops.Mremap, names: Names, page_bytes: int) -> Call:
    if op.move_to is not None and op.over is not None:
        raise ScenarioError(f"mremap of {op.map!r} cannot go both to a free place and over {op.over.map!r}")
    old = names.mapping(op.proc, op.map)
    address, length = _span(op, names, page_bytes)
    new_length = op.new_length(page_bytes)
    flags = abi.MREMAP_MAYMOVE if op.maymove else 0
    flags |= abi.MREMAP_DONTUNMAP if op.dontunmap else 0
    new_address = 0
    if op.move_to is not None:
        flags |= abi.MREMAP_MAYMOVE | abi.MREMAP_FIXED
        new_address = names.free_place()
    elif op.over is not None:
        flags |= abi.MREMAP_MAYMOVE | abi.MREMAP_FIXED
        new_address = _place(op.proc, op.over, names, page_bytes)

    def learn(start: int) -> None:
        if op.move_to is not None:
            names.take_place(start, new_length)
            names.bind(op.proc, op.move_to, Binding(start, new_length, old.shared))
        elif op.over is not None:
            names.mapping(op.proc, op.over.map).reaches(start + new_length)
        elif start == address:
            old.reaches(start + new_length)

    return Call(op.proc, "mremap", (address, length, new_length, flags, new_address), None, learn)


def _ftruncate(op: ops.Ftruncate, names: Names, page_bytes: int) -> Call:
    return Call(op.proc, "ftruncate", (FILE, op.pages * page_bytes), names.file(op.file).path)


def _fallocate(op: ops.Fallocate, names: Names, page_bytes: int) -> Call:
    start, length = op.start(page_bytes), op.length(page_bytes)
    if op.mode != "punch" and _LARGEST_OFFSET - page_bytes < start + length - 1 < _LARGEST_OFFSET:
        raise UnsupportedError(
            "fallocate: the last page of this range ends behind the largest file offset, where this kernel takes every "
            "page there is and never gives them back (docs/findings.md)"
        )
    return Call(op.proc, "fallocate", (FILE, _FALLOCATE[op.mode], start, length), names.file(op.file).path)


def _fadvise(op: ops.Fadvise, names: Names, page_bytes: int) -> Call:
    arguments = FILE, op.start(page_bytes), op.length(page_bytes), abi.POSIX_FADV_WILLNEED
    return Call(op.proc, "fadvise", arguments, names.file(op.file).path)


def _readahead(op: ops.Readahead, names: Names, page_bytes: int) -> Call:
    return Call(op.proc, "readahead", (FILE, op.start(page_bytes), op.length(page_bytes)), names.file(op.file).path)


def _shmget(op: ops.Shmget, names: Names, page_bytes: int) -> Call:
    known = names.segments.get(op.shm)
    if known is not None and not known.removed:
        raise ScenarioError(f"there is a segment {op.shm!r} already")
    flags = abi.IPC_CREAT | abi.SHM_HUGETLB | abi.huge_flag(page_bytes) | 0o600
    flags |= abi.SHM_NORESERVE if op.noreserve else 0
    length = op.length(page_bytes)

    def learn(identifier: int) -> None:
        names.segments[op.shm] = Segment(identifier, length)

    return Call(op.proc, "shmget", (abi.IPC_PRIVATE, length, flags), None, learn)


def _shmat(op: ops.Shmat, names: Names, _page_bytes: int) -> Call:
    segment = names.segment(op.shm)

    def learn(start: int) -> None:
        names.take_place(start, segment.size_bytes)
        names.bind(op.proc, op.map, Binding(start, segment.size_bytes, shared=True))

    return Call(op.proc, "shmat", (segment.id, names.free_place(), abi.SHM_RDONLY if op.readonly else 0), None, learn)


def _shmdt(op: ops.Shmdt, names: Names, _page_bytes: int) -> Call:
    return Call(op.proc, "shmdt", (names.mapping(op.proc, op.map).start,))


def _cgroup_move(op: ops.CgroupMove, names: Names, _page_bytes: int) -> Call:
    """The process moves itself: 0 is the writer."""
    return Call(op.proc, "write", (f"{names.cgroup(op.cgroup)}/cgroup.procs", "0"))


_CALL_OF: Mapping[type[ops.Operation], Callable[[Any, Names, int], Call]] = {
    ops.Mmap: _mmap,
    ops.Touch: _touch,
    ops.Munmap: _plain_span,
    ops.Mprotect: _mprotect,
    ops.Madvise: _madvise,
    ops.Mlock: _plain_span,
    ops.Munlock: _plain_span,
    ops.Mremap: _mremap,
    ops.Ftruncate: _ftruncate,
    ops.Fallocate: _fallocate,
    ops.Fadvise: _fadvise,
    ops.Readahead: _readahead,
    ops.Shmget: _shmget,
    ops.Shmat: _shmat,
    ops.Shmdt: _shmdt,
    ops.CgroupMove: _cgroup_move,
}
