"""An operation on many pages is made of operations on fewer: munmap of a range of munmap of each page, exit of munmap.

So a row for many pages is put together from rows for few: with six pages it saves nearly all that would be learned.
That is a claim, and is checked: a case of at most two pages, and of the others of each operation the first thirty-two,
and then the 64th, 128th and so on, is learned from the real machine as well, and must be what its pieces make of it.
In whatever state an operation on many pages is found, the search later meets the same with all pages gone but two.
Where the claim proves wrong, the search begins again without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from hugeresv.scenario import operation as op
from hugeresv.search.explore.learn import Ground, Learned
from hugeresv.search.explore.parts import Parts
from hugeresv.search.explore.places import PLACES
from hugeresv.search.explore.rows import NOT_READY, UNKNOWN, Aspect, Effect, Refuted, Rows
from hugeresv.search.explore.steps import Moves

_LEARNED = 2
"""Pages of a case that is always learned."""
_CONFIRMED = 32
"""Cases of each operation that are confirmed one by one."""
_BY_PAGE = {"dontneed", "remove"}


class Lacking(NamedTuple):
    """A case to be learned, and the operations that lead to it first."""

    before: tuple[int, ...]
    case: Aspect


class Pieces:
    """What the operations of a bound are made of."""

    def __init__(self, here: Ground, steps: Sequence[Moves]) -> None:
        self._spans = sorted(here.cutter.spans.items(), key=lambda span: PLACES[span[0]])
        self._kinds = [_kind(here.model.moves[step.moves[0]].operation) for step in steps]
        self._of_range: dict[tuple[op.Operation, int, int], int] = {}
        for number, (kind, step) in enumerate(zip(self._kinds, steps, strict=True)):
            if isinstance(kind, op.Span):
                assert step.frame is not None
                self._of_range[kind, step.frame[1], step.frame[-1]] = number
        self._munmaps = {kind.map: kind for kind in self._kinds if isinstance(kind, op.Munmap)}

    def has(self, operation: int) -> bool:
        """Whether an operation is made of others."""
        return self._kinds[operation] is not None

    def of(self, operation: int, mapped: Sequence[int]) -> list[int]:
        """The operations that do the same where these positions of a view are mapped; none: it has no pieces."""
        kind = self._kinds[operation]
        if isinstance(kind, op.Span) and len(mapped) > 1:
            return [self._of_range[kind, mapped[0], mapped[0]], self._of_range[kind, mapped[1], mapped[-1]]]
        if isinstance(kind, op.Exit) and mapped and self._munmaps:
            return [*self._unmap(mapped), operation]
        return []

    def _unmap(self, mapped: Sequence[int]) -> Iterable[int]:
        for name, span in self._spans:
            within = [position for position in mapped if position in span]
            if within:
                yield self._of_range[self._munmaps[name], within[0], within[-1]]


def _kind(operation: op.Operation) -> op.Operation | None:
    """The operation, whatever its range; None for what is not made of others."""
    if isinstance(operation, op.Munmap) or (isinstance(operation, op.Madvise) and operation.advice in _BY_PAGE):
        return replace(operation, page=None, pages=None)
    return operation if isinstance(operation, op.Exit) else None


class JoinedRows(Rows):
    """Rows that are learned, or put together from those of their pieces."""

    def __init__(self, here: Ground, start: Parts, whole: Iterable[int] = (), *, by_page: bool = True) -> None:
        """`by_page`: whether anything is put together."""
        super().__init__(here, start, whole)
        self._here, self._start = here, start
        self.whole, self.by_page = frozenset(whole), by_page
        self._made_of = Pieces(here, self.steps)
        self._joined: list[dict[int, int]] = [{} for _ in self.steps]
        """Numbers of the places, by operation, for which rows can be put together."""

    def without(self, refuted: int) -> JoinedRows | None:
        """Empty rows that do not claim what was refuted of an operation; None: nothing was claimed of it."""
        if self.by_page and self._made_of.has(refuted):
            return JoinedRows(self._here, self._start, self.whole, by_page=False)
        if refuted in self.whole:
            return None
        return JoinedRows(self._here, self._start, self.whole | {refuted}, by_page=self.by_page)

    def lacking(self, case: Aspect) -> Lacking | None:
        """What must be learned next so that the case is known; None: it is known, perhaps only now."""
        while self.known(case) == UNKNOWN:
            mapped = self._mapped(case)
            effect = self._join(case, mapped)
            if isinstance(effect, Lacking):
                return effect
            if effect is None or len(mapped) <= _LEARNED:
                return Lacking((), case)
            places = self._joined[case.operation]
            number = places.setdefault(self.place(case), len(places) + 1)
            if number <= _CONFIRMED or not number & (number - 1):
                return Lacking((), case)
            self.enter(case, effect)
        return None

    def add(self, case: Aspect, learned: Learned, turned: bool) -> None:
        """As `Rows.add`. Refuted: the pieces do something else."""
        effect = self.effect(learned, turned)
        joined = self._join(case, self._mapped(case))
        if isinstance(joined, Lacking):
            return
        if joined is not None and joined.what != effect.what:
            raise Refuted(case.operation)
        self.enter(case, effect)

    def _mapped(self, case: Aspect) -> list[int]:
        """The positions that an operation made of others finds mapped; none for other operations."""
        if not self.by_page or not self._made_of.has(case.operation):
            return []
        return self.mapped(case.this, self.steps[case.operation].frame)

    def _join(self, case: Aspect, mapped: Sequence[int]) -> Effect | Lacking | None:
        """What the pieces of a case do one after the other, or what must be learned first; None: it has no pieces."""
        pieces = self._made_of.of(case.operation, mapped)
        if not pieces:
            return None
        now, effect = case, self.nothing(case)
        made: list[int] = []
        for piece in pieces:
            part = now._replace(operation=piece)
            lacking = self.lacking(part)
            if lacking is not None:
                return Lacking((*made, *lacking.before), lacking.case)
            if self.row(part) != NOT_READY:
                made.append(piece)
            effect, now = self.then(effect, part)
        if any(self.frames[piece] is None for piece in pieces if piece != case.operation):
            self.forget_frame(case.operation)
        return effect
