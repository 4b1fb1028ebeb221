"""The table: which row answers for a state and an operation, and what becomes of the state by it.

Parts are numbered. A state is a number for each of the two processes' views, for the pages that both have, for the
files and for the counters; an operation is of one process, *this*, and the other is *other*, so that both use the same
rows. A row is found by

    the operation, the cells of this view in the operation's frame, the shared pages in it, the files if it reads them:
    these are a *place*; and the counters, by the guards that were noted when it was learned

and says what stands in the frame afterwards, which pages are shared, what the files are, how much the counters grow,
and whether the other view changes: then that is looked up by the row and the other view.

What an operation reads of counters and files is noted while it is learned. That it reads no more of views than its
frame is a claim: a row that is learned is refused where it changed anything outside, and the search steps one in a
thousand of all hits on the real machine. A frame that was refuted becomes the whole view.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from operator import add
from typing import Any, NamedTuple

import numpy as np

from hugeresv.search.explore.cells import Cells
from hugeresv.search.explore.learn import Ground, Learned
from hugeresv.search.explore.numbers import Layout, Numbers, Outgrown, Pairs
from hugeresv.search.explore.parts import Links, Parts, View
from hugeresv.search.explore.parts import turned as as_second
from hugeresv.search.explore.steps import steps_of
from hugeresv.search.explore.traced import Guard

PIECE_BITS, LINKS_BITS, FILES_BITS = 24, 14, 20
"""Of a place."""
GUARDS_BITS, ROW_BITS, NEXT_BITS = 16, 23, 24
"""Of a leaf: the guards under which its row answers, the row, and where the next leaf of its place is (0: nowhere)."""
LAYOUT = Layout(view=12, links=8, files=10, counters=14)
"""At the start; it changes when one of the numbers needs more bits."""
NOT_READY = 0
"""The row of an operation that stands for nothing in this state."""
UNKNOWN = -1

ROW_FIELDS = 6
KEEP, CELLS, LINKS, FILES, CHANGE, OTHER = range(ROW_FIELDS)
"""Of a row: the cells that stay, those that are put in, the change of shared pages, the files (UNKNOWN: the same), the
change of counters, whether the other view changes."""


class Aspect(NamedTuple):
    """A state as an operation sees it, by numbers."""

    operation: int
    this: int
    other: int
    links: int
    files: int
    counters: int


class Effect(NamedTuple):
    """What an operation makes of a state, by numbers, and what it depends on besides its place."""

    what: tuple[int, int, int, int, tuple[int, ...]] | None
    """This view's cells, the other view, the links and the files afterwards, and how much the counters grow; None: it
    stands for nothing."""
    guards: tuple[Guard, ...]
    reads_files: bool


class Refuted(Exception):  # noqa: N818  not an error: the search begins again
    """The claim of an operation's frame is wrong."""

    def __init__(self, operation: int) -> None:
        super().__init__(operation)
        self.operation = operation


