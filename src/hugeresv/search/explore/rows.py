"""The table: which row answers for a state and an operation, and what becomes of the state by it.

Parts are numbered. A state is a number for each of the two processes' views, for the pages that both have, for the
files and for the counters; an operation is of one process, *this*, and the other is *other*, so that both use the same
rows. A row is found by

    the operation, the cells of this view in the operation's frame, the shared pages in it, the files if it reads them,
    and the counters, by the guards that were noted when it was learned

and says what stands in the frame afterwards, which pages are shared, what the files are, how much the counters grow,
and whether the other view changes: then that is looked up by the row and the other view.

What an operation reads of counters and files is noted while it is learned. That it reads no more of views than its
frame is a claim: a row that is learned is refused where it changed anything outside, and the search steps one in a
thousand of all hits on the real machine. A frame that was refuted becomes the whole view.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import replace
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from hugeresv.errors import UnsupportedError
from hugeresv.scenario import operation as op
from hugeresv.search.explore.learn import Ground, Learned
from hugeresv.search.explore.parts import Links, Parts, View
from hugeresv.search.explore.traced import Guard

VIEW_BITS, LINKS_BITS, FILES_BITS, COUNTERS_BITS = 16, 12, 9, 10
PIECE_BITS = 20
NOT_READY = 0
"""The row of an operation that stands for nothing in this state."""
UNKNOWN = -1

T = TypeVar("T", bound=Hashable)


class Numbers(Generic[T]):
    """Values by number, and numbers by value."""

    def __init__(self, what: str, bits: int) -> None:
        """UnsupportedError when so many bits no longer hold the numbers."""
        self.values: list[T] = []
        self._numbers: dict[T, int] = {}
        self._what, self._most = what, 1 << bits

    def __len__(self) -> int:
        return len(self.values)

    def number(self, value: T) -> int:
        """The number of a value, a new one if need be."""
        number = self._numbers.setdefault(value, len(self.values))
        if number == len(self.values):
            if number == self._most:
                raise UnsupportedError(
                    f"the bound has more than {self._most} {self._what}: too many for the table; use --engine plain"
                )
            self.values.append(value)
        return number


class Aspect(NamedTuple):
    """A state as an operation sees it, by numbers."""

    operation: int
    this: int
    other: int
    links: int
    files: int
    counters: int


class Moves(NamedTuple):
    """An operation as made by each process, by the numbers of moves; one of no process is made by the first alone."""

    moves: tuple[int, ...]
    frame: tuple[int, ...] | None
    """The positions of a view that it should concern; None: all."""


class Refuted(Exception):  # noqa: N818  not an error: the search begins again
    """The claim of an operation's frame is wrong."""

    def __init__(self, operation: int) -> None:
        super().__init__(operation)
        self.operation = operation


