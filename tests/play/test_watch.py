"""Looking only where a step may have changed something shows what looking everywhere does."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hugeresv.kernels.grammar import parse_behaviour
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.model.session import ModelSession
from hugeresv.kernels.protocol import PageState
from hugeresv.play import pages as pages_module
from hugeresv.play.pages import PageRange, PageRuns, Part, changes, joined
from hugeresv.play.watch import Picture, Watch
from hugeresv.scenario.scenario import Scenario
from hugeresv.scenario.scn_format import parse_scn
from hugeresv.search.fuzz.generate import Coverage, draw

STATES = st.sampled_from([PageState.HOLE, PageState.RESERVED, PageState.PRESENT])
BEHAVIOURS = ["ideal", "count-in-vma", "2008", "6.1", "6.18", "ideal,steal-at-owner-address=on"]


def as_pages(part: Part | PageRuns) -> list[Any]:
    """Page by page."""
    if isinstance(part, Part):
        return [(state, changed) for state, count, changed in part.runs for _ in range(count)]
    return [state for state, count in part for _ in range(count)]


def as_runs(states: list[PageState]) -> list[tuple[PageState, int]]:
    """A run a page: neighbours may be alike."""
    return [(state, 1) for state in states]


def look_at_both(scenario: Scenario, behaviour: str) -> Sequence[Picture]:
    """What the last step is shown with, after both ways to look were compared after every step."""
    pictures: Sequence[Picture] = ()
    with ModelKernel(parse_behaviour(behaviour)).start(
        scenario.pool, scenario.cgroups, scenario.pools or ()
    ) as session:
        assert isinstance(session, ModelSession)
        narrow, wide = Watch(session, session), Watch(session)
        for number, step in enumerate(scenario.steps, 1):
            session.apply(step.operation)
            pictures = narrow.look(step.operation)
            assert pictures == wide.look(step.operation), (number, step.operation)
    return pictures


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_what_may_have_changed_is_all_that_changed(behaviour: str) -> None:
    """Random operations. Catches: one that changes pages of a mapping that `Reach` says it leaves as they are."""
    for seed in range(60):
        look_at_both(draw(f"watch:{seed}", 60, parse_behaviour(behaviour), Coverage()).scenario, behaviour)


ELSEWHERE = {
    "the same file at another offset": "q mmap b 2 shared file=f offset=2; p touch a 3",
    "the file is truncated": "p touch a 3; q ftruncate f 2",
    "a hole is punched": "p touch a 3; q fallocate f 3 punch",
    "pages are allocated": "q fallocate f 1+2 alloc",
    "a private mapping of the file": "q mmap b 4 private file=f offset=1; q touch b 1; q fallocate f 2 punch",
    "a child loses its page": "p mmap c 2 private; p touch c 1; p fork q; set_nr_hugepages 0; p touch c 1",
    "put into another mapping": "p mmap c 4 private; p mmap m 2 shared file=f over=c@1; p touch a 1",
    "moved into another mapping": "p mmap c 4 private; p mmap m 2 private; p touch m 0; p mremap m 0+2 new=2 over=c@1",
}


@pytest.mark.parametrize("steps", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_change_in_another_mapping_is_seen(steps: str) -> None:
    """A mapping that the step does not name, which is shown where it is private. Catches: one taken for unchanged."""
    text = "\n".join(["pool 2M nr=12", "open_file f", "p mmap a 4 shared file=f", *steps.split("; ")])
    scenario = parse_scn(text, "f.scn")
    for behaviour in BEHAVIOURS:
        look_at_both(scenario, behaviour)
    with ModelKernel(parse_behaviour("6.18")).start(scenario.pool) as session:
        watch = Watch(session)
        for step in scenario.steps:
            session.apply(step.operation)
            watch.note(step.operation)
            if step is not scenario.steps[-1]:
                watch.look_around()
        changed = {(picture.proc, picture.map) for picture in watch.look_around() if picture.changed}
    last = scenario.steps[-1].operation
    assert changed - {(getattr(last, "proc", ""), getattr(last, "map", ""))}


def test_after_a_touch_a_page_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two mappings of 1,000 runs each. Catches: a look at all of either after every step."""
    looked: list[int] = []
    runs = ModelSession._runs

    def counted(self: ModelSession, proc: str, start: int, extent_bytes: int, page_bytes: int) -> Any:
        looked.append(extent_bytes >> 21)
        return runs(self, proc, start, extent_bytes, page_bytes)

    monkeypatch.setattr(ModelSession, "_runs", counted)
    touches = "\n".join(f"p touch {name} {2 * page}" for page in range(500) for name in "ab")
    scenario = parse_scn(f"pool 2M nr=3000\np mmap a 1000 private\np mmap b 1000 private\n{touches}", "f.scn")
    with ModelKernel(parse_behaviour("6.18")).start(scenario.pool) as session:
        assert isinstance(session, ModelSession)
        watch = Watch(session, session)
        for step in scenario.steps:
            session.apply(step.operation)
            watch.look(step.operation)
    assert looked == [1000, 1000] + [1] * 1000


@given(st.lists(STATES, min_size=1, max_size=30), st.data())
def test_a_part_is_put_in_its_place(before: list[PageState], data: st.DataObject) -> None:
    """Against a plain list. Catches: a run cut or joined wrongly, and a change that is not told."""
    pages = PageRuns(False, as_runs(before))
    pages.replace(0, as_runs(before))
    for _ in range(3):
        first = data.draw(st.integers(0, len(before) - 1))
        new = data.draw(st.lists(STATES, min_size=1, max_size=len(before) - first))
        after = before[:first] + new + before[first + len(new) :]
        changed = pages.replace(first, as_runs(new))
        assert as_pages(pages) == after
        assert [page for first, end in changed for page in range(first, end)] == [
            page for page in range(len(before)) if before[page] is not after[page]
        ]
        assert joined(changed) == changed
        before = after


@given(st.lists(STATES, min_size=1, max_size=40), st.lists(STATES, min_size=1, max_size=40), st.integers(1, 5))
def test_a_part_is_what_is_near_the_first_change(before: list[PageState], after: list[PageState], near: int) -> None:
    """A part of a long picture has the runs near the first change, at their places.

    Catches: runs in it that are not where they say, a mark in the wrong place, the change itself left out.
    """
    changed = changes(as_runs(before), as_runs(after))
    is_changed = [
        (before[page] if page < len(before) else PageState.HOLE) is not state for page, state in enumerate(after)
    ]
    assert _flags(changed, len(after)) == is_changed
    pages = PageRuns(False, [(state, len(list(run))) for state, run in groupby(after)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages_module, "NEAR", near)
        part = pages.part(changed)
    shown = list(zip(after, is_changed, strict=True))
    assert as_pages(part) == shown[part.before : len(after) - part.after]
    assert len(part.runs) >= min(len(list(pages)), near)
    first = changed[0][0] if changed else 0
    assert part.before <= first < len(after) - part.after


def _flags(ranges: list[PageRange], total: int) -> list[bool]:
    return [any(first <= page < end for first, end in ranges) for page in range(total)]