class Rows:
    """All rows that were learned. What the loops need of them is in numpy arrays; -1 is what is not known yet."""

    def __init__(self, here: Ground, start: Parts, whole: Iterable[int] = ()) -> None:
        """`whole`: the operations that have no frame."""
        self.layout = LAYOUT
        self.steps = steps_of(here)
        self.frames = [None if number in set(whole) else step.frame for number, step in enumerate(self.steps)]
        self._cells = Cells(len(start.views[0]))
        self._masks = [self._cells.mask(frame) for frame in self.frames]
        self._pages = [(position, self._cells.mask([position])) for position in range(1, len(start.views[0]))]
        self.views: Numbers[int] = Numbers("views of a process", LAYOUT.view)
        self.links: Numbers[Links] = Numbers("sets of shared pages", LAYOUT.links)
        self.files: Numbers[Hashable] = Numbers("states of the files", LAYOUT.files)
        self.counters: Numbers[tuple[int, ...]] = Numbers("combinations of counters", LAYOUT.counters)
        self._pieces: Numbers[tuple[int, int]] = Numbers("pieces of views", PIECE_BITS)
        self._parts_of_links: Numbers[Links] = Numbers("parts of sets of shared pages", LINKS_BITS)
        self._links_patches: Numbers[tuple[tuple[int, ...] | None, Links]] = Numbers("changes of shared pages", 24)
        self._changes: Numbers[tuple[int, ...]] = Numbers("changes of counters", 24)
        self._guards: Numbers[tuple[Guard, ...]] = Numbers("sets of guards", GUARDS_BITS)
        self._rows: Numbers[tuple[int, ...]] = Numbers("rows", ROW_BITS)
        operations = len(self.steps)
        self._codes = list(range(operations))
        """The number of an operation in pieces; it gets another when what it depends on turns out to be more."""
        self._next_code = operations
        self._read_files = [False] * operations
        self.view_of = Pairs()
        """The view by its cells."""
        self.first_leaf = Pairs()
        """The first leaf of a place."""
        self.other_after = Pairs()
        """The other view afterwards, by `pair`."""
        self.both = np.array([len(step.moves) > 1 for step in self.steps])
        self.reads_files = np.zeros(operations, np.bool_)
        self.cells = np.zeros(1 << 8, np.int64)
        self.piece = _unknown(1 << 8, operations)
        """By view and operation."""
        self.this_able, self.other_able = (np.zeros((1 << 8, operations), np.bool_) for _ in range(2))
        """Whether a view lets its own process make an operation, and the other."""
        self.able = np.zeros((1 << 8, operations), np.int16)
        self.able_count = np.zeros(1 << 8, np.int64)
        """The same as a list: which operations a view lets its own process make, and how many."""
        self.links_piece = _unknown(1 << 4, operations)
        self.flipped = np.full(1 << 4, UNKNOWN, np.int64)
        self.links_patched = _unknown(1 << 4, 1 << 4)
        self.added = _unknown(1 << 4, 1 << 4)
        self.holds = np.zeros((1 << 4, 1 << 4), np.bool_)
        """By guards and counters."""
        self.leaves = np.full(1 << 8, UNKNOWN, np.int64)
        self._leaves = 1
        self.rows = np.zeros((1 << 8, ROW_FIELDS), np.int64)
        self._rows.number((0,) * ROW_FIELDS)
        self.link(())
        self.empty = self.view((None,) * len(start.views[0]))

    def __len__(self) -> int:
        return len(self._rows)

    # Numbers.

    def widen(self, outgrown: Outgrown) -> None:
        """More bits in a state for what has outgrown its own. UnsupportedError where there are none."""
        numbers: dict[str, Numbers[Any]] = {
            "view": self.views, "links": self.links, "files": self.files, "counters": self.counters,
        }  # fmt: skip
        part = next((name for name, each in numbers.items() if each.what == outgrown.what), None)
        used = Layout(**{name: len(each).bit_length() for name, each in numbers.items()})
        layout = None if part is None else self.layout.widened(part, used)
        if layout is None or layout.links > LINKS_BITS or layout.files > FILES_BITS:
            raise outgrown.refusal()
        self.layout = layout
        for name, each in numbers.items():
            each.bits = getattr(layout, name)

    def view(self, view: View) -> int:
        """The number of a view."""
        return self._view(self._cells.pack(view))

    def _view(self, cells: int) -> int:
        number = self.views.number(cells)
        while number >= len(self.cells):
            self.cells, self.piece, self.able = _longer(self.cells), _longer(self.piece), _longer(self.able)
            self.able_count = _longer(self.able_count, 0)
            self.this_able, self.other_able = _longer(self.this_able, False), _longer(self.other_able, False)
        if self.piece[number, 0] == UNKNOWN:
            self.cells[number] = cells
            self.piece[number] = [self._piece(operation, cells) for operation in range(len(self.steps))]
            self.view_of.put(cells, number)
        return number

    def _piece(self, operation: int, cells: int) -> int:
        return self._pieces.number((self._codes[operation], cells & self._masks[operation]))

    def link(self, links: Links) -> int:
        """The number of a set of shared pages; it and its flipped twin are known afterwards."""
        number = self.links.number(links)
        twin = self.links.number(tuple(sorted((b, a) for a, b in links)))
        while max(number, twin) >= len(self.flipped):
            self.flipped, self.links_piece = _longer(self.flipped), _longer(self.links_piece)
            self.links_patched = _wider(self.links_patched)
        self.flipped[number], self.flipped[twin] = twin, number
        for each in (number, twin):
            if self.links_piece[each, 0] == UNKNOWN:
                self.links_piece[each] = [self._links_piece(operation, each) for operation in range(len(self.steps))]
        return number

    def _links_piece(self, operation: int, links: int) -> int:
        return self._parts_of_links.number(_within(self.links.values[links], self.frames[operation]))

    def count(self, counters: tuple[int, ...]) -> int:
        """The number of a combination of counters."""
        known = len(self.counters)
        number = self.counters.number(counters)
        if number == known:
            while number >= self.added.shape[1]:
                self.added, self.holds = _wider(self.added), _wider(self.holds, False)
            for guards, each in enumerate(self._guards.values):
                self.holds[guards, number] = all(guard.holds(counters) for guard in each)
        return number

    def _guard(self, guards: tuple[Guard, ...]) -> int:
        """The number of guards, which are answered for all counters."""
        known = len(self._guards)
        number = self._guards.number(guards)
        if number == known:
            while number >= len(self.holds):
                self.holds = _longer(self.holds, False)
            for counters, values in enumerate(self.counters.values):
                self.holds[number, counters] = all(guard.holds(values) for guard in guards)
        return number

    def note_able(self, number: int, this: Iterable[bool], other: Iterable[bool]) -> None:
        """For every operation, whether a view lets it be made, as its own process's view and as the other's."""
        self.this_able[number], self.other_able[number] = [*this], [*other]
        able = np.flatnonzero(self.this_able[number])
        self.able[number, : len(able)], self.able_count[number] = able, len(able)

    # Finding a row, and what it does.

    def place(self, case: Aspect) -> int:
        """What rows are found by, but for the counters, in one number."""
        operation = case.operation
        key = int(self.piece[case.this, operation]) << LINKS_BITS | int(self.links_piece[case.links, operation])
        return key << FILES_BITS | (case.files if self._read_files[operation] else 0)

    def row(self, case: Aspect) -> int:
        """The row that answers; UNKNOWN where none was learned."""
        leaf = self._leaf(case)
        return UNKNOWN if leaf == UNKNOWN else int(split_leaf(leaf)[1])

    def _leaf(self, case: Aspect) -> int:
        leaf = self.first_leaf.known.get(self.place(case), UNKNOWN)
        while leaf != UNKNOWN:
            guards, _row, following = split_leaf(leaf)
            if self.holds[guards, case.counters]:
                break
            leaf = int(self.leaves[following])
        return leaf

    def nothing(self, case: Aspect) -> Effect:
        """The effect that is none."""
        same = int(self.cells[case.this]), case.other, case.links, case.files
        return Effect((*same, (0,) * len(self.counters.values[case.counters])), (), False)

    def mapped(self, view: int, frame: Iterable[int] | None) -> list[int]:
        """The positions of a frame where a view has a page."""
        cells = int(self.cells[view])
        return [position for position, mask in self._pages if mask & cells and (frame is None or position in frame)]

    def known(self, case: Aspect) -> int:
        """The row of a case, which is entered everywhere then; UNKNOWN: it must be learned."""
        row = self.row(case)
        if row in (NOT_READY, UNKNOWN):
            return row
        if self.rows[row, OTHER] and self.pair(row, case.other) not in self.other_after.known:
            return UNKNOWN
        self._enter(case, row)
        return row

    def after(self, case: Aspect, row: int) -> tuple[int, int, int, int, int] | None:
        """Both views, links, files and counters after a case that has this row; None: it stands for nothing."""
        if row == NOT_READY:
            return None
        keep, cells, links, files, change, changes_other = self.rows[row].tolist()
        return (
            self.views.number(int(self.cells[case.this]) & keep | cells),
            self.other_after.known[self.pair(row, case.other)] if changes_other else case.other,
            int(self.links_patched[links, case.links]),
            case.files if files == UNKNOWN else files,
            int(self.added[change, case.counters]),
        )

    def _enter(self, case: Aspect, row: int) -> None:
        """See that the arrays know what the row makes of the case's parts."""
        keep, cells, links, _files, change, _other = self.rows[row].tolist()
        self._view(int(self.cells[case.this]) & keep | cells)
        if self.links_patched[links, case.links] == UNKNOWN:
            frame, pairs = self._links_patches.values[links]
            rest = [] if frame is None else [pair for pair in self.links.values[case.links] if pair[0] not in frame]
            number = self.link(tuple(sorted((*rest, *pairs))))
            self.links_patched[links, case.links] = number
        if self.added[change, case.counters] == UNKNOWN:
            grown = zip(self.counters.values[case.counters], self._changes.values[change], strict=True)
            number = self.count(tuple(value + more for value, more in grown))
            self.added[change, case.counters] = number

    @staticmethod
    def pair(row: int, other: int) -> int:
        """What the other view afterwards is found by."""
        return other << ROW_BITS | row

    # Learning.

    def add(self, case: Aspect, learned: Learned, turned: bool) -> None:
        """Enter what was learned of a case; `turned`: in its machine this process is the second.

        Nothing is entered where the operation turns out to depend on more: the case is then still unknown.
        """
        self.enter(case, self.effect(learned, turned))

    def effect(self, learned: Learned, turned: bool) -> Effect:
        """What was learned, by numbers."""
        if learned.after is None:
            return Effect(None, learned.guards, learned.reads_files)
        now = as_second(learned.after) if turned else learned.after
        other = self.view(now.views[1]) if len(now.views) > 1 else self.empty
        what = (
            self._cells.pack(now.views[0]),
            other,
            self.link(now.links),
            self.files.number(now.files),
            learned.changes,
        )
        return Effect(what, learned.guards, learned.reads_files)

    def then(self, effect: Effect, case: Aspect) -> tuple[Effect, Aspect]:
        """The effect, followed by that of a case that is known; and the state afterwards."""
        leaf = self._leaf(case)
        guards, row, _ = split_leaf(leaf)
        assert effect.what is not None
        grown = effect.what[-1]
        asked = dict.fromkeys((*effect.guards, *(guard.shifted(grown) for guard in self._guards.values[guards])))
        reads_files = effect.reads_files or self._read_files[case.operation]
        after = self.after(case, row)
        if after is None:
            return Effect(effect.what, tuple(asked), reads_files), case
        more = self._changes.values[self.rows[row, CHANGE]]
        this, other, links, files, _counters = after
        grown = tuple(map(add, grown, more))
        what = int(self.cells[this]), other, links, files, grown
        return Effect(what, tuple(asked), reads_files), Aspect(case.operation, *after)

    def enter(self, case: Aspect, effect: Effect) -> None:
        """Enter a row. Nothing is entered where the operation turns out to depend on more."""
        operation = case.operation
        if effect.reads_files and not self._read_files[operation]:
            self._read_files[operation] = self.reads_files[operation] = True
            self._recode(operation)
            return
        row = NOT_READY
        if effect.what is not None:
            if not self._inside_frame(case, effect):
                self.forget_frame(operation)
                return
            row = self._new_row(case, effect)
        found = self.row(case)
        guards = self._guard(effect.guards)
        if found not in (UNKNOWN, row) or not self.holds[guards, case.counters]:
            raise Refuted(operation)
        if found == UNKNOWN:
            self._new_leaf(self.place(case), guards, row)
        if row != NOT_READY:
            self._enter(case, row)

    def forget_frame(self, operation: int) -> None:
        """The operation concerns the whole view from here on."""
        if self.frames[operation] is not None:
            self.frames[operation] = None
            self._recode(operation)

    def _recode(self, operation: int) -> None:
        """Nothing that was learned of the operation answers any more."""
        self._codes[operation] = self._next_code
        self._next_code += 1
        self._masks[operation] = self._cells.mask(self.frames[operation])
        for view, cells in enumerate(self.views.values):
            self.piece[view, operation] = self._piece(operation, cells)
        for links in range(len(self.links)):
            self.links_piece[links, operation] = self._links_piece(operation, links)

    def _inside_frame(self, case: Aspect, effect: Effect) -> bool:
        frame = self.frames[case.operation]
        if frame is None or effect.what is None:
            return True
        before, (after, _, links, *_rest) = int(self.cells[case.this]), effect.what
        changed = set(self.links.values[case.links]) ^ set(self.links.values[links])
        return not (before ^ after) & ~self._masks[case.operation] and all(pair[0] in frame for pair in changed)

    def _new_row(self, case: Aspect, effect: Effect) -> int:
        assert effect.what is not None
        cells, other, now, files, changes = effect.what
        operation, frame = case.operation, self.frames[case.operation]
        mask = self._masks[operation]
        links = self._links_patches.number((frame, _within(self.links.values[now], frame)))
        while links >= len(self.links_patched):
            self.links_patched = _longer(self.links_patched)
        change = self._changes.number(changes)
        while change >= len(self.added):
            self.added = _longer(self.added)
        if not self._read_files[operation]:
            files = UNKNOWN
        changes_other = other != case.other
        # A row that changes the other view is its place's own: what it makes of another view must be learned for it.
        own = (self.place(case), self._guard(effect.guards)) if changes_other else ()
        fields = ~mask & self._cells.mask(None), cells & mask, links, files, change
        row = self._rows.number((*fields, int(changes_other), *own))
        while row >= len(self.rows):
            self.rows = _longer(self.rows)
        self.rows[row] = *fields, int(changes_other)
        if changes_other:
            pair = self.pair(row, case.other)
            self.other_after.put(pair, other)
        return row

    def _new_leaf(self, place: int, guards: int, row: int) -> None:
        """Another leaf of a place, before those that it has."""
        following, before = 0, self.first_leaf.known.get(place)
        if before is not None:
            following = self._leaves
            if following >> NEXT_BITS:
                raise Outgrown("leaves", NEXT_BITS)
            while following >= len(self.leaves):
                self.leaves = _longer(self.leaves)
            self.leaves[following] = before
            self._leaves += 1
        leaf = (guards << ROW_BITS | row) << NEXT_BITS | following
        self.first_leaf.put(place, leaf)


def split_leaf(leaf: Any) -> tuple[Any, Any, Any]:
    """Guards, row and where the next leaf is, also of arrays."""
    row = leaf >> NEXT_BITS
    return row >> ROW_BITS, row & (1 << ROW_BITS) - 1, leaf & (1 << NEXT_BITS) - 1


def _within(links: Links, frame: tuple[int, ...] | None) -> Links:
    return links if frame is None else tuple(pair for pair in links if pair[0] in frame)


def _unknown(rows: int, columns: int) -> Any:
    return np.full((rows, columns), UNKNOWN, np.int32)


def _longer(array: Any, fill: Any = UNKNOWN) -> Any:
    return np.concatenate([array, np.full_like(array, fill)])


def _wider(array: Any, fill: Any = UNKNOWN) -> Any:
    return np.concatenate([array, np.full_like(array, fill)], 1)
