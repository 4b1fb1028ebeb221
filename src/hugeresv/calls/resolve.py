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
from hugeresv.calls.call import Call, OfCgroup, OfFile, OfMount, OfProcess, OfSegment
from hugeresv.calls.names import Binding, NamedMount, NamedSegment, Names
from hugeresv.errors import ScenarioError
from hugeresv.scenario import operation as ops
from hugeresv.units import format_bytes


def resolve(operation: ops.Operation, names: Names) -> Call:
    """The call that an operation is. Raises ScenarioError for a name that stands for nothing, or is taken."""
    return _RESOLVE[type(operation)](operation, names)


def _mmap(op: ops.Mmap, names: Names) -> Call:
    if op.file is not None and op.normal:
        raise ScenarioError(f"mapping {op.map!r} cannot be both ordinary memory and of file {op.file!r}")
    if op.noreplace and op.over is None:
        raise ScenarioError(
            f"mapping {op.map!r}: noreplace has an effect only with over; add over, or leave noreplace out"
        )
    page_bytes = names.size(op.page_size_kB)
    if op.file is not None:
        page_bytes = _as_its_file(f"mapping {op.map!r}", op.page_size_kB, names.file(op.file))
    length = op.length(page_bytes)
    address = names.free_place(op.proc, length) if op.over is None else _place(op.proc, op.over, names)
    shared = op.type == "shared"
    learn = partial(names.mapped, op.proc, op.map, Binding(address, length, shared, page_bytes))
    file = -1 if op.file is None else OfFile(op.file)
    prot = abi.PROT[op.prot or "rw"]
    return Call(
        op.proc, "mmap", (address, length, prot, _mmap_flags(op, page_bytes), file, op.file_offset(page_bytes)), learn
    )


def _as_its_file(what: str, page_size_kB: int | None, page_bytes: int) -> int:
    """The page size of what is in a file or on a mount, which is the one that is given, if one is."""
    if page_size_kB is not None and page_size_kB * 1024 != page_bytes:
        raise ScenarioError(
            f"{what} cannot have pages of {format_bytes(page_size_kB * 1024)}: its file or mount has pages of "
            f"{format_bytes(page_bytes)}"
        )
    return page_bytes


def _mmap_flags(op: ops.Mmap, page_bytes: int) -> int:
    flags = abi.MAP_SHARED if op.type == "shared" else abi.MAP_PRIVATE
    if op.file is None:
        flags |= abi.MAP_ANONYMOUS
        if not op.normal:
            flags |= abi.MAP_HUGETLB | abi.huge_flag(page_bytes)
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
    there = names.mapping(proc, place.map)
    return there.start + place.offset(there.page_bytes)


def _touch(op: ops.Touch, names: Names) -> Call:
    there = names.mapping(op.proc, op.map)
    address = there.start
    if op.page:
        address += op.page * there.page_bytes
    return Call(op.proc, "touch", (address, op.access == "write"))


def _span(op: ops.Span, names: Names) -> tuple[int, int]:
    there = names.mapping(op.proc, op.map)
    return there.start + op.start(there.page_bytes), op.length(there.page_bytes)


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
    new_length = op.new_length(names.mapping(op.proc, op.map).page_bytes)
    flags = abi.MREMAP_MAYMOVE if op.maymove else 0
    flags |= abi.MREMAP_DONTUNMAP if op.dontunmap else 0
    target = 0
    if op.over is not None or op.move_to is not None:
        flags |= abi.MREMAP_MAYMOVE | abi.MREMAP_FIXED
        target = names.free_place(op.proc, new_length) if op.over is None else _place(op.proc, op.over, names)
    return Call(op.proc, "mremap", (address, length, new_length, flags, target), _learn_mremap(op, names, address))


