"""What there is to see of a model: after a step only that is described again which the step may have changed.

Mappings of one file or segment, and those of a parent and its child, are a family (`reach`). Of a family that a step
touches the pages that it names are looked at again, or all of it where it may have other members. After an operation of
whose changes are not known beforehand, and with mappings that were put into others, everything is.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from operator import itemgetter
from typing import Any, NamedTuple

from hugeresv.answer import Answer
from hugeresv.kernels.model.session import ModelSession
from hugeresv.ledger.census import mapping_promises
from hugeresv.ledger.promise import FilePromise
from hugeresv.model.inode import Inode
from hugeresv.play.change import Change, difference, flat, replaced
from hugeresv.play.insight import Insight
from hugeresv.play.moment import (
    Moment,
    NamedMappings,
    Thing,
    described_file,
    files,
    label_of,
    named_inodes,
    numbers,
    processes,
    seen_inside,
)
from hugeresv.play.pages import PageRange, PageRuns, joined
from hugeresv.play.reach import ALL_PAGES, Families, Family, Name
from hugeresv.scenario.operation import Operation, Span, Touch


class _Known(NamedTuple):
    """What was last described of a family: every thing, and its mappings and files."""

    things: dict[Thing, None]
    mappings: NamedMappings
    files: list[tuple[str, Inode]]


class Scene:
    """Takes the operations of a session in order, and says what has become of what there is to see."""

    def __init__(self, session: ModelSession, insight: Insight) -> None:
        self._session = session
        self._insight = insight
        self._families = Families(session.names.page_bytes)
        self._now: Moment = {}
        self._counted: list[Thing] = []
        self._processes: list[Thing] = []
        self._known: dict[Family, _Known] = {}
        self._changes: list[Change] = []

    def after(self, operation: Operation, answer: Answer) -> list[Change]:
        """What is different from the moment before."""
        touched = self._families.touched(operation)
        if touched is None or len(self._session.machine.hstates) > 1:
            return self.everything(answer)
        self._changes = []
        self._counted = self._become(self._counted, numbers(answer, self._session.machine))
        if not isinstance(operation, Touch | Span):
            self._processes = self._become(self._processes, processes(self._session.machine))
        for family, ranges in touched.items():
            known = self._known.get(family)
            if known is None or ALL_PAGES in ranges or not self._parts(family, known, joined(ranges)):
                self._become(known.things if known else (), self._described(family))
        return self._changes

    def everything(self, answer: Answer) -> list[Change]:
        """The same, whatever was done."""
        self._changes = []
        machine, names = self._session.machine, self._session.names
        found = seen_inside(answer, self._insight, names)
        found |= self._pages((proc, each) for proc, mappings in names.processes.items() for each in mappings)
        self._become(list(self._now), found)
        self._counted, self._processes = list(numbers(answer, machine)), list(processes(machine))
        self._known.clear()
        if not self._families.is_tangled:
            for family in self._families.all(machine):
                self._described(family)
        return self._changes

    def _described(self, family: Family) -> Moment:
        """Everything that there is of a family, which is known from then on."""
        machine, names = self._session.machine, self._session.names
        place = {proc: number for number, proc in enumerate(names.processes)}
        here = [each for each in self._families.members(family) if each[0] in place]
        members = sorted(here, key=lambda name: place[name[0]])
        mappings = NamedMappings(machine, names, named_inodes(machine, family))
        named = list(mappings.labels)
        found: Moment = dict(mappings.these(members))
        inodes = list(dict.fromkeys([*named, *mappings.users]))
        found.update(files(machine, inodes, mappings))
        shown = [(label, inode) for inode in inodes if ("file", label := mappings.labels[inode]) in found]
        for name in members:
            _promise(found, label_of(name), self._promised(mappings, name))
        for label, inode in shown:
            _promise(found, label, FilePromise(label, inode).pages)
        found |= self._pages(members)
        self._known[family] = _Known(dict.fromkeys(found), mappings, shown)
        return found

    def _parts(self, family: Family, known: _Known, ranges: list[PageRange]) -> bool:
        """Describe what is in the ranges; False: that is not enough."""
        for name, moved in self._families.places(family):
            pages = self._now.get(("pages", *name))
            if pages is None:
                continue
            before = len(self._changes)
            here = [(max(first - moved, 0), min(end - moved, pages.total)) for first, end in ranges]
            for first, end in [each for each in here if each[0] < each[1]]:
                if not self._part(name, known.mappings, pages, first, end):
                    return False
            if len(self._changes) > before:
                self._say_or_not(("promise", label_of(name), ""), self._promised(known.mappings, name), known)
        for label, inode in known.files:
            self._file_parts(label, inode, known, ranges)
        return True

    def _part(self, name: Name, mappings: NamedMappings, pages: PageRuns, first: int, end: int) -> bool:
        """Pages [first, end) of a mapping; False: its VMAs are cut otherwise than before."""
        stretches = self._session.part(*name, first, end)
        if [*pages.within(first, end)] != [*stretches]:
            at, removed, runs = pages.put(first, end, stretches)
            self._changes.append((("pages", *name), 2 * at, 2 * removed, flat((run.state, run.pages) for run in runs)))
        start, vmas = mappings.vmas(name, first, end)
        assert vmas is not None
        thing = "mapping", *name
        before: list[dict[str, Any]] = self._now[thing]
        left = bisect_right(before, first, key=itemgetter("to"))
        right = bisect_left(before, end, left, key=itemgetter("from"))
        scale = mappings.scale(start, vmas)
        now = [mappings.vma(vma, scale) for vma in vmas]
        if now != before[left:right]:
            if [(vma["from"], vma["to"]) for vma in now] != [(vma["from"], vma["to"]) for vma in before[left:right]]:
                return False
            self._say(thing, [*before[:left], *now, *before[right:]])
        for kind, ranges in mappings.ranges(start, vmas, first, end):
            self._put((kind, *name), first, end, ranges)
        return True

    def _file_parts(self, label: str, inode: Inode, known: _Known, ranges: list[PageRange]) -> None:
        before, old = len(self._changes), self._now["file", label]
        self._say(("file", label), described_file(inode, old["mount"], old["users"]))
        for first, end in ranges:
            self._put(("cached", label), first, end, [(each, each + 1) for each in inode.cached_in(first, end)])
            reserved = inode.resv_map.regions.runs(first, end)
            self._put(("reserved", label), first, end, [(f, t) for f, t, inside in reserved if inside])
        if len(self._changes) > before:
            self._say_or_not(("promise", label, ""), FilePromise(label, inode).pages, known)

    def _promised(self, mappings: NamedMappings, name: Name) -> int:
        """What is promised to a mapping."""
        vmas = mappings.vmas(name)[1] or ()
        return sum(promise.pages for promise in mapping_promises((name[0], vma) for vma in vmas))

    def _pages(self, names: Iterable[Name]) -> Moment:
        views = ((name, self._session.view(*name)) for name in names)
        return {("pages", *name): PageRuns(view.shared, view.runs) for name, view in views if view is not None}

    def _become(self, before: Iterable[Thing], found: Moment) -> list[Thing]:
        """Of these things only those are left that were found; they, in order."""
        for thing in before:
            if thing not in found and self._now.pop(thing, None) is not None:
                self._changes.append((thing,))
        for thing, value in found.items():
            self._say(thing, value)
        return list(found)

    def _say(self, thing: Thing, value: Any) -> None:
        """A thing is there, with a value that it may have had before."""
        before = self._now.get(thing)
        self._now[thing] = value
        if thing[0] == "pages":
            before, value = None if before is None else flat(before), flat(value)
        if before != value:
            self._changes.append((thing, *difference(before, value)))

    def _say_or_not(self, thing: Thing, pages: int, known: _Known) -> None:
        """A promise, which is there if it is not empty."""
        if pages:
            self._say(thing, pages)
            known.things[thing] = None
        elif self._now.pop(thing, None) is not None:
            self._changes.append((thing,))

    def _put(self, thing: Thing, first: int, end: int, ranges: Iterable[PageRange]) -> None:
        """Of a list of edges what is in [first, end)."""
        edges: list[int] = self._now[thing]
        at, removed, inserted = replaced(edges, first, end, ranges)
        if edges[at : at + removed] != inserted:
            self._now[thing] = [*edges[:at], *inserted, *edges[at + removed :]]
            self._changes.append((thing, at, removed, inserted))


def _promise(found: Moment, holder: str, pages: int) -> None:
    if pages:
        found["promise", holder, ""] = pages
