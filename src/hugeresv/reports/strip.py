"""A mapping as a strip of pages: `■■■□□_□□□□`; runs as a glyph and a count where there is no room for each page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from hugeresv.kernels.protocol import PageState

if TYPE_CHECKING:
    from hugeresv.play.pages import PageRun
    from hugeresv.play.watch import Picture


@dataclass(frozen=True, slots=True)
class Glyphs:
    """What a page is drawn as, and what abbreviates."""

    private: dict[PageState, str]
    shared: dict[PageState, str]
    times: str
    gap: str

    def of(self, state: PageState, *, shared: bool) -> str:
        """One page."""
        return self.shared[state] if shared else self.private[state]


_ALIKE = {PageState.CONSUMED: "x", PageState.HOLE: "_", PageState.ABSENT: "?"}

UNICODE = Glyphs(
    private={PageState.PRESENT: "■", PageState.RESERVED: "□", PageState.UNRESERVED: "·", **_ALIKE},
    shared={PageState.PRESENT: "●", PageState.RESERVED: "○", PageState.UNRESERVED: "·", **_ALIKE},
    times="\N{MULTIPLICATION SIGN}",
    gap="…",
)
ASCII = Glyphs(
    private={PageState.PRESENT: "#", PageState.RESERVED: "=", PageState.UNRESERVED: ".", **_ALIKE},
    shared={PageState.PRESENT: "@", PageState.RESERVED: "o", PageState.UNRESERVED: ".", **_ALIKE},
    times="*",
    gap="~",
)


class Piece(NamedTuple):
    """A part of a strip. `state` is None for what stands for pages that are left out, and for the total."""

    text: str
    state: PageState | None = None
    changed: bool = False


def strip(picture: Picture, width: int, glyphs: Glyphs) -> list[Piece]:
    """A strip of `width` columns or less, if that is enough for one run and the number of pages on either side.

    Every page has its own glyph if they all fit; else long runs are a glyph and a count; else runs far from what
    changed are left out and only counted. The total is then given in brackets.
    """
    total = picture.pages
    if total <= width:
        return [_each_page(picture, run, glyphs) for run in picture.runs]
    total_piece = Piece(f" ({total})")
    room = width - len(total_piece.text)
    is_whole = not picture.before and not picture.after
    pieces = _all_runs(picture, room, glyphs) if is_whole and len(picture.runs) <= room else None
    return [*(pieces or _window(picture, total, room, glyphs)), total_piece]


def _each_page(picture: Picture, run: PageRun, glyphs: Glyphs) -> Piece:
    return Piece(glyphs.of(run.state, shared=picture.shared) * run.pages, run.state, run.changed)


def _counted(picture: Picture, run: PageRun, glyphs: Glyphs) -> Piece:
    """A glyph and the number of pages, where that is shorter."""
    if not _columns_counted(run)[1]:
        return _each_page(picture, run, glyphs)
    return Piece(f"{glyphs.of(run.state, shared=picture.shared)}{glyphs.times}{run.pages}", run.state, run.changed)


def _all_counted(picture: Picture, runs: Iterable[PageRun], glyphs: Glyphs) -> list[Piece]:
    page = glyphs.shared if picture.shared else glyphs.private
    return [
        Piece(page[run.state], run.state, run.changed) if run.pages == 1 else _counted(picture, run, glyphs)
        for run in runs
    ]


def _columns_counted(run: PageRun) -> tuple[int, bool]:
    """The columns of a run, and whether it is counted."""
    pages = run.pages
    if pages < len("#*10"):
        return pages, False
    counted = len(f"#*{pages}")
    return (counted, True) if counted < pages else (pages, False)


def _all_runs(picture: Picture, room: int, glyphs: Glyphs) -> list[Piece] | None:
    """As many of the shortest runs page by page as fit, the others counted; None if not even that fits."""
    pieces = _all_counted(picture, picture.runs, glyphs)
    width = _columns_apart(pieces, glyphs)
    if width > room:
        return None
    for at, run in sorted(enumerate(picture.runs), key=lambda item: item[1].pages):
        around = slice(max(at - 1, 0), at + 2)
        before, counted = _columns_apart(pieces[around], glyphs), pieces[at]
        pieces[at] = _each_page(picture, run, glyphs)
        width += _columns_apart(pieces[around], glyphs) - before
        if width > room:
            pieces[at] = counted
            break
    return _apart(pieces, glyphs)


def _window(picture: Picture, total: int, room: int, glyphs: Glyphs) -> list[Piece]:
    """The runs around the first change, or from the start, with the number of pages before and after them.

    They grow by one on the right and one on the left in turn, for as long as there is room.
    """
    runs = picture.runs
    changed = list(map(itemgetter(2), runs))
    start = changed.index(True) if True in changed else 0
    stop = start + 1
    before = picture.before + sum(map(itemgetter(1), runs[:start]))
    after = total - before - runs[start].pages
    width, left_counted = _columns_counted(runs[start])
    right_counted = left_counted
    left_out = _columns_left_out(before) + _columns_left_out(after)
    """No less than the numbers of pages that are left out take, which get shorter."""
    to_the_right = True
    while start > 0 or stop < len(runs):
        to_the_right = stop < len(runs) and (to_the_right or not start)
        run = runs[stop if to_the_right else start - 1]
        wider, counted = _columns_counted(run)
        width += wider + (counted or (right_counted if to_the_right else left_counted))
        left, right = (before, after - run.pages) if to_the_right else (before - run.pages, after)
        if width + left_out > room:
            left_out = _columns_left_out(left) + _columns_left_out(right)
            if width + left_out > room:
                break
        before, after = left, right
        if to_the_right:
            stop, right_counted = stop + 1, counted
        else:
            start, left_counted = start - 1, counted
        to_the_right = not to_the_right
    return [
        *([Piece(f"{before}{glyphs.gap}")] if before else []),
        *_apart(_all_counted(picture, runs[start:stop], glyphs), glyphs),
        *([Piece(f"{glyphs.gap}{after}")] if after else []),
    ]


def _columns_left_out(pages: int) -> int:
    """Columns of the number of pages that are left out on one side."""
    return len(f"{pages}~") if pages else 0


def _apart(pieces: Iterable[Piece], glyphs: Glyphs) -> list[Piece]:
    """The pieces, with a blank on either side of a counted run."""
    apart: list[Piece] = []
    for piece in pieces:
        if apart and glyphs.times in apart[-1].text + piece.text:
            apart.append(Piece(" "))
        apart.append(piece)
    return apart


def _columns_apart(pieces: Iterable[Piece], glyphs: Glyphs) -> int:
    return columns(_apart(pieces, glyphs))


def columns(pieces: Iterable[Piece]) -> int:
    """How wide they are together."""
    return sum(len(piece.text) for piece in pieces)