class Rows:
    """All rows that were learned. What arrays need of them is in numpy arrays; -1 is what is not known yet."""

    def __init__(self, here: Ground, start: Parts, whole: Iterable[int] = ()) -> None:
        """`whole`: the operations that have no frame."""
        self.steps = steps_of(here)
        self.frames = [None if number in set(whole) else step.frame for number, step in enumerate(self.steps)]
        self.views: Numbers[View] = Numbers("views of a process", VIEW_BITS)
        self.links: Numbers[Links] = Numbers("sets of shared pages", LINKS_BITS)
        self.files: Numbers[Hashable] = Numbers("states of the files", FILES_BITS)
        self.counters: Numbers[tuple[int, ...]] = Numbers("combinations of counters", COUNTERS_BITS)
        self._pieces: Numbers[Hashable] = Numbers("pieces of views", PIECE_BITS)
        self._parts_of_links: Numbers[Links] = Numbers("parts of sets of shared pages", LINKS_BITS)
        self._patches: Numbers[tuple[tuple[int, ...], tuple[Any, ...]]] = Numbers("changes of views", 24)
        self._links_patches: Numbers[tuple[tuple[int, ...] | None, Links]] = Numbers("changes of shared pages", 24)
        self._changes: Numbers[tuple[int, ...]] = Numbers("changes of counters", 24)
        self._leaves: dict[tuple[int, int, int, int], list[tuple[tuple[Guard, ...], int]]] = {}
        self._rows: dict[tuple[Any, ...], int] = {}
        self.row_of: dict[int, int] = {}
        """The row by the key of a case."""
        self.other_after: dict[int, int] = {}
        """The other view afterwards, by row and view."""
        self.fresh_rows: list[tuple[int, int]] = []
        self.fresh_others: list[tuple[int, int]] = []
        """What is new in these two; whoever keeps them elsewhere takes it out."""
        operations = len(self.steps)
        self.code = np.arange(operations, dtype=np.int64)
        """The number of an operation in keys; it gets another when what it depends on turns out to be more."""
        self._codes = operations
        self.reads_files = np.zeros(operations, np.bool_)
        self.piece = _unknown(operations, 1 << 10)
        self.links_piece = _unknown(operations, 1 << 4)
        self.flipped = np.full(1 << 4, UNKNOWN, np.int64)
        self.ready_this = np.zeros((operations, 1 << 10), np.bool_)
        self.ready_other = np.zeros((operations, 1 << 10), np.bool_)
        self.patched = _unknown(1 << 4, 1 << 10)
        self.links_patched = _unknown(1 << 4, 1 << 4)
        self.added = _unknown(1 << 4, 1 << 4)
        self.patch, self.links_patch, self.files_after, self.change, self.changes_other = (
            np.zeros(1 << 10, np.int64) for _ in range(5)
        )
        self._rows[("not ready",)] = NOT_READY
        self.empty = self.view((None,) * len(start.views[0]))

    # Numbers.

    def view(self, view: View) -> int:
        """The number of a view."""
        number = self.views.number(view)
        if number >= self.piece.shape[1]:
            self.piece, self.patched = _wider(self.piece, UNKNOWN), _wider(self.patched, UNKNOWN)
            self.ready_this, self.ready_other = _wider(self.ready_this, False), _wider(self.ready_other, False)
        return number

    def link(self, links: Links) -> int:
        """The number of a set of shared pages; it and its flipped twin are known afterwards."""
        number = self.links.number(links)
        twin = self.links.number(tuple(sorted((b, a) for a, b in links)))
        while max(number, twin) >= len(self.flipped):
            self.flipped = _wider(self.flipped[None], UNKNOWN)[0]
            self.links_piece, self.links_patched = (
                _wider(self.links_piece, UNKNOWN), _wider(self.links_patched, UNKNOWN),
            )  # fmt: skip
        self.flipped[number], self.flipped[twin] = twin, number
        return number

    def count(self, counters: tuple[int, ...]) -> int:
        """The number of a combination of counters."""
        number = self.counters.number(counters)
        if number >= self.added.shape[1]:
            self.added = _wider(self.added, UNKNOWN)
        return number

    def note_ready(self, operation: int, number: int, *, this: bool, other: bool) -> None:
        """Whether a view lets an operation be made, as its own process's view and as the other's."""
        self.ready_this[operation, number], self.ready_other[operation, number] = this, other

    # Finding a row, and what it does.

    def known(self, case: Aspect) -> bool:
        """Whether the case has a row, which is entered everywhere then; False: it must be learned."""
        row = self._row(case)
        if row is None:
            return False
        if row == NOT_READY:
            return True
        if self.changes_other[row] and _pair(row, case.other) not in self.other_after:
            return False
        self._enter(case, row)
        return True

    def after(self, case: Aspect) -> tuple[int, int, int, int, int] | None:
        """Both views, links, files and counters after a case that is known; None: it stands for nothing."""
        row = self.row_of[self.key(case)]
        if row == NOT_READY:
            return None
        other = self.other_after[_pair(row, case.other)] if self.changes_other[row] else case.other
        files = int(self.files_after[row])
        return (
            int(self.patched[self.patch[row], case.this]),
            other,
            int(self.links_patched[self.links_patch[row], case.links]),
            case.files if files == UNKNOWN else files,
            int(self.added[self.change[row], case.counters]),
        )

    def key(self, case: Aspect) -> int:
        """What a row is found by, in one number."""
        number, piece, links_piece, files = self._base(case)
        key = (number << PIECE_BITS | piece) << LINKS_BITS | links_piece
        return (key << FILES_BITS | files) << COUNTERS_BITS | case.counters

    def _base(self, case: Aspect) -> tuple[int, int, int, int]:
        """All but the counters."""
        operation, frame = case.operation, self.frames[case.operation]
        piece = self.piece[operation, case.this]
        if piece == UNKNOWN:
            piece = self.piece[operation, case.this] = self._pieces.number(_cells(self.views.values[case.this], frame))
        links_piece = self.links_piece[operation, case.links]
        if links_piece == UNKNOWN:
            part = _within(self.links.values[case.links], frame)
            links_piece = self.links_piece[operation, case.links] = self._parts_of_links.number(part)
        files = case.files if self.reads_files[operation] else 0
        return int(self.code[operation]), int(piece), int(links_piece), files

    def _row(self, case: Aspect) -> int | None:
        key = self.key(case)
        row = self.row_of.get(key)
        if row is None:
            counters = self.counters.values[case.counters]
            for guards, leaf in self._leaves.get(self._base(case), ()):
                if all(guard.holds(counters) for guard in guards):
                    row = self.row_of[key] = leaf
                    self.fresh_rows.append((key, leaf))
                    break
        return row

    def _enter(self, case: Aspect, row: int) -> None:
        """See that the arrays know what the row makes of the case's parts."""
        patch, links_patch, change = int(self.patch[row]), int(self.links_patch[row]), int(self.change[row])
        if self.patched[patch, case.this] == UNKNOWN:
            positions, cells = self._patches.values[patch]
            view = list(self.views.values[case.this])
            for position, cell in zip(positions, cells, strict=True):
                view[position] = cell
            number = self.view(tuple(view))
            self.patched[patch, case.this] = number
        if self.links_patched[links_patch, case.links] == UNKNOWN:
            frame, pairs = self._links_patches.values[links_patch]
            rest = (
                () if frame is None else tuple(pair for pair in self.links.values[case.links] if pair[0] not in frame)
            )
            number = self.link(tuple(sorted((*rest, *pairs))))
            self.links_patched[links_patch, case.links] = number
        if self.added[change, case.counters] == UNKNOWN:
            grown = zip(self.counters.values[case.counters], self._changes.values[change], strict=True)
            number = self.count(tuple(value + more for value, more in grown))
            self.added[change, case.counters] = number

    # Learning.

    def add(self, case: Aspect, learned: Learned, turned: bool) -> None:
        """Enter what was learned of a case; `turned`: in its machine this process is the second.

        Nothing is entered where the operation turns out to depend on more: the case is then still unknown.
        """
        operation = case.operation
        if learned.reads_files and not self.reads_files[operation]:
            self.reads_files[operation] = True
            self._recode(operation)
            return
        base = self._base(case)
        row = NOT_READY
        if learned.after is not None:
            now = _turned(learned.after) if turned else learned.after
            if not self._inside_frame(case, now):
                self.frames[operation] = None
                self.piece[operation], self.links_piece[operation] = UNKNOWN, UNKNOWN
                self._recode(operation)
                return
            row = self._new_row(case, learned, now)
        counters = self.counters.values[case.counters]
        leaves = self._leaves.setdefault(base, [])
        found = [leaf for guards, leaf in leaves if all(guard.holds(counters) for guard in guards)]
        if (found and found != [row]) or not all(guard.holds(counters) for guard in learned.guards):
            raise Refuted(operation)
        if not found:
            leaves.append((learned.guards, row))
        if row != NOT_READY:
            self._enter(case, row)

    def _recode(self, operation: int) -> None:
        self.code[operation] = self._codes
        self._codes += 1

    def _inside_frame(self, case: Aspect, now: Parts) -> bool:
        frame = self.frames[case.operation]
        if frame is None:
            return True
        before, after = self.views.values[case.this], now.views[0]
        links = set(self.links.values[case.links]) ^ set(now.links)
        inside = set(frame)
        return all(before[i] == after[i] or i in inside for i in range(len(before))) and all(
            pair[0] in inside for pair in links
        )

    def _new_row(self, case: Aspect, learned: Learned, now: Parts) -> int:
        operation, frame = case.operation, self.frames[case.operation]
        positions = frame if frame is not None else tuple(range(len(now.views[0])))
        patch = self._patches.number((positions, _cells(now.views[0], frame)))
        while patch >= len(self.patched):
            self.patched = _longer(self.patched, UNKNOWN)
        links_patch = self._links_patches.number((frame, _within(now.links, frame)))
        while links_patch >= len(self.links_patched):
            self.links_patched = _longer(self.links_patched, UNKNOWN)
        change = self._changes.number(learned.changes)
        while change >= len(self.added):
            self.added = _longer(self.added, UNKNOWN)
        files = self.files.number(now.files) if self.reads_files[operation] else UNKNOWN
        other = self.view(now.views[1]) if len(now.views) > 1 else self.empty
        changes_other = other != case.other
        base = self._base(case)
        # A row that changes the other view is its case's own: what it makes of another view must be learned for it.
        identity = (base, learned.guards) if changes_other else ()
        told = (patch, links_patch, files, change, changes_other, identity)
        row = self._rows.setdefault(told, len(self._rows))
        while row >= len(self.patch):
            self.patch, self.links_patch, self.files_after, self.change, self.changes_other = (
                np.concatenate([each, np.zeros_like(each)])
                for each in (self.patch, self.links_patch, self.files_after, self.change, self.changes_other)
            )
        self.patch[row], self.links_patch[row], self.files_after[row] = patch, links_patch, files
        self.change[row], self.changes_other[row] = change, changes_other
        if changes_other:
            self.other_after[_pair(row, case.other)] = other
            self.fresh_others.append((_pair(row, case.other), other))
        return row


