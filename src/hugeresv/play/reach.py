"""Which pages of which mappings operations may have changed: what need not be looked at again.

Mappings that have pages in common are relatives: of one file or segment, or a parent's and its child's. What an
operation does to a page of one it may do to the same page of the others, and to nothing else. That holds for the
operations listed here, on mappings that lie where they were made. After any other, anything may be different, and a
mapping that another was put into, or that was moved, is no longer known at all.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hugeresv.model.machine import Machine
from hugeresv.play.pages import PageRange
from hugeresv.scenario import operation as op
from hugeresv.scenario.scenario import Together

Name = tuple[str, str]
"""A process and a mapping."""

_NO_PAGES = (
    op.Exit, op.OpenFile, op.Memfd, op.CloseFile, op.Fadvise, op.Readahead, op.Shmget, op.Shmrm, op.Mount, op.Umount,
    op.SetNrHugepages, op.SetNrOvercommit, op.CgroupMove, op.CgroupSet, op.CgroupRmdir,
)  # fmt: skip
"""Operations that leave the pages of every mapping that is still there as they are."""

ALL_PAGES = (0, sys.maxsize)
_MOST_RANGES = 64
"""After more than this a mapping is looked at as a whole."""

Family = tuple[str, str] | int
"""A kind of thing and its name, or the number of an anonymous mapping."""


class _Place(NamedTuple):
    """What a mapping is of, and which page of that its first page is."""

    family: Family
    first: int


class _Looked(NamedTuple):
    """When a mapping was last looked at: how many operations had been noted that may change anything, or its family."""

    anything: int
    family: int


class Reach:
    """Learns the operations of a session in order, and says of a mapping what they may have changed."""

    def __init__(self, page_bytes: int) -> None:
        self._page_bytes = page_bytes
        self._places: dict[Name, _Place | None] = {}
        self._of: dict[str, dict[str, None]] = {}
        self._looked: dict[Name, _Looked] = {}
        self._changed: dict[Family, list[PageRange]] = {}
        self._anything = 0

    def note(self, operation: op.Operation) -> None:
        """An operation has been carried out, or has failed."""
        match operation:
            case op.Touch():
                page = operation.page or 0
                self._change(operation.proc, operation.map, (page, page + 1))
            case op.Munmap() | op.Mprotect() | op.Madvise() | op.Mlock() | op.Mlock2() | op.Munlock():
                self._change(operation.proc, operation.map, self._pages(operation))
            case op.Fallocate():
                self._change_family(("file", operation.file), self._pages(operation))
            case op.Ftruncate():
                self._change_family(("file", operation.file), (operation.pages, sys.maxsize))
            case op.Shmdt():
                self._change(operation.proc, operation.map, ALL_PAGES)
            case op.Mmap() | op.Mremap() | op.Shmat() | op.Fork():
                self._place(operation)
            case _ if not isinstance(operation, _NO_PAGES):
                self._anything += 1

    def since_last_look(self, name: Name) -> list[PageRange] | None:
        """The pages of a mapping that may have changed since this was asked last; None: any, or it was never asked."""
        place, last = self._places.get(name), self._looked.get(name)
        changed = self._changed.setdefault(place.family, []) if place else []
        self._looked[name] = _Looked(self._anything, len(changed))
        if place is None or last is None or last.anything != self._anything:
            return None
        ranges = changed[last.family :]
        if len(ranges) > _MOST_RANGES:
            return None
        return [(max(first - place.first, 0), end - place.first) for first, end in ranges if end > place.first]

    def forget(self, name: Name) -> None:
        """There is no such mapping any more."""
        self._places.pop(name, None)
        self._looked.pop(name, None)
        self._of.get(name[0], {}).pop(name[1], None)

    def _place(self, operation: op.Mmap | op.Mremap | op.Shmat | op.Fork) -> None:
        """Mappings come to be, or go elsewhere."""
        match operation:
            case op.Mmap(over=None, offset_bytes=None, file=None):
                self._made(operation, len(self._changed), 0)
            case op.Mmap(over=None, offset_bytes=None):
                self._made(operation, ("file", str(operation.file)), operation.offset or 0)
            case op.Shmat():
                self._made(operation, ("segment", operation.shm), 0)
            case op.Fork():
                for mapping in self._of.get(operation.proc, ()):
                    self._put((operation.child, mapping), self._places[operation.proc, mapping])
            case _:
                self._tangled(operation)

    def _made(self, operation: op.Mmap | op.Shmat, family: Family, first: int) -> None:
        """A mapping is made, unless that fails: so a name that was there before may stand for either."""
        name = operation.proc, operation.map
        if name in self._places:
            self._unknown(name)
        else:
            self._put(name, _Place(family, first))
            self._change_family(family, ALL_PAGES)

    def _tangled(self, operation: op.Mmap | op.Mremap) -> None:
        self._unknown((operation.proc, operation.map))
        if operation.over is not None:
            self._unknown((operation.proc, operation.over.map))
        if isinstance(operation, op.Mremap) and operation.move_to is not None:
            self._unknown((operation.proc, operation.move_to))

    def _put(self, name: Name, place: _Place | None) -> None:
        self._places[name] = place
        self._of.setdefault(name[0], {})[name[1]] = None

    def _unknown(self, name: Name) -> None:
        self._put(name, None)
        self._anything += 1

    def _change(self, proc: str, mapping: str, pages: PageRange) -> None:
        place = self._places.get((proc, mapping))
        if place is None:
            self._anything += 1
        else:
            self._change_family(place.family, (pages[0] + place.first, pages[1] + place.first))

    def _change_family(self, family: Family, pages: PageRange) -> None:
        self._changed.setdefault(family, []).append(pages)

    def _pages(self, span: op.Span | op.Fallocate) -> PageRange:
        """What a range of bytes touches, whole pages."""
        first = span.start(self._page_bytes)
        end = first + span.length(self._page_bytes)
        return first // self._page_bytes, -(-end // self._page_bytes)


class Families(Reach):
    """Says after each operation which families it may have changed: their pages, who has them, what they are called."""

    def __init__(self, page_bytes: int) -> None:
        super().__init__(page_bytes)
        self._touched: dict[Family, list[PageRange]] = {}
        self._members: dict[Family, dict[Name, None]] = {}
        self.is_tangled = False
        """Whether a mapping was put into another, or moved."""

    def touched(self, operation: op.Operation) -> dict[Family, list[PageRange]] | None:
        """Note an operation. The pages that it may have changed, by family; None: anything may be different.

        `ALL_PAGES` among them: the family may have come to be, or may have other members.
        """
        before, self._touched = self._anything, {}
        if isinstance(operation, Together):
            for step in operation.steps:
                self._note(step.operation)
            return None
        self._note(operation)
        return None if self.is_tangled or self._anything != before else self._touched

    def members(self, family: Family) -> Iterable[Name]:
        """The mappings of a family, as they came; of some there may be nothing left."""
        return self._members.get(family, ())

    def places(self, family: Family) -> Iterator[tuple[Name, int]]:
        """The same, each with the index in the family of its first page."""
        for name in self.members(family):
            place = self._places[name]
            assert place is not None
            yield name, place.first

    def all(self, machine: Machine) -> Iterable[Family]:
        """Every family that has a mapping, and those of files and segments."""
        files = [("file", str(key)) for key in machine.files]
        segments = [("segment", str(key)) for key in machine.segments]
        return dict.fromkeys([*self._members, *files, *segments])

    def _note(self, operation: op.Operation) -> None:
        match operation:
            case op.Exit() | op.Fork():
                for mapping in self._of.get(operation.proc, ()):
                    place = self._places[operation.proc, mapping]
                    if place is not None:
                        self._touched[place.family] = [ALL_PAGES]
            case op.OpenFile() | op.Memfd() | op.CloseFile():
                self._touched["file", operation.file] = [ALL_PAGES]
            case op.Shmget() | op.Shmrm():
                self._touched["segment", operation.shm] = [ALL_PAGES]
        self.note(operation)
        if isinstance(operation, op.Exit):
            for mapping in list(self._of.get(operation.proc, ())):
                self.forget((operation.proc, mapping))

    def forget(self, name: Name) -> None:
        """There is no such mapping any more."""
        place = self._places.get(name)
        if place is not None:
            del self._members[place.family][name]
        super().forget(name)

    def _put(self, name: Name, place: _Place | None) -> None:
        super()._put(name, place)
        if place is None:
            self.is_tangled = True
        else:
            self._members.setdefault(place.family, {})[name] = None

    def _change_family(self, family: Family, pages: PageRange) -> None:
        super()._change_family(family, pages)
        self._touched.setdefault(family, []).append(pages)
