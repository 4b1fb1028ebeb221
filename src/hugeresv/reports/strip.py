"""A mapping as a strip of pages: `■■■□□_□□□□`; runs as a glyph and a count where there is no room for each page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

from hugeresv.kernels.protocol import PageState

if TYPE_CHECKING:
    from hugeresv.play.watch import Picture, Run


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
    total = sum(run.pages for run in picture.runs)
    if total <= width:
        return [_each_page(picture, run, glyphs) for run in picture.runs]
    total_piece = Piece(f" ({total})")
    room = width - len(total_piece.text)
    pieces = _all_runs(picture, room, glyphs) if len(picture.runs) <= room else None
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
    fitting = None
    for at, run in sorted(enumerate(picture.runs), key=lambda item: item[1].pages):
        apart = _apart(pieces, glyphs)
        if columns(apart) > room:
            break
        fitting = apart
        pieces[at] = _each_page(picture, run, glyphs)
    return fitting


def _window(picture: Picture, room: int, glyphs: Glyphs) -> list[Piece]:
    """The runs around the first change, or from the start, with the number of pages before and after them."""
    runs = picture.runs
    starts = [0, *accumulate(run.pages for run in runs)]

    def framed(start: int, stop: int) -> list[Piece]:
        before, after = starts[start], starts[-1] - starts[stop]
        left = [Piece(f"{before}{glyphs.gap}")] if before else []
        right = [Piece(f"{glyphs.gap}{after}")] if after else []
        shown = [_counted(picture, run, glyphs) for run in runs[start:stop]]
        return [*left, *_apart(shown, glyphs), *right]

    first = next((at for at, run in enumerate(runs) if run.changed), 0)
    shown = framed(first, first + 1)
    for start, stop in _widening(first, first + 1, len(runs)):
        wider = framed(start, stop)
        if columns(wider) > room:
            break
        shown = wider
    return shown


def _widening(start: int, stop: int, end: int) -> Iterator[tuple[int, int]]:
    """Ever wider ranges, by one on the right and one on the left in turn."""
    while start > 0 or stop < end:
        if stop < end:
            stop += 1
            yield start, stop
        if start > 0:
            start -= 1
            yield start, stop


def _apart(pieces: Sequence[Piece], glyphs: Glyphs) -> list[Piece]:
    """The pieces, with a blank on either side of a counted run."""
    apart = list(pieces[:1])
    for before, piece in pairwise(pieces):
        if glyphs.times in before.text + piece.text:
            apart.append(Piece(" "))
        apart.append(piece)
    return apart


def columns(pieces: Sequence[Piece]) -> int:
    """How wide they are together."""
    return sum(len(piece.text) for piece in pieces)