def _pair(row: int, other: int) -> int:
    return row << VIEW_BITS | other


def _cells(view: View, frame: tuple[int, ...] | None) -> View:
    return view if frame is None else tuple(view[position] for position in frame)


def _within(links: Links, frame: tuple[int, ...] | None) -> Links:
    return links if frame is None else tuple(pair for pair in links if pair[0] in frame)


def _turned(parts: Parts) -> Parts:
    """As the second process sees it."""
    return parts._replace(views=parts.views[::-1], links=tuple(sorted((b, a) for a, b in parts.links)))


def steps_of(here: Ground) -> list[Moves]:
    """The operations of a bound, those of the second process with the same ones of the first."""
    first, *rest = here.model.bound.names
    moves = here.model.moves
    numbers = {move.operation: number for number, move in enumerate(moves)}
    steps = []
    for number, move in enumerate(moves):
        if move.call.task not in (None, first):
            continue
        of_process = not isinstance(move.operation, op.FileSpan | op.Ftruncate) and move.call.task is not None
        twins = (numbers[_renamed(move.operation, {first: name, name: first})] for name in rest if of_process)
        steps.append(Moves((number, *twins), _frame(here, move.operation)))
    return steps


def _renamed(operation: op.Operation, names: dict[str, str]) -> op.Operation:
    """The same operation with other processes."""
    changed = {name: names.get(getattr(operation, name)) for name in ("proc", "child") if hasattr(operation, name)}
    return replace(operation, **{name: value for name, value in changed.items() if value is not None})


def _frame(here: Ground, operation: op.Operation) -> tuple[int, ...] | None:
    """The pages that an operation names: it should concern no others of the same process."""
    position = here.cutter.position
    match operation:
        case op.Touch():
            return 0, position(operation.map, operation.page or 0)
        case op.Mremap():
            return None
        case op.Span():
            assert operation.pages is not None
            first = position(operation.map, operation.page or 0)
            return 0, *range(first, first + operation.pages)
        case op.Mmap():
            return 0, *here.cutter.spans[operation.map]
        case op.Fallocate() | op.Ftruncate() | op.SetNrHugepages():
            return ()
    return None


def _unknown(rows: int, columns: int) -> Any:
    return np.full((rows, columns), UNKNOWN, np.int32)


def _wider(array: Any, fill: Any) -> Any:
    return np.concatenate([array, np.full_like(array, fill)], 1)


def _longer(array: Any, fill: Any) -> Any:
    return np.concatenate([array, np.full_like(array, fill)])
