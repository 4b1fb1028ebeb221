"""How mappings are drawn on a screen, and the lines that explain it."""

from __future__ import annotations

from typing import NamedTuple

from hugeresv.kernels.protocol import PageState
from hugeresv.kernels.watch import Picture
from hugeresv.reports.screen import Screen
from hugeresv.reports.strip import ASCII, UNICODE, Glyphs, Piece, columns, strip

_COLOURS = {
    PageState.PRESENT: "green",
    PageState.RESERVED: "yellow",
    PageState.CONSUMED: "red",
    PageState.ABSENT: "magenta",
    PageState.UNRESERVED: "bright_black",
    PageState.HOLE: "bright_black",
}
_CHANGED = {"bright_black": "bright_white"}

SEEN_ON_A_MODEL = frozenset(PageState) - {PageState.ABSENT}
SEEN_ON_A_REAL_KERNEL = frozenset({PageState.PRESENT, PageState.ABSENT, PageState.HOLE})
"""What a page can be there: a real kernel does not say which of the pages that are absent are reserved."""

_PRIVATE = {
    PageState.PRESENT: "present",
    PageState.RESERVED: "reserved",
    PageState.CONSUMED: "reservation used, page gone",
    PageState.UNRESERVED: "not reserved",
}
_SHARED = {
    PageState.PRESENT: "present",
    PageState.RESERVED: "reserved",
    PageState.HOLE: "not mapped",
    PageState.ABSENT: "absent, reserved or not",
}


def glyphs(screen: Screen) -> Glyphs:
    """The glyphs that the screen can show."""
    return UNICODE if screen.unicode else ASCII


class Drawing(NamedTuple):
    """A strip as it is written, and how wide that is on the screen."""

    text: str
    columns: int


def draw(screen: Screen, picture: Picture, width: int) -> Drawing:
    """A mapping as a strip, coloured where there is colour; pages that changed stand out there."""
    pieces = strip(picture, width, glyphs(screen))
    return Drawing("".join(_painted(screen, piece) for piece in pieces), columns(pieces))


def _painted(screen: Screen, piece: Piece) -> str:
    if piece.state is None:
        return piece.text
    colour = _COLOURS[piece.state]
    if piece.changed:
        return screen.styled(piece.text, fg=_CHANGED.get(colour, f"bright_{colour}"), bold=True, underline=True)
    return screen.styled(piece.text, fg=colour)


def legend(screen: Screen, states: frozenset[PageState]) -> None:
    """What strips mean, where pages are in no other `states`, and counters and marks."""
    known = glyphs(screen)
    for name, entries in (("private", _PRIVATE), ("shared", _SHARED)):
        shown = [
            f"{screen.styled(known.of(state, shared=name == 'shared'), fg=_COLOURS[state])} {meaning}"
            for state, meaning in entries.items()
            if state in states
        ]
        screen.line(f"{name:<9}{'  '.join(shown)}")
    screen.line("pool     free: promised or not  rsvd: promised, not handed out  surp: surplus")
    many = f"{known.of(PageState.RESERVED, shared=False)}{known.times}20"
    screen.line(f"{'marks':<9}* changed by the step  ! wrong, as said below  {many} twenty pages alike")
