"""`compare`: the first step at which two kernels differ, side by side, after the steps that lead there."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from rich.table import Table
from rich.text import Text

from hugeresv.answer import Answer, CgroupUsage, Counters, NodeCounters, Statfs
from hugeresv.kernels.protocol import Kernel
from hugeresv.plain import count_of
from hugeresv.play.play import StepResult
from hugeresv.reports.drawing import SEEN_ON_A_MODEL, SEEN_ON_A_REAL_KERNEL, Drawing, Legend, draw
from hugeresv.reports.run import heading
from hugeresv.reports.screen import Screen
from hugeresv.reports.spelling import spell, spell_mapping
from hugeresv.reports.steps import UNSIGNED, StepLines
from hugeresv.reports.tables import print_table
from hugeresv.scenario.scenario import Scenario
from hugeresv.scenario.scn_words import write_name
from hugeresv.search.lockstep import Pair
from hugeresv.units import format_bytes

CONTEXT = 4
"""How many steps that lead to a difference are shown."""

_MAPPINGS_SHOWN = 8

_Value = TypeVar("_Value")


class CompareReport:
    """Writes comparisons of two kernels."""

    def __init__(self, screen: Screen, left: Kernel, right: Kernel) -> None:
        self._screen = screen
        self._left = left.name
        self._right = right.name
        states = SEEN_ON_A_MODEL | SEEN_ON_A_REAL_KERNEL if left.real or right.real else SEEN_ON_A_MODEL
        self._legend = Legend(screen, states, "differs")
        self._compared = 0
        self._different: list[str] = []

    def same(self, name: str, scenario: Scenario) -> None:
        """They did not differ, nor in what was left at the end."""
        self._compared += 1
        self._screen.paragraph(f"{name}: no difference in {count_of(len(scenario.steps), 'step')}")

    def untried(self, name: str, number: int) -> None:
        """They did not differ before a step that hung on the left kernel and was not tried on the right one."""
        self._compared += 1
        self._screen.paragraph(
            f"{name}: no difference before step {number}, which hangs on {self._left} and so was not tried on"
            f" {self._right}; mark it with `hangs` in the scenario to have it tried"
        )

    def different(self, name: str, scenario: Scenario, before: Sequence[Pair], pair: Pair) -> None:
        """`pair` is the first that differs. The first of `before` is what the next ones are measured by."""
        self._compared += 1
        pictures = [*pair.left_pictures, *pair.right_pictures]
        self._legend.head(
            private=any(not picture.shared for picture in pictures), shared=any(picture.shared for picture in pictures)
        )
        self._different.append(name)
        self._screen.line()
        heading(self._screen, f"{name}: {self._left} and {self._right} differ", scenario)
        self._lead(scenario, before)
        self._side_by_side(pair)

    def total(self) -> None:
        """How many of them differed."""
        if self._compared > 1:
            self._screen.line()
            self._screen.line(f"{count_of(self._compared, 'scenario')}, {len(self._different)} with a difference")

    def _lead(self, scenario: Scenario, before: Sequence[Pair]) -> None:
        """The steps on which they agree, measured by the one before."""
        lines = StepLines(self._screen, scenario)
        lines.header()
        for pair in before[:-CONTEXT]:
            lines.pass_over(pair.left)
        for pair in before[-CONTEXT:]:
            if pair.step is not None:
                lines.step(StepResult(pair.number, pair.step, pair.left, (), None))

    def _side_by_side(self, pair: Pair) -> None:
        what = "After the cleanup"
        self._screen.line()
        if pair.step is not None:
            what = f"At step {pair.number}, {spell(pair.step.operation)}"
            if pair.step.note is not None:
                self._screen.paragraph(pair.step.note, "# ", italic=True)
        self._screen.paragraph(f"{what}:", bold=True)
        table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
        table.add_column("")
        for kernel in (self._left, self._right):
            table.add_column(kernel, overflow="fold")
        for label, left, right in _beside(dict(_figures(pair.left)), dict(_figures(pair.right))):
            differs = left != right
            table.add_row(f"{'!' if differs else ' '} {label}", left, right, style="bold red" if differs else "")
        abbreviated = False
        for label, *drawings in self._mappings(pair):
            table.add_row(f"  {label}", *(Text.from_ansi(drawing.text if drawing else "") for drawing in drawings))
            abbreviated = abbreviated or any(drawing and drawing.abbreviated for drawing in drawings)
        print_table(self._screen, table)
        if abbreviated:
            self._legend.abbreviations()

    def _mappings(self, pair: Pair) -> Iterator[tuple[str, Drawing | None, Drawing | None]]:
        """Mappings as strips, those first that differ."""
        pictures = [
            {spell_mapping(picture.proc, picture.map): picture for picture in side}
            for side in (pair.left_pictures, pair.right_pictures)
        ]
        both = list(_beside(*pictures))
        both.sort(key=lambda row: row[1] == row[2])
        labels = max((len(label) for label, *_ in both), default=0)
        width = (self._screen.width - labels - 8) // 2
        for label, *sides in both[:_MAPPINGS_SHOWN]:
            left, right = (draw(self._screen, side, width) if side else None for side in sides)
            yield label, left, right
        if (more := len(both) - _MAPPINGS_SHOWN) > 0:
            yield f"and {more} more", None, None


def _figures(answer: Answer) -> Iterator[tuple[str, str]]:
    """Everything that an answer says, by its name."""
    yield "answer", str(answer.outcome)
    if answer.report is not None:
        yield "its log", answer.report.line
    for name, value in zip(Counters._fields, answer.counters, strict=True):
        yield name, str(value) if value >= 0 else f"{value}, printed as {value + UNSIGNED}"
    yield from _figures_of_tables("", answer.cgroups)
    yield from _figures_of_tables("", answer.statfs)
    for name, by_node in (answer.numa_stat or {}).items():
        yield f"{write_name(name)}.numa", ",".join(map(str, by_node))
    yield from _figures_of_nodes("", answer.nodes)
    for size_kb, pool in (answer.pools or {}).items():
        size = format_bytes(size_kb << 10)
        yield from ((f"{size}.{field}", str(value)) for field, value in pool.counters._asdict().items())
        yield from _figures_of_nodes(f"{size} ", pool.nodes)
        yield from _figures_of_tables(f"{size}.", pool.cgroups)


def _figures_of_tables(pool: str, table: Mapping[str, CgroupUsage | Statfs] | None) -> Iterator[tuple[str, str]]:
    """Every counter of cgroups or mounts, as `.scn` spells it."""
    for name, pages in (table or {}).items():
        yield from ((f"{pool}{write_name(name)}.{field}", str(value)) for field, value in pages._asdict().items())


def _figures_of_nodes(pool: str, nodes: Sequence[NodeCounters] | None) -> Iterator[tuple[str, str]]:
    """Total, free and surplus pages of each node, as `.scn` spells them."""
    for number, node in enumerate(nodes or ()):
        yield f"{pool}node {number}", "/".join(map(str, node))


def _beside(
    left: Mapping[str, _Value], right: Mapping[str, _Value]
) -> Iterator[tuple[str, _Value | None, _Value | None]]:
    """The values of all keys, side by side."""
    for key in {**left, **right}:
        yield key, left.get(key), right.get(key)
