"""`run` for people: scenarios one after the other, each with its steps, and how it went."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from hugeresv.answer import Answer
from hugeresv.kernels.protocol import Kernel
from hugeresv.plain import count_of
from hugeresv.play.play import WHY_IT_ENDS, Result, StepResult
from hugeresv.reports.drawing import SEEN_ON_A_MODEL, SEEN_ON_A_REAL_KERNEL, Legend
from hugeresv.reports.screen import Screen
from hugeresv.reports.spelling import spell_name
from hugeresv.reports.steps import StepLines
from hugeresv.scenario.operation import Mmap, Shmat
from hugeresv.scenario.scenario import Scenario
from hugeresv.search.known import Cause
from hugeresv.units import format_bytes


class RunReport:
    """Writes runs on one kernel; `audited`: whose memory is read, so that as much is seen as on a model."""

    def __init__(self, screen: Screen, kernel: Kernel, *, audited: bool = False) -> None:
        self._screen = screen
        self._kernel = kernel
        states = SEEN_ON_A_REAL_KERNEL if kernel.real and not audited else SEEN_ON_A_MODEL
        self._legend = Legend(screen, states, "wrong, see below")
        self._names: list[str] = []
        self._contradicted: list[str] = []
        self._untrue: list[str] = []
        self._unfinished: list[str] = []
        self._going_on = False
        """Whether the last of the names has begun and not ended."""

    def scenario(self, file: str, identifier: str, scenario: Scenario) -> None:
        """The heading of the results that follow, and above it what signs mean that were not used before."""
        operations = [step.operation for step in scenario.steps]
        self._legend.head(
            private=any(isinstance(each, Mmap) and each.type == "private" for each in operations),
            shared=any(
                isinstance(each, Shmat) or (isinstance(each, Mmap) and each.type == "shared") for each in operations
            ),
        )
        self._names.append(spell_name(file, identifier))
        self._going_on = True
        self._screen.line()
        heading(self._screen, f"{self._names[-1]} on {self._kernel.name}", scenario)
        self._lines = StepLines(self._screen, scenario)
        self._lines.header()

    def result(self, result: Result) -> None:
        """A step or the ending, with what it contradicts."""
        if isinstance(result, StepResult):
            self._lines.step(result)
        else:
            self._lines.ending(result)
            self._ended()
        if result.contradictions and self._names[-1] not in self._contradicted[-1:]:
            self._contradicted.append(self._names[-1])
        if result.answer.outcome in WHY_IT_ENDS:
            self._screen.line(WHY_IT_ENDS[result.answer.outcome])
            self._ended()
        if result.answer.report is not None:
            self._log(result.answer)

    def _log(self, answer: Answer) -> None:
        """What the kernel has printed against itself, and everything before."""
        assert answer.report is not None
        self._screen.line("The kernel's log:")
        for line in answer.report.log.rstrip().split("\n"):
            self._screen.line(f"  {line}")

    def unfinished(self, file: str, identifier: str) -> None:
        """The scenario, begun or not, could not be played to its end."""
        name = spell_name(file, identifier)
        if self._going_on:
            self._ended()
        else:
            self._names.append(name)
        self._unfinished.append(name)

    def _ended(self) -> None:
        self._going_on = False
        if self._lines.abbreviated:
            self._legend.abbreviations()

    def untrue(self, behaviour: str) -> None:
        """The ledger of the kernel is not true at a step at which that of the behaviour is."""
        self._untrue.append(self._names[-1])
        self._screen.paragraph(f"{behaviour} does not violate this invariant here: the ledger is not true.", "    ")

    def causes(self, verdicts: Sequence[Cause]) -> None:
        """Which defect each violated invariant comes from, if one alone does it."""
        for text in causes_in_words(verdicts):
            self._screen.paragraph(text, "    ")

    def total(self) -> None:
        """How all of them went."""
        if not self._names:
            return
        text, is_wrong = total_in_words(len(self._names), self._contradicted, self._untrue, self._unfinished)
        self._screen.line()
        self._screen.paragraph(text, "  ", first="", fg="red" if is_wrong else "green")


def causes_in_words(verdicts: Sequence[Cause]) -> Iterator[str]:
    """Which invariants come from which defects."""
    ordered = sorted(verdicts, key=lambda verdict: verdict.switches)
    for switches, group in groupby(ordered, lambda verdict: verdict.switches):
        names = ", ".join(verdict.invariant for verdict in group)
        known = f"from a known defect, {' or '.join(switches)} (see `hugeresv behaviours`)"
        yield f"{names}: {known if switches else 'no single known defect explains it'}"


def total_in_words(
    scenarios: int, contradicted: Sequence[str], untrue: Sequence[str], unfinished: Sequence[str]
) -> tuple[str, bool]:
    """How they went, with the names of those that did not go well; and whether there are any."""
    kinds = (
        ("not as expected", contradicted),
        ("with an untrue ledger", untrue),
        ("could not be finished", unfinished),
    )
    wrong = [f"{len(names)} {kind}: {', '.join(names)}" for kind, names in kinds if names]
    count = count_of(scenarios, "scenario")
    return f"{count}, {'; '.join(wrong) or 'all answers as expected'}", bool(wrong)


def heading(screen: Screen, text: str, scenario: Scenario) -> None:
    """What is run where, the pool, and what the scenario says of itself."""
    screen.paragraph(text, bold=True)
    screen.line(pool_in_words(scenario))
    screen.line()
    if scenario.title:
        screen.paragraph(scenario.title)
        screen.line()


def pool_in_words(scenario: Scenario) -> str:
    """The pool that a scenario starts with."""
    pool = scenario.pool
    overcommit = f" and up to {pool.nr_overcommit} by overcommit" if pool.nr_overcommit else ""
    return f"pool of {count_of(pool.pages, 'page')} of {format_bytes(pool.page_bytes)}{overcommit}"
