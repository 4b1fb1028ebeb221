"""A mapping as a strip of pages: `■■■□□_□□□□`; runs as a glyph and a count where there is no room for each page."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from hugeresv.kernels.protocol import PageState

if TYPE_CHECKING:
    from hugeresv.play.pages import Run
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
        return (self.shared if shared else self.private)[state]


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
    return [*(pieces or _window(picture, room, glyphs)), total_piece]


def _each_page(picture: Picture, run: Run, glyphs: Glyphs) -> Piece:
    return Piece(glyphs.of(run.state, shared=picture.shared) * run.pages, run.state, run.changed)


def _counted(picture: Picture, run: Run, glyphs: Glyphs) -> Piece:
    """A glyph and the number of pages, where that is shorter."""
    counted = f"{glyphs.of(run.state, shared=picture.shared)}{glyphs.times}{run.pages}"
    return Piece(counted, run.state, run.changed) if len(counted) < run.pages else _each_page(picture, run, glyphs)


def _all_runs(picture: Picture, room: int, glyphs: Glyphs) -> list[Piece] | None:
    """As many of the shortest runs page by page as fit, the others counted; None if not even that fits."""
    pieces = [_counted(picture, run, glyphs) for run in picture.runs]
    width = _width_apart(pieces, glyphs)
    if width > room:
        return None
    for at, run in sorted(enumerate(picture.runs), key=lambda item: item[1].pages):
        around = slice(max(at - 1, 0), at + 2)
        before, counted = _width_apart(pieces[around], glyphs), pieces[at]
        pieces[at] = _each_page(picture, run, glyphs)
        width += _width_apart(pieces[around], glyphs) - before
        if width > room:
            pieces[at] = counted
            break
    return _apart(pieces, glyphs)


def _window(picture: Picture, room: int, glyphs: Glyphs) -> list[Piece]:
    """The runs around the first change, or from the start, with the number of pages before and after them."""
    runs = picture.runs
    first = next((at for at, run in enumerate(runs) if run.changed), 0)
    before = picture.before + sum(run.pages for run in runs[:first])
    after = picture.pages - before - runs[first].pages
    shown = deque([_counted(picture, runs[first], glyphs)])
    width = len(shown[0].text)
    for start, stop, is_right in _widening(first, first + 1, len(runs)):
        run = runs[stop - 1 if is_right else start]
        piece = _counted(picture, run, glyphs)
        wider = (
            width + _width_apart([shown[-1 if is_right else 0], piece], glyphs) - len(shown[-1 if is_right else 0].text)
        )
        left, right = (before, after - run.pages) if is_right else (before - run.pages, after)
        if wider + _label_width(left, glyphs) + _label_width(right, glyphs) > room:
            break
        width, before, after = wider, left, right
        if is_right:
            shown.append(piece)
        else:
            shown.appendleft(piece)
    return [
        *([Piece(f"{before}{glyphs.gap}")] if before else []),
        *_apart(shown, glyphs),
        *([Piece(f"{glyphs.gap}{after}")] if after else []),
    ]


def _label_width(pages: int, glyphs: Glyphs) -> int:
    """Columns of the number of pages that are left out on one side."""
    return len(f"{pages}{glyphs.gap}") if pages else 0


def _widening(start: int, stop: int, end: int) -> Iterator[tuple[int, int, bool]]:
    """Ever wider ranges, by one on the right and one on the left in turn, each with whether it grew on the right."""
    while start > 0 or stop < end:
        if stop < end:
            stop += 1
            yield start, stop, True
        if start > 0:
            start -= 1
            yield start, stop, False


def _apart(pieces: Iterable[Piece], glyphs: Glyphs) -> list[Piece]:
    """The pieces, with a blank on either side of a counted run."""
    apart: list[Piece] = []
    for piece in pieces:
        if apart and glyphs.times in apart[-1].text + piece.text:
            apart.append(Piece(" "))
        apart.append(piece)
    return apart


def _width_apart(pieces: Iterable[Piece], glyphs: Glyphs) -> int:
    return columns(_apart(pieces, glyphs))


def columns(pieces: Iterable[Piece]) -> int:
    """How wide they are together."""
    return sum(len(piece.text) for piece in pieces)