def _learn_mremap(op: ops.Mremap, names: Names, address: int) -> Callable[[int], None]:
    """`over` says where, `move_to` what the place is called."""
    there = names.mapping(op.proc, op.map)
    new_length = op.new_length(there.page_bytes)
    moved = there._replace(extent_bytes=new_length)
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
    page_bytes = names.size(op.page_size_kB)
    if op.mount is not None:
        page_bytes = _as_its_file(f"file {op.file!r}", op.page_size_kB, names.mount(op.mount).page_bytes)
    other = None if op.mount is not None or page_bytes == names.page_bytes else page_bytes
    learn = partial(names.opened, op.file, page_bytes)
    return Call(None, "open_file", (OfMount(op.mount, other),), learn, OfFile(op.file))


def _memfd(op: ops.Memfd, names: Names) -> Call:
    names.new_file(op.file)
    page_bytes = names.size(op.page_size_kB)
    words = ("hugeresv", abi.MFD_HUGETLB | abi.huge_flag(page_bytes))
    return Call(None, "memfd_create", words, partial(names.opened, op.file, page_bytes), OfFile(op.file))


def _close_file(op: ops.CloseFile, names: Names) -> Call:
    names.file(op.file)
    return Call(None, "close", (OfFile(op.file),), partial(names.closed, op.file))


def _ftruncate(op: ops.Ftruncate, names: Names) -> Call:
    return Call(op.proc, "ftruncate", (OfFile(op.file), op.pages * names.file(op.file)))


def _file_span(op: ops.FileSpan, names: Names) -> tuple[int, int]:
    page_bytes = names.file(op.file)
    return op.start(page_bytes), op.length(page_bytes)


def _fallocate(op: ops.Fallocate, names: Names) -> Call:
    return Call(op.proc, "fallocate", (OfFile(op.file), abi.FALLOCATE[op.mode], *_file_span(op, names)))


def _fadvise(op: ops.Fadvise, names: Names) -> Call:
    return Call(op.proc, "fadvise64", (OfFile(op.file), *_file_span(op, names), abi.POSIX_FADV_WILLNEED))


def _readahead(op: ops.Readahead, names: Names) -> Call:
    return Call(op.proc, "readahead", (OfFile(op.file), *_file_span(op, names)))


def _shmget(op: ops.Shmget, names: Names) -> Call:
    names.new_segment(op.shm)
    page_bytes = names.size(op.page_size_kB)
    flags = abi.IPC_CREAT | abi.SHM_HUGETLB | abi.huge_flag(page_bytes) | 0o600
    flags |= abi.SHM_NORESERVE if op.noreserve else 0
    length = op.length(page_bytes)
    learn = partial(names.segment_made, op.shm, NamedSegment(length, page_bytes))
    return Call(op.proc, "shmget", (abi.IPC_PRIVATE, length, flags), learn, OfSegment(op.shm))


def _shmat(op: ops.Shmat, names: Names) -> Call:
    length, page_bytes, _ = names.segment(op.shm)
    address = names.free_place(op.proc, length)
    binding = Binding(address, length, shared=True, page_bytes=page_bytes, segment=True)
    learn = partial(names.mapped, op.proc, op.map, binding)
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


def _set_nr_hugepages(op: ops.SetNrHugepages, names: Names) -> Call:
    size = names.size(op.page_size_kB)
    if not op.mempolicy:
        return Call(None, "set_nr_hugepages", (op.n, size, op.node))
    if op.proc is None or op.node is not None:
        raise ScenarioError("set_nr_hugepages with mempolicy needs a process, and takes no node")
    return Call(op.proc, "set_nr_hugepages_mempolicy", (op.n, size))


def _set_nr_overcommit(op: ops.SetNrOvercommit, names: Names) -> Call:
    return Call(None, "set_nr_overcommit", (op.n, names.size(op.page_size_kB)))


def _demote(op: ops.Demote, names: Names) -> Call:
    return Call(None, "demote", (op.n, names.size(op.page_size_kB), op.node))


def _set_demote_size(op: ops.SetDemoteSize, names: Names) -> Call:
    return Call(None, "set_demote_size", (op.demote_size_kB * 1024, names.size(op.page_size_kB)))


