"""A mapping as a strip of pages: `■■■□□_□□□□`; runs as a glyph and a count where there is no room for each page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hugeresv.kernels.protocol import PageState
from hugeresv.kernels.watch import Picture, Run


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
    """A strip of at most `width` columns, if that is enough for one run and the number of pages on either side.

    Every page has its own glyph if they all fit; else long runs are a glyph and a count; else runs far from what
    changed are left out and only counted. The total is then given in brackets.
    """
    total = sum(run.pages for run in picture.runs)
    if total <= width:
        return [_full(run, picture, glyphs) for run in picture.runs]
    total_piece = Piece(f" ({total})")
    room = width - len(total_piece.text)
    pieces = _counted(picture, room, glyphs)
    if _columns(pieces) > room:
        pieces = _window(pieces, picture.runs, room, glyphs)
    return [*pieces, total_piece]


def _full(run: Run, picture: Picture, glyphs: Glyphs) -> Piece:
    return Piece(glyphs.of(run.state, shared=picture.shared) * run.pages, run.state, run.changed)


def _counted(picture: Picture, room: int, glyphs: Glyphs) -> list[Piece]:
    """The longest runs as glyph and count, as many as it takes to fit."""
    pieces = [_counted_run(run, picture, glyphs) for run in picture.runs]
    columns = _columns(pieces)
    for at in sorted(range(len(pieces)), key=lambda at: picture.runs[at].pages):
        run = picture.runs[at]
        columns += run.pages - len(pieces[at].text)
        if columns > room:
            break
        pieces[at] = _full(run, picture, glyphs)
    return pieces


def _counted_run(run: Run, picture: Picture, glyphs: Glyphs) -> Piece:
    glyph = glyphs.of(run.state, shared=picture.shared)
    counted = f"{glyph}{glyphs.times}{run.pages}"
    return Piece(counted if len(counted) < run.pages else glyph * run.pages, run.state, run.changed)


def _window(pieces: Sequence[Piece], runs: Sequence[Run], room: int, glyphs: Glyphs) -> list[Piece]:
    """The pieces around the first change, or from the start, with the number of pages before and after them."""
    first = next((at for at, run in enumerate(runs) if run.changed), 0)
    shown = range(first, first + 1)
    for wider in _widening(shown, len(pieces)):
        if _columns(_framed(pieces, runs, wider, glyphs)) > room:
            break
        shown = wider
    return _framed(pieces, runs, shown, glyphs)


def _widening(shown: range, end: int) -> Iterator[range]:
    """Ever wider ranges, by one on the right and one on the left in turn."""
    while len(shown) < end:
        if shown.stop < end:
            yield (shown := range(shown.start, shown.stop + 1))
        if shown.start:
            yield (shown := range(shown.start - 1, shown.stop))


def _framed(pieces: Sequence[Piece], runs: Sequence[Run], shown: range, glyphs: Glyphs) -> list[Piece]:
    before = sum(run.pages for run in runs[: shown.start])
    after = sum(run.pages for run in runs[shown.stop :])
    left = [Piece(f"{before}{glyphs.gap}")] if before else []
    right = [Piece(f"{glyphs.gap}{after}")] if after else []
    return [*left, *pieces[shown.start : shown.stop], *right]


def _columns(pieces: Sequence[Piece]) -> int:
    return sum(len(piece.text) for piece in pieces)
