"""Seeing every use of what a lock protects: classes of the model that tell of it, put in the place of the plain ones.

The plain model pays nothing: objects change their class while they are watched, and back. What comes into being
meanwhile is its task's own until the next look, and is not watched.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hugeresv.model.address_space import AddressSpace
from hugeresv.model.hstate import HState
from hugeresv.model.hugetlb_cgroup import CgroupCounters
from hugeresv.model.i_mmap import IMmap
from hugeresv.model.inode import Inode
from hugeresv.model.machine import Machine
from hugeresv.model.page_table import PageTable
from hugeresv.model.process import Process
from hugeresv.model.region_map import RegionMap
from hugeresv.model.subpool import Subpool

Use = Callable[[object, str, str, bool], None]
"""Told the object that has the lock, the class and the field, and whether it is written; before it happens."""

_use: Use | None = None
_owners: dict[int, object] = {}
"""Of things that are part of another one, the one that has their lock."""


def _told(thing: object, cls: str, field: str, *, written: bool) -> None:
    if _use is not None:
        _use(_owners.get(id(thing), thing), cls, field, written)


def _watching(cls: type, *fields: str, writers: tuple[str, ...] = (), walks: tuple[str, ...] = ()) -> type:
    """The class with these fields as properties that tell of every use.

    `writers`: methods that change what a field holds, and read the field to do so. `walks`: those that look through it
    without its lock; whoever acts on what they find looks again.
    """

    def field_of(name: str) -> property:
        slot = getattr(cls, name)

        def read(thing: object) -> Any:
            by = sys._getframe(1).f_code.co_name if writers else ""  # noqa: SLF001  the method that reads it
            if by not in walks:
                _told(thing, cls.__name__, name, written=by in writers)
            return slot.__get__(thing)

        def write(thing: object, value: object) -> None:
            _told(thing, cls.__name__, name, written=True)
            slot.__set__(thing, value)

        return property(read, write)

    return type(cls.__name__, (cls,), {"__slots__": (), **{name: field_of(name) for name in fields}})


def _telling(cls: type, field: str, reads: tuple[str, ...], writes: tuple[str, ...], owner: str = "") -> type:
    """The class with methods that tell of every use of what it holds, which is a field of a class `owner`."""

    def method_of(name: str) -> Callable[..., Any]:
        plain, written = getattr(cls, name), name in writes

        def method(thing: object, *args: Any) -> Any:
            _told(thing, owner or cls.__name__, field, written=written)
            return plain(thing, *args)

        return method

    return type(cls.__name__, (cls,), {"__slots__": (), **{name: method_of(name) for name in (*reads, *writes)}})


_COUNTERS = ("nr_huge_pages", "free_huge_pages", "resv_huge_pages", "surplus_huge_pages", "nr_overcommit_huge_pages")
_WATCHED: dict[type, type] = {
    HState: _watching(HState, *_COUNTERS),
    Subpool: _watching(Subpool, "used_hpages", "rsv_hpages"),
    Inode: _telling(_watching(Inode, "i_size", "page_cache"), "page_cache", (), ("_store", "_erase")),
    IMmap: _telling(IMmap, "i_mmap", ("overlapping", "__bool__"), ("insert", "remove"), owner="Inode"),
    AddressSpace: _telling(_watching(AddressSpace, "vmas"), "vmas", (), ("insert", "remove")),
    CgroupCounters: _watching(CgroupCounters, "usage", "rsvd"),
    Process: _watching(Process, "cgroup"),
    RegionMap: _telling(RegionMap, "regions", ("chg", "count", "__contains__"), ("add", "delete")),
    PageTable: _watching(
        PageTable, "tables", writers=("set", "clear", "move", "replace", "copy_entry"), walks=("items",)
    ),
}
_PLAIN = {watched: plain for plain, watched in _WATCHED.items()}


@contextmanager
def watching(machine: Machine, use: Use) -> Iterator[dict[int, str]]:
    """While it lasts, every use of what the machine has now is told. Gives the names of the things, by their id."""
    global _use  # noqa: PLW0603  one task runs at a time, in one machine
    things: list[Any] = []
    names: dict[int, str] = {}
    for thing, owner, name in _things(machine):
        if id(thing) not in names:
            names[id(thing)] = names.setdefault(id(owner), name)
            if owner is not thing:
                _owners[id(thing)] = owner
            if type(thing) in _WATCHED:
                things.append(thing)
    for thing in things:
        thing.__class__ = _WATCHED[type(thing)]
    _use = use
    try:
        yield names
    finally:
        _use = None
        _owners.clear()
        for thing in things:
            thing.__class__ = _PLAIN[type(thing)]


def _things(machine: Machine) -> Iterator[tuple[object, object, str]]:
    """What is watched, who has its lock, and how that is called: in an order that depends on names alone."""
    for hstate in machine.hstates:
        yield hstate, hstate, "the pool" if hstate is machine.hstate else f"the pool of {hstate.page_bytes >> 10} kB"
    for key, mount in machine.mounts.items():
        if mount.subpool is not None:
            yield mount.subpool, mount.subpool, f"mount {key}"
    for key, inode in (*machine.files.items(), *machine.segments.items()):
        yield from _of_inode(inode, f"file {key}")
    for key, cgroup in machine.cgroups.items():
        yield from ((counters, cgroup, f"cgroup {key}") for counters in cgroup.counters.values())
    for key, process in machine.processes.items():
        if machine.cgroups:
            yield process, process, f"the task of {key}"
        yield process.mm, process.mm, f"process {key}"
        for table in process.mm.page_tables.values():
            yield table, table, f"the page table of {key}"
        for number, vma in enumerate(process.mm.vmas, 1):
            if vma.inode is not None:
                yield from _of_inode(vma.inode, f"the file of mapping {number} of {key}")
            if vma.resv_map is not None:
                yield vma.resv_map.regions, vma.resv_map, f"the map of mapping {number} of {key}"


def _of_inode(inode: Inode, name: str) -> Iterator[tuple[object, object, str]]:
    yield inode, inode, name
    yield inode.i_mmap, inode, name
    yield inode.resv_map.regions, inode.resv_map, f"the map of {name}"
    if inode.subpool is not None:
        yield inode.subpool, inode.subpool, f"the mount of {name}"