def _node_mask(nodes: tuple[int, ...] | None) -> tuple[bytes, int]:
    """A set of nodes as two words of a call."""
    for node in nodes or ():
        if node >= abi.MOST_NODES:
            raise ScenarioError(f"there is no node {node}: Linux has at most {abi.MOST_NODES} nodes")
    mask = abi.node_mask(nodes or ())
    return mask, abi.mask_bits(mask)


def _set_mempolicy(op: ops.SetMempolicy, _names: Names) -> Call:
    return Call(op.proc, "set_mempolicy", (abi.POLICY[op.mode], *_node_mask(op.nodes)))


def _mbind(op: ops.Mbind, names: Names) -> Call:
    flags = abi.MPOL_MF_STRICT if op.strict else 0
    flags |= abi.MPOL_MF_MOVE if op.move else 0
    flags |= abi.MPOL_MF_MOVE_ALL if op.move_all else 0
    return Call(op.proc, "mbind", (*_span(op, names), abi.POLICY[op.mode], *_node_mask(op.nodes), flags))


def _set_cpu(op: ops.SetCpu, _names: Names) -> Call:
    return Call(op.proc, "set_cpu", (op.node,))


def _cpuset_set(op: ops.CpusetSet, names: Names) -> Call:
    names.cgroup(op.cgroup)
    return Call(None, "cpuset_set", (OfCgroup(op.cgroup), op.mems))


def _move_pages(op: ops.MovePages, names: Names) -> Call:
    there = names.mapping(op.proc, op.map)
    address = there.start + (op.page or 0) * there.page_bytes
    return Call(op.proc, "move_pages", (address, op.node, abi.MPOL_MF_MOVE_ALL if op.all else abi.MPOL_MF_MOVE))


def _migrate_pages(op: ops.MigratePages, names: Names) -> Call:
    """The call has one number of bits for both sets."""
    if op.target != op.proc:
        names.process(op.target)
    both = _node_mask((*op.from_, *op.to))[0]
    masks = (abi.node_mask(nodes).ljust(len(both), b"\0") for nodes in (op.from_, op.to))
    return Call(op.proc, "migrate_pages", (OfProcess(op.target), abi.mask_bits(both), *masks))


def _mount(op: ops.Mount, names: Names) -> Call:
    names.new_mount(op.mount)
    size = names.size(op.page_size_kB)
    limits = [None if pages is None else pages * size for pages in (op.size_pages, op.min_size_pages)]
    learn = partial(names.mounted, op.mount, NamedMount(size, op.size_pages is not None))
    return Call(None, "mount", (*limits, size), learn, OfMount(op.mount))


def _umount(op: ops.Umount, names: Names) -> Call:
    names.mount(op.mount)
    return Call(None, "umount", (OfMount(op.mount),), partial(names.unmounted, op.mount))


def _cgroup_move(op: ops.CgroupMove, names: Names) -> Call:
    names.cgroup(op.cgroup)
    return Call(op.proc, "cgroup_move", (OfCgroup(op.cgroup),))


def _cgroup_set(op: ops.CgroupSet, names: Names) -> Call:
    names.cgroup(op.cgroup)
    return Call(None, "cgroup_set", (OfCgroup(op.cgroup), op.max_pages, op.rsvd_max_pages, names.size(op.page_size_kB)))


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
    ops.SetNrHugepages: _set_nr_hugepages,
    ops.SetNrOvercommit: _set_nr_overcommit,
    ops.Mount: _mount,
    ops.Umount: _umount,
    ops.CgroupMove: _cgroup_move,
    ops.CgroupSet: _cgroup_set,
    ops.CgroupRmdir: _cgroup_rmdir,
    ops.SetMempolicy: _set_mempolicy,
    ops.Mbind: _mbind,
    ops.SetCpu: _set_cpu,
    ops.CpusetSet: _cpuset_set,
    ops.MovePages: _move_pages,
    ops.MigratePages: _migrate_pages,
    ops.Demote: _demote,
    ops.SetDemoteSize: _set_demote_size,
}
