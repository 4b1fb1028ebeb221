"""Which mappings a step is to be shown with, and what it changed in them.

A model's mapping is looked at as a whole once, and from then on only where a step may have changed it: at the pages
that the step names, in that mapping and in those that have the same pages, its relatives. On a real kernel, which is
believed nothing, everything is looked at after every step.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import NamedTuple, Protocol

from hugeresv.kernels.model.session import ModelSession
from hugeresv.kernels.protocol import MappingView
from hugeresv.play.pages import PageRange, PageRun, PageRuns, changes, joined
from hugeresv.play.reach import Name, Reach
from hugeresv.scenario.operation import Exit, Fork, Mmap, Mremap, Operation, Shmat, Shmdt, Span, Touch
from hugeresv.scenario.scenario import Together

_MOST_WATCHED = 64
"""With more mappings than this, a step is shown with those alone that it names: looking at all would cost too much."""

NAMING = (Mmap, Touch, Span, Shmat, Shmdt)
"""Operations that name a mapping of the process that makes the call."""


class Picture(NamedTuple):
    """A mapping right after a step, from its start to the end of what it ever covered.

    Of very many runs it has those around the first change, or the first ones; `before` and `after` are the pages of the
    others.
    """

    proc: str
    map: str
    shared: bool
    runs: tuple[PageRun, ...]
    before: int = 0
    after: int = 0

    @property
    def pages(self) -> int:
        """All pages."""
        within: int = sum(map(itemgetter(1), self.runs))
        return self.before + within + self.after

    @property
    def changed(self) -> bool:
        """Whether the step changed anything that had been seen before."""
        return any(map(itemgetter(2), self.runs))


class Viewer(Protocol):
    """What shows mappings: a session, or insight into one."""

    def view(self, proc: str, mapping: str) -> MappingView | None:
        """See `protocol.Session`."""
        ...


class Watch:
    """Knows the mappings of a session by the operations that it is told, and looks at them."""

    def __init__(self, viewer: Viewer, model: ModelSession | None = None) -> None:
        """Of a `model` only what may have changed is looked at, else everything."""
        self._viewer = viewer
        self._model = model
        self._reach = Reach(model.names.page_bytes) if model else None
        self._seen: dict[Name, PageRuns | None] = {}
        self._of: dict[str, list[Name]] = {}
        """The mappings of each process, as they came."""

    def note(self, operation: Operation) -> list[Name]:
        """An operation has been carried out: the mappings that it names, or that a child has of it."""
        if isinstance(operation, Together):
            return [name for step in operation.steps for name in self.note(step.operation)]
        if self._reach:
            self._reach.note(operation)
        if isinstance(operation, Exit):
            for name in self._of.pop(operation.proc, ()):
                del self._seen[name]
                if self._reach:
                    self._reach.forget(name)
        named = list(self._named(operation))
        for name in named:
            if name not in self._seen:
                self._seen[name] = None
                self._of.setdefault(name[0], []).append(name)
        return named

    def look(self, operation: Operation) -> tuple[Picture, ...]:
        """Note the operation: what it names as it is now, then what else it changed.

        Shared mappings are left out of the latter where the operation names another: what is shared changes for all.
        """
        named = self.note(operation)
        looks = [(name, self._look_at(name)) for name in named]
        if len(self._seen) <= _MOST_WATCHED:
            for name in [name for name in self._seen if name not in named]:
                changed = self._look_at(name)
                if changed and not (named and self._is_shared(name)):
                    looks.append((name, changed))
        return tuple(picture for name, changed in looks if (picture := self._picture(name, changed)))

    def look_around(self) -> tuple[Picture, ...]:
        """All mappings as they are now."""
        looks = [(name, self._look_at(name)) for name in self._seen]
        return tuple(picture for name, changed in looks if (picture := self._picture(name, changed)))

    def whole(self) -> Iterator[tuple[Name, PageRuns]]:
        """All mappings that there are now, with every run of them."""
        for name in self._seen:
            self._look_at(name)
            found = self._seen[name]
            if found is not None:
                yield name, found

    def _named(self, operation: Operation) -> Iterator[Name]:
        """The operation's own mapping, the one it makes, or those that a child gets."""
        if isinstance(operation, Fork):
            yield from [(operation.child, mapping) for _, mapping in self._of.get(operation.proc, ())]
        elif isinstance(operation, NAMING):
            yield operation.proc, operation.map
            if isinstance(operation, Mremap) and operation.move_to is not None:
                yield operation.proc, operation.move_to

    def _is_shared(self, name: Name) -> bool:
        pages = self._seen[name]
        return pages is not None and pages.shared

    def _picture(self, name: Name, changed: list[PageRange]) -> Picture | None:
        pages = self._seen[name]
        if pages is None:
            return None
        part = pages.part(changed)
        return Picture(*name, pages.shared, part.runs, part.before, part.after)

    def _look_at(self, name: Name) -> list[PageRange]:
        """See a mapping as it is now; the pages that have changed since it was seen last."""
        ranges = self._reach.since_last_look(name) if self._reach else None
        pages = self._seen[name]
        if self._model is None or ranges is None or pages is None:
            return self._look_at_all(name)
        return _look_at_parts(self._model, name, pages, ranges)

    def _look_at_all(self, name: Name) -> list[PageRange]:
        before, after = self._seen[name], self._viewer.view(*name)
        self._seen[name] = None if after is None else PageRuns(after.shared, after.runs)
        return [] if before is None or after is None else changes(before, after.runs)


def _look_at_parts(model: ModelSession, name: Name, pages: PageRuns, ranges: list[PageRange]) -> list[PageRange]:
    changed: list[PageRange] = []
    for first, end in ranges:
        if first < pages.total:
            changed += pages.replace(first, model.part(*name, first, min(end, pages.total)))
    return joined(changed)
