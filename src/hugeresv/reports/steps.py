"""Steps for people: a line each, with counters and the mapping as a strip, and below it whatever is wrong."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from hugeresv.answer import Answer, CgroupUsage, Counters, NodeCounters, Statfs
from hugeresv.invariants.violation import Violation
from hugeresv.outcome import Outcome
from hugeresv.plain import count_of
from hugeresv.play.play import Ending, StepResult
from hugeresv.play.watch import NAMING, Picture
from hugeresv.reports.columns import HANGING, MARGIN, NUMBER, OUTCOME, columns_for
from hugeresv.reports.drawing import draw
from hugeresv.reports.screen import Screen
from hugeresv.reports.spelling import spell, spell_mapping
from hugeresv.scenario.expectation import Contradiction
from hugeresv.scenario.operation import Operation
from hugeresv.scenario.scenario import Pool, Scenario
from hugeresv.scenario.scn_words import write_name
from hugeresv.units import format_bytes

_INDENT = " " * MARGIN
UNSIGNED = 1 << 64
"""What is added to a negative counter where the kernel prints it."""


class StepLines:
    """Writes the steps of one scenario on one kernel."""

    def __init__(self, screen: Screen, scenario: Scenario) -> None:
        pool = scenario.pool
        self._screen = screen
        self._columns = columns_for(scenario, screen.width)
        self._counters = Counters(pool.pages, pool.pages, 0, 0)
        self._tables: dict[str, tuple[int, ...]] = {}
        """Pages of each cgroup, mount, node and further pool, as they were told last."""
        self._begin(pool, "node")
        for other in scenario.pools or ():
            size = format_bytes(other.page_bytes)
            self._tables[f"pool {size}"] = (other.pages, other.pages, 0, 0)
            self._begin(other, f"pool {size} node")
        self._violations: Sequence[Violation] = ()
        self.abbreviated = False
        """Whether a strip did not have every page drawn by itself."""

    def _begin(self, pool: Pool, kind: str) -> None:
        """What nodes have at the start."""
        for number, node in enumerate(pool.nodes or ()):
            self._tables[f"{kind} {number}"] = (node.nr, node.nr, 0)

    def header(self) -> None:
        """The names of the columns."""
        names = "".join(
            f"{name:>{width}}" for name, width in zip(Counters._fields, self._columns.counters, strict=True)
        )
        head = f"{'step':>{NUMBER}}  {'operation':<{self._columns.operation}}  {'answer':<{OUTCOME}}{names}"
        pages = "  pages" if self._columns.strip else ""
        self._screen.line(self._screen.styled(head + pages, bold=True))

    def pass_over(self, answer: Answer) -> None:
        """A step that is not shown; the next one's changes are measured by its answer."""
        self._counters = answer.counters

    def step(self, result: StepResult) -> None:
        """A step, and above it its note."""
        pictures, violations = result.seen or ((), ())
        operation = result.step.operation
        if result.step.note is not None:
            self._screen.paragraph(result.step.note, f"{_INDENT}# ", italic=True)
        is_wrong = bool(result.contradictions or violations)
        text = _wrapped(spell(operation), self._columns.operation)
        beside, below = self._strips(pictures, operation)
        self._row(str(result.number), is_wrong, text, result.answer, beside)
        self._below(below)
        self._tell_tables("cgroup", result.answer.cgroups or {})
        self._tell_tables("mount", result.answer.statfs or {})
        self._tell_pools(result.answer)
        if result.chances:
            runs = count_of(sum(result.chances.values()), "run")
            told = "; ".join(f"{outcomes} ({times})" for outcomes, times in result.chances.items())
            self._screen.paragraph(f"in {runs}: {told}", f"{_INDENT}    ", first=f"{_INDENT}  ")
        self._what_is_wrong(result.contradictions, violations)

    def ending(self, result: Ending) -> None:
        """What is counted when everything is gone."""
        leaked = result.answer.counters.rsvd
        verdict = f"leaked {leaked}" if leaked else "nothing leaked"
        is_wrong = bool(result.contradictions or result.violations)
        beside, below = ([verdict], []) if self._columns.strip else ([], [verdict])
        self._row("end", is_wrong, ["(cleanup)"], result.answer, beside)
        self._below(below)
        self._tell_tables("cgroup", result.answer.cgroups or {})
        self._what_is_wrong(result.contradictions, result.violations)

    def _row(
        self, number: str, is_wrong: bool, operation: Sequence[str], answer: Answer, strips: Sequence[str]
    ) -> None:
        columns = self._columns
        (text, strip), *more = zip_longest(operation, strips, fillvalue="")
        mark = self._screen.styled("!", fg="red", bold=True) if is_wrong else " "
        colour = None if answer.outcome is Outcome.OK else "yellow"
        outcome = self._screen.styled(f"{answer.outcome:<{OUTCOME}}", fg=colour)
        longer = max(0, len(answer.outcome) - OUTCOME)
        numbers = self._numbers(answer.counters).removeprefix(" " * longer)
        self._screen.line(f"{number:>{NUMBER}}{mark} {text:<{columns.operation}}  {outcome}{numbers}  {strip}")
        for text, strip in more:
            blank = " " * (OUTCOME + sum(columns.counters) + 2)
            self._screen.line(f"{_INDENT}{text:<{columns.operation}}  {blank}{strip}")
        self._tell_wraps(answer.counters)
        self._counters = answer.counters

    def _below(self, lines: Sequence[str]) -> None:
        """What has no room in the last column."""
        for line in lines:
            self._screen.line(f"{_INDENT}  {line}")

    def _numbers(self, counters: Counters) -> str:
        """The counters, those that changed with a mark."""
        cells = []
        for before, now, width in zip(self._counters, counters, self._columns.counters, strict=True):
            text = f"{'*' if now != before else ''}{now}".rjust(width)
            cells.append(self._screen.styled(text, bold=now != before, fg="red" if now < 0 else None))
        return "".join(cells)

    def _tell_tables(self, kind: str, table: Mapping[str, CgroupUsage | Statfs | NodeCounters | Counters]) -> None:
        """The pages of cgroups, mounts, nodes or pools, where they changed."""
        for name, pages in table.items():
            self._tell(f"{kind} {name}", pages._fields, pages)

    def _tell(self, what: str, fields: Sequence[str], pages: tuple[int, ...]) -> None:
        before = self._tables.get(what, (0,) * len(pages))
        if before != pages:
            cells = zip(fields, before, pages, strict=True)
            told = " ".join(f"{field}={'*' if was != now else ''}{now}" for field, was, now in cells)
            self._screen.paragraph(f"{what}: {told}", f"{_INDENT}  ")
        self._tables[what] = pages

    def _tell_pools(self, answer: Answer) -> None:
        """The counters of nodes and of further pools, and a cgroup's pages by node, where they changed."""
        for name, by_node in (answer.numa_stat or {}).items():
            self._tell(f"cgroup {name} by node", [f"N{nid}" for nid in range(len(by_node))], by_node)
        self._tell_tables("node", _by_number(answer.nodes))
        for size_kb, pool in (answer.pools or {}).items():
            size = format_bytes(size_kb << 10)
            self._tell_tables("pool", {size: pool.counters})
            self._tell_tables(f"pool {size} node", _by_number(pool.nodes))
            self._tell_tables(f"pool {size} cgroup", pool.cgroups or {})

    def _tell_wraps(self, counters: Counters) -> None:
        for name, before, now in zip(Counters._fields, self._counters, counters, strict=True):
            if now < 0 and now != before:
                self._wrong(f"{name} has wrapped: the kernel prints {now} as {now + UNSIGNED}", bold=True)

    def _strips(self, pictures: Sequence[Picture], operation: Operation) -> tuple[list[str], list[str]]:
        """The strips that fit into their column, and those that need a line of their own."""
        beside, below = [], []
        for picture in pictures:
            own = isinstance(operation, NAMING) and operation.proc == picture.proc
            label = f"{write_name(picture.map) if own else spell_mapping(picture.proc, picture.map)} "
            drawing = draw(self._screen, picture, self._columns.strip - len(label))
            if drawing.columns <= self._columns.strip - len(label):
                beside.append(label + drawing.text)
            else:
                room = self._screen.width - MARGIN - 2 - len(label)
                drawing = draw(self._screen, picture, room)
                below.append(label + drawing.text)
            self.abbreviated = self.abbreviated or drawing.abbreviated
        return beside, below

    def _what_is_wrong(self, contradictions: Sequence[Contradiction], violations: Sequence[Violation]) -> None:
        """Contradictions, and those violations that the step before did not have already."""
        for contradiction in contradictions:
            self._wrong(str(contradiction))
        for violation in violations:
            if violation not in self._violations:
                self._wrong(str(violation))
        self._violations = violations

    def _wrong(self, text: str, *, bold: bool = False) -> None:
        self._screen.paragraph(text, f"{_INDENT}  ", first=f"{_INDENT}! ", fg="red", bold=bold)


def _by_number(nodes: Sequence[NodeCounters] | None) -> dict[str, NodeCounters]:
    return {str(number): node for number, node in enumerate(nodes or ())}


def _wrapped(operation: str, width: int) -> list[str]:
    """The lines of an operation, which mostly is one."""
    if len(operation) <= width:
        return [operation]
    return textwrap.wrap(operation, width, subsequent_indent=HANGING, break_on_hyphens=False)
