"""Which mappings a step is to be shown with, and what it changed in them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from typing import NamedTuple, Protocol

from hugeresv.kernels.protocol import MappingView, PageState
from hugeresv.scenario.operation import Exit, Fork, Mmap, Mremap, Operation, Shmat, Shmdt, Span, Touch

_MOST_WATCHED = 64
"""With more mappings than this, a step is shown with those alone that it names: looking at all would cost too much."""

NAMING = (Mmap, Touch, Span, Shmat, Shmdt)
"""Operations that name a mapping of the process that makes the call."""

Name = tuple[str, str]
"""A process and a mapping."""

Stretch = tuple[PageState, int]


class Run(NamedTuple):
    """Neighbouring pages of a mapping that are alike."""

    state: PageState
    pages: int
    changed: bool
    """Whether the step changed their state; False also for a mapping that was not seen before."""


class Picture(NamedTuple):
    """A mapping right after a step, from its start to the end of what it ever covered."""

    proc: str
    map: str
    shared: bool
    runs: tuple[Run, ...]


class Viewer(Protocol):
    """What shows mappings: a session, or insight into one."""

    def view(self, proc: str, mapping: str) -> MappingView | None:
        """See `protocol.Session`."""
        ...


class Watch:
    """Knows the mappings of a session by the operations that it is told, and looks at them."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._seen: dict[Name, MappingView | None] = {}

    def note(self, operation: Operation) -> list[Name]:
        """An operation has been carried out: the mappings that it names, or that a child has of it."""
        if isinstance(operation, Exit):
            self._seen = {name: view for name, view in self._seen.items() if name[0] != operation.proc}
        named = list(self._named(operation))
        for name in named:
            self._seen.setdefault(name, None)
        return named

    def look(self, operation: Operation) -> tuple[Picture, ...]:
        """Note the operation: what it names as it is now, then what else it changed.

        Shared mappings are left out of the latter where the operation names another: what is shared changes for all.
        """
        named = self.note(operation)
        pictures = [picture for name in named if (picture := self._look_at(name))]
        if len(self._seen) <= _MOST_WATCHED:
            for name in [name for name in self._seen if name not in named]:
                picture = self._look_at(name)
                if picture and any(run.changed for run in picture.runs) and not (picture.shared and named):
                    pictures.append(picture)
        return tuple(pictures)

    def look_around(self) -> tuple[Picture, ...]:
        """All mappings as they are now."""
        return tuple(picture for name in self._seen if (picture := self._look_at(name)))

    def _named(self, operation: Operation) -> Iterator[Name]:
        """The operation's own mapping, the one it makes, or those that a child gets."""
        if isinstance(operation, Fork):
            yield from [(operation.child, mapping) for proc, mapping in self._seen if proc == operation.proc]
        elif isinstance(operation, NAMING):
            yield operation.proc, operation.map
            if isinstance(operation, Mremap) and operation.move_to is not None:
                yield operation.proc, operation.move_to

    def _look_at(self, name: Name) -> Picture | None:
        before, after = self._seen[name], self._viewer.view(*name)
        self._seen[name] = after
        if after is None:
            return None
        return Picture(*name, after.shared, tuple(_compare(before.runs if before else after.runs, after.runs)))


def _compare(before: Iterable[Stretch], after: Iterable[Stretch]) -> Iterator[Run]:
    """`after`, with what changed since `before`; beyond its end `before` was a hole."""
    for (state, changed), pieces in groupby(_pieces(before, after), key=lambda piece: (piece.state, piece.changed)):
        yield Run(state, sum(piece.pages for piece in pieces), changed)


def _pieces(before: Iterable[Stretch], after: Iterable[Stretch]) -> Iterator[Run]:
    """`after`, cut wherever `before` changes its state."""
    old = chain(before, [(PageState.HOLE, sys.maxsize)])
    old_state, old_left = next(old)
    for state, pages in after:
        left = pages
        while left:
            length = min(left, old_left)
            yield Run(state, length, state is not old_state)
            left -= length
            old_left -= length
            if not old_left:
                old_state, old_left = next(old)
