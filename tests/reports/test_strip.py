"""Strips of a mapping: whatever is left out is counted, and what is drawn can be told apart."""

import re
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hugeresv.kernels.protocol import PageState
from hugeresv.play.pages import PageRun
from hugeresv.play.watch import Picture
from hugeresv.reports.strip import ASCII, UNICODE, Glyphs, strip

LEAST_WIDTH = 30
"""Room for a total, the pages on either side and one run, each of up to five digits."""

states = st.sampled_from(PageState)
lengths = st.integers(1, 5) | st.integers(1, 90_000)


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    """A mapping of up to 99,999 pages whose neighbouring runs differ."""
    runs = [PageRun(*each) for each in draw(st.lists(st.tuples(states, lengths, st.booleans()), max_size=40))]
    alone = [next(same) for _, same in groupby(runs, key=lambda run: (run.state, run.changed))]
    while sum(run.pages for run in alone) > 99_999:
        alone.pop()
    return Picture("db", "a", draw(st.booleans()), tuple(alone))


def pages_told(text: str, glyphs: Glyphs) -> int:
    """The pages that a strip without its total stands for, those included that are only counted."""
    drawn = "".join({*glyphs.private.values(), *glyphs.shared.values()})
    one = rf"[{re.escape(drawn)}]"
    gap, times = re.escape(glyphs.gap), re.escape(glyphs.times)
    told = 0
    for before, after, counted in re.findall(rf"(\d+){gap}|{gap}(\d+)|{one}{times}(\d+)|{one}", text):
        told += int(before or after or counted or 1)
    return told


@given(pictures(), st.integers(LEAST_WIDTH, 120), st.sampled_from([UNICODE, ASCII]))
def test_every_page_is_drawn_or_counted(picture: Picture, width: int, glyphs: Glyphs) -> None:
    """Every page of a strip is drawn or counted, within the width.

    Catches: an abbreviation that lies: pages left out in silence, counted twice, or a strip that does not fit after
    all.
    """
    text = "".join(piece.text for piece in strip(picture, width, glyphs))
    total = sum(run.pages for run in picture.runs)
    assert len(text) <= width
    if total > width:
        text, told = text[:-1].split(" (")
        assert int(told) == total
    assert pages_told(text, glyphs) == total


@given(pictures(), st.integers(LEAST_WIDTH, 120))
def test_what_changed_first_is_always_shown(picture: Picture, width: int) -> None:
    """A page that the step has changed is drawn, however long the strip is.

    Catches: a touch in the middle of a large mapping, abbreviated away.
    """
    if any(run.changed for run in picture.runs):
        assert any(piece.changed for piece in strip(picture, width, UNICODE))


@pytest.mark.parametrize(
    ("runs", "width", "text"),
    [
        ([(PageState.PRESENT, 3), (PageState.RESERVED, 7)], 10, "###======="),
        ([(PageState.PRESENT, 3), (PageState.RESERVED, 2045)], 30, "### =*2045 (2048)"),
        ([(PageState.PRESENT, 5), (PageState.RESERVED, 2045)], 19, "##### =*2045 (2050)"),
        ([(PageState.PRESENT, 5), (PageState.RESERVED, 2045)], 18, "#*5 =*2045 (2050)"),
        ([(PageState.PRESENT, 3), (PageState.RESERVED, 2045)], 16, "###~2045 (2048)"),
        ([(PageState.PRESENT, 30), (PageState.HOLE, 1), (PageState.RESERVED, 40)], 22, "#*30 _ =*40 (71)"),
        ([(PageState.PRESENT, 1), (PageState.RESERVED, 1)] * 20, 16, "#=#=#=#=~32 (40)"),
        ([], 16, ""),
    ],
)
def test_few_columns_go_where_most_is_seen(runs: list[tuple[PageState, int]], width: int, text: str) -> None:
    """Where columns are few, long runs are counted and short ones drawn, and no column is left.

    Catches: short runs counted and long ones drawn; room left unused.
    """
    picture = Picture("db", "a", False, tuple(PageRun(*run, False) for run in runs))
    assert "".join(piece.text for piece in strip(picture, width, ASCII)) == text


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_states_and_kinds_can_be_told_apart(glyphs: Glyphs) -> None:
    """Every state has its glyph, and shared mappings differ from private ones.

    Catches: two states with one glyph; a shared mapping that looks like a private one.
    """
    for kind in (glyphs.private, glyphs.shared):
        assert kind.keys() == set(PageState)
        assert len(set(kind.values())) == len(PageState)
    for state in (PageState.PRESENT, PageState.RESERVED):
        assert glyphs.private[state] != glyphs.shared[state]


def test_ascii_is_ascii() -> None:
    """The ASCII glyphs are ASCII. Catches: a fallback that cannot be written either."""
    drawn = [*ASCII.private.values(), *ASCII.shared.values(), ASCII.times, ASCII.gap]
    assert "".join(drawn).isascii()
