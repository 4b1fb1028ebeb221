"""How mappings are drawn on a screen, and the lines that explain it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from hugeresv.kernels.protocol import PageState
from hugeresv.play.watch import Picture
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
}
_SHARED = {PageState.PRESENT: "present", PageState.RESERVED: "reserved"}
_EITHER = {
    PageState.UNRESERVED: "not reserved",
    PageState.HOLE: "not mapped",
    PageState.ABSENT: "absent, reserved or not",
}
MEANINGS = _PRIVATE | _EITHER
"""What a page's state is called."""


def glyphs(screen: Screen) -> Glyphs:
    """The glyphs that the screen can show."""
    return UNICODE if screen.unicode else ASCII


class Drawing(NamedTuple):
    """A strip as it is written, how wide that is on the screen, and whether a page is not drawn by itself."""

    text: str
    columns: int
    abbreviated: bool


def draw(screen: Screen, picture: Picture, width: int) -> Drawing:
    """A mapping as a strip, coloured where there is colour; pages that changed stand out there."""
    pieces = strip(picture, width, glyphs(screen))
    has_total = bool(pieces) and pieces[-1].state is None
    return Drawing("".join([_painted(screen, piece) for piece in pieces]), columns(pieces), has_total)


def _painted(screen: Screen, piece: Piece) -> str:
    if piece.state is None or not screen.colour:
        return piece.text
    colour = _COLOURS[piece.state]
    if piece.changed:
        return screen.styled(piece.text, fg=_CHANGED.get(colour, f"bright_{colour}"), bold=True, underline=True)
    return screen.styled(piece.text, fg=colour)


class Legend:
    """Says what the signs of a report mean, each line once, and only those that are used."""

    def __init__(self, screen: Screen, states: frozenset[PageState], wrong: str) -> None:
        """Pages are in no other `states`; `wrong` is what the mark `!` says."""
        self._screen = screen
        self._states = states
        self._wrong = wrong
        self._told: set[str] = set()

    def head(self, *, private: bool, shared: bool) -> None:
        """The lines above what is drawn: of the kinds of mappings that may be in it, of counters and of marks."""
        lines = [
            *([("private", self._states_line(_PRIVATE, shared=False))] if private else []),
            *([("shared", self._states_line(_SHARED, shared=True))] if shared else []),
            *([("either", self._states_line(_EITHER, shared=False))] if private or shared else []),
            ("pool", "free: promised or not  rsvd: promised, not handed out  surp: surplus"),
            ("marks", f"* changed by the step  ! {self._wrong}"),
        ]
        new = [(name, text) for name, text in lines if name not in self._told]
        if new and self._told:
            self._screen.line()
        for name, text in new:
            self._tell(name, text)

    def abbreviations(self) -> None:
        """The line below a drawing in which pages are not drawn one by one."""
        if "strips" not in self._told:
            known = glyphs(self._screen)
            many = f"{known.of(PageState.RESERVED, shared=False)}{known.times}20"
            left_out = f"20{known.gap} {known.gap}20"
            self._screen.line()
            self._tell("strips", f"{many} twenty pages alike  {left_out} twenty left out  (40) forty in all")

    def _tell(self, name: str, text: str) -> None:
        self._told.add(name)
        self._screen.line(f"{name:<9}{text}")

    def _states_line(self, meanings: Mapping[PageState, str], *, shared: bool) -> str:
        known = glyphs(self._screen)
        return "  ".join(
            f"{self._screen.styled(known.of(state, shared=shared), fg=_COLOURS[state])} {meaning}"
            for state, meaning in meanings.items()
            if state in self._states
        )
