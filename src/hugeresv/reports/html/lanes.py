"""`interleave` as a page: of each block the order that is wrong, drawn as lanes.

A lane is a task, time goes down, a bar is a lock while it is held, and the counters stand at the right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hugeresv.plain import count_of
from hugeresv.reports.html.page import page
from hugeresv.reports.spelling import spell
from hugeresv.scenario.scenario import Together
from hugeresv.search.interleave.interleave import OrderEnding, Orders
from hugeresv.search.interleave.story import Turn, as_scenario, crossing, explanation, turns

TONES = 6
"""Colours for locks; where there are more, the first come again."""


class Bar(NamedTuple):
    """A lock of a task in one turn; `begins` where it was not held in the turn before."""

    lock: str
    tone: int
    begins: bool


class LaneCell(NamedTuple):
    """A task in one turn: its locks, each at its place (None: not held), and what it does if the turn is its own."""

    bars: tuple[Bar | None, ...]
    lock: str
    calls: tuple[str, ...]
    acts: bool
    """Whether it acts by what it knew before others came in between."""
    waits: bool


class LaneRow(NamedTuple):
    """A turn: what each task has and does, and the counters with whether they have changed."""

    number: int
    cells: tuple[LaneCell, ...]
    counters: tuple[tuple[int, bool], ...]
    preempts: bool
    switched: bool


class DrawnBlock(NamedTuple):
    """A block of concurrent calls: the verdict and, where an order is wrong, its picture."""

    title: str
    intro: str | None
    calls: Sequence[str]
    tasks: Sequence[str]
    verdict: str
    wrong: Sequence[str]
    told: str | None
    again: str | None
    before: tuple[int, int, int, int]
    rows: Sequence[LaneRow]
    endings: Sequence[tuple[OrderEnding, int]]


class LanesPage:
    """Gathers blocks; `text` is the page."""

    def __init__(self, kernel: str) -> None:
        self._kernel = kernel
        self._blocks: list[DrawnBlock] = []
        self._wrong = 0

    def block(self, file: str, found: Orders) -> None:
        """Add one."""
        self._wrong += found.finding is not None
        self._blocks.append(_drawn(f"{file}, step {found.number}, on {self._kernel}", found))

    @property
    def is_empty(self) -> bool:
        """Whether nothing could be tried."""
        return not self._blocks

    @property
    def text(self) -> str:
        """The whole page."""
        only = self._blocks[0] if len(self._blocks) == 1 else None
        title = only.title if only else f"Concurrent calls on {self._kernel}"
        return page("lanes.html.jinja", ("base.css", "lanes.css"), "", title=title, blocks=self._blocks, only=only)

    @property
    def in_words(self) -> str:
        """How many of them have an order that is wrong."""
        wrong = f"{self._wrong} with an order that is wrong" if self._wrong else "no order is wrong"
        return f"{count_of(len(self._blocks), 'block')} of concurrent calls, {wrong}"


def _drawn(title: str, found: Orders) -> DrawnBlock:
    operation = found.scenario.steps[found.number - 1].operation
    assert isinstance(operation, Together)
    h = found.block.machine.hstate
    before = h.nr_huge_pages, h.free_huge_pages, h.resv_huge_pages, h.surplus_huge_pages
    finding = found.finding
    shown = turns(found) if finding is not None else []
    ran = f"{count_of(found.runs, 'order', grouped=True)} run"
    if finding is None:
        within = "" if found.preemptions is None else f" of up to {count_of(found.preemptions, 'preemption')}"
        verdict = f"All orders{within} keep every invariant. {ran}."
    else:
        verdict = f"An order with {count_of(finding.run.preemptions, 'preemption')} is wrong. {ran}."
    return DrawnBlock(
        title=title,
        intro=found.scenario.title,
        calls=[spell(step.operation) for step in operation.steps],
        tasks=found.tasks,
        verdict=verdict,
        wrong=[str(violation) for violation in finding.violations] if finding else [],
        told=explanation(found, shown) if finding else None,
        again=as_scenario(finding) if finding else None,
        before=before,
        rows=_rows(shown, before),
        endings=found.endings.most_common(),
    )


def _rows(shown: Sequence[Turn], before: tuple[int, int, int, int]) -> list[LaneRow]:
    """Every turn, with all locks of all tasks, each lock at the same place in every row."""
    tasks = len(shown[0].held) if shown else 0
    places = [list(dict.fromkeys(lock for turn in shown for lock in turn.held[task])) for task in range(tasks)]
    locks = dict.fromkeys(lock for each in places for lock in each)
    tones = {lock: number % TONES for number, lock in enumerate(locks)}
    crossed = crossing(shown)
    rows = []
    last: tuple[tuple[str, ...], ...] = ((),) * tasks
    for number, turn in enumerate(shown):
        cells = []
        for task in range(tasks):
            bars = tuple(
                Bar(lock, tones[lock], lock not in last[task]) if lock in turn.held[task] else None
                for lock in places[task]
            )
            own = turn.task == task
            acts = own and crossed is not None and number == crossed.acts
            cells.append(LaneCell(bars, turn.lock if own else "", turn.calls if own else (), acts, own and turn.waits))
        counters = tuple((now, now != was) for was, now in zip(before, turn.counters, strict=True))
        rows.append(LaneRow(number + 1, tuple(cells), counters, turn.preempts, turn.switched))
        before, last = turn.counters, turn.held
    return rows
