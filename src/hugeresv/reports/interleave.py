"""Concurrent calls: how many orders there are, and the picture of one that is wrong, a column a task."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import zip_longest

from hugeresv.plain import count_of
from hugeresv.reports.screen import Screen
from hugeresv.reports.spelling import spell
from hugeresv.scenario.scenario import Together
from hugeresv.search.interleave.interleave import Orders
from hugeresv.search.interleave.story import Turn, as_scenario, explanation, turns

_NUMBERS = ("total", "free", "rsvd", "surp")
_NUMBER_WIDTH = 6
_NARROWEST = 24


def as_json(file: str, identifier: str, found: Orders) -> str:
    """One line for a block; see docs/explore.md."""
    finding = found.finding
    return json.dumps(
        {
            "file": file,
            "id": identifier,
            "step": found.number,
            "tasks": found.tasks,
            "orders": found.runs,
            "steps": found.steps,
            "preemptions": found.preemptions,
            "bounds": [bound._asdict() for bound in found.bounds],
            "wrong": found.wrong,
            "endings": [
                {
                    "outcomes": dict(zip(found.tasks, ending.outcomes, strict=True)),
                    **dict(zip(_NUMBERS, ending.counters, strict=True)),
                    "orders": count,
                }
                for ending, count in found.endings.most_common()
            ],
            "finding": None
            if finding is None
            else {
                "switch": finding.switch,
                "preemptions": finding.run.preemptions,
                "outcomes": dict(zip(found.tasks, finding.ending.outcomes, strict=True)),
                "violations": [asdict(violation) for violation in finding.violations],
                "explanation": explanation(found, turns(found)),
                "turns": [
                    {
                        "task": found.tasks[turn.task],
                        "lock": turn.lock,
                        "waits": turn.waits,
                        "calls": turn.calls,
                        **dict(zip(_NUMBERS, turn.counters, strict=True)),
                    }
                    for turn in turns(found)
                ],
            },
        }
    )


class InterleaveReport:
    """Writes what was found of blocks for people. `every`: also turns in which nothing happens but a lock."""

    def __init__(self, screen: Screen, *, every: bool) -> None:
        self._screen = screen
        self._every = every

    def block(self, file: str, kernel: str, found: Orders, seconds: float) -> None:
        """One block: its verdict, and the picture of what is wrong."""
        screen = self._screen
        screen.paragraph(f"{file}, step {found.number}, on {kernel}", "  ", first="", bold=True)
        orders = count_of(found.runs, "order", grouped=True)
        if found.finding is None:
            within = (
                "All orders"
                if found.preemptions is None
                else f"All orders of up to {count_of(found.preemptions, 'preemption')}"
            )
            ways = count_of(len(found.endings), "way")
            text = f"{within} keep every invariant, and end in {ways}. {orders} run, {seconds:.2f} s of CPU time"
            screen.paragraph(text, "  ", first="", fg="green")
            return
        shown = turns(found)
        self._picture(found, shown)
        screen.line()
        for violation in found.finding.violations:
            screen.paragraph(str(violation), "  ", first="! ", fg="red")
        screen.paragraph(explanation(found, shown), "  ", first="! ", fg="red")
        many = count_of(found.finding.run.preemptions, "preemption")
        screen.line()
        again = f"To see this order again, begin the block with: {as_scenario(found.finding)}"
        screen.paragraph(f"{many}; {orders} tried. {again}", "  ", first="")

    def _picture(self, found: Orders, shown: list[Turn]) -> None:
        screen = self._screen
        count = len(found.tasks)
        width = max((screen.width - 2 - _NUMBER_WIDTH * len(_NUMBERS)) // count - 2, _NARROWEST)
        operation = found.scenario.steps[found.number - 1].operation
        assert isinstance(operation, Together)
        heads = [_wrapped(spell(step.operation), width) for step in operation.steps]
        screen.line()
        for number, cells in enumerate(zip_longest(*heads, fillvalue="")):
            numbers = "".join(f"{name:>{_NUMBER_WIDTH}}" for name in _NUMBERS) if number == 0 else ""
            screen.line("  " + "".join(f"{cell:<{width + 2}}" for cell in cells) + numbers)
        h = found.block.machine.hstate
        before = h.nr_huge_pages, h.free_huge_pages, h.resv_huge_pages, h.surplus_huge_pages
        screen.line("  " + " " * ((width + 2) * count) + "".join(f"{value:>{_NUMBER_WIDTH}}" for value in before))
        for turn in shown:
            lines = [line for call in turn.calls for line in _wrapped(call, width)]
            if self._every or turn.switched or not lines:
                verb = "waits for" if turn.waits else "uses" if turn.lock.startswith("without") else "takes"
                lock = f"{verb} {turn.lock}"
                lines = [screen.styled(f"{lock:<{width}}", dim=True), *lines]
            if not (turn.calls or turn.switched or self._every or turn.counters != before):
                continue
            numbers = "".join(self._number(was, now) for was, now in zip(before, turn.counters, strict=True))
            for number, line in enumerate(lines):
                pad = " " * ((width + 2) * turn.task)
                shown_width = width if line.startswith("\x1b") else len(line)
                rest = " " * ((width + 2) * (count - turn.task) - shown_width)
                screen.line(f"  {pad}{line}{rest}{numbers if number == len(lines) - 1 else ''}")
            before = turn.counters

    def _number(self, was: int, now: int) -> str:
        text = f"{'*' if was != now else ''}{now}".rjust(_NUMBER_WIDTH)
        return self._screen.styled(text, bold=was != now, fg="red" if now < 0 else None)


def _wrapped(text: str, width: int) -> list[str]:
    words, lines = [part for word in text.split(" ") for part in _pieces(word, width)], [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(" ")
        lines[-1] += f" {word}" if lines[-1].strip() else word
    return lines


def _pieces(word: str, width: int) -> list[str]:
    """A word that is wider than its column, in pieces that fit."""
    return [word[at : at + width - 1] for at in range(0, len(word), width - 1)] if len(word) > width else [word]
