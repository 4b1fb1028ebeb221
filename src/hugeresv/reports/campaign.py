"""How a fuzz campaign goes, what it reached, and what it found."""

from __future__ import annotations

from collections import Counter
from typing import TextIO

from hugeresv.plain import count_of
from hugeresv.reports.screen import Screen
from hugeresv.reports.spelling import spell
from hugeresv.scenario.expectation import Contradiction, contradictions, observed
from hugeresv.search.fuzz.campaign import Tally
from hugeresv.search.fuzz.difference import Difference
from hugeresv.search.fuzz.kept import Kept
from hugeresv.search.fuzz.states import STATES
from hugeresv.search.lockstep import Pair


def show_progress(stream: TextIO, tally: Tally, seconds: float) -> None:
    """One line, written over the last one."""
    rate = tally.steps / seconds if seconds else 0.0
    stream.write(
        f"\r{count_of(tally.scenarios, 'scenario')}, {count_of(tally.steps, 'step')}, {rate:.0f} steps/s, "
        f"{count_of(len(tally.findings), 'difference')} "
    )
    stream.flush()


def end_progress(stream: TextIO) -> None:
    """Leave the line of `show_progress`."""
    stream.write("\n")


def show_tally(screen: Screen, tally: Tally, seconds: float) -> None:
    """The campaign's size and what it reached, a state that was never reached included where states were counted."""
    screen.line(
        f"{count_of(tally.scenarios, 'scenario')}, {count_of(tally.steps, 'step')} in {seconds:.1f} s; "
        f"{count_of(len(tally.findings), 'difference')}"
        + (f", {len(tally.unconfirmed)} not confirmed" if tally.unconfirmed else "")
    )
    if not tally.coverage.stateless:
        states = Counter({name: tally.coverage.states[name] for name in STATES})
        _counts(screen, "states, in steps after which they held", states)
    _counts(screen, "operations", tally.coverage.operations)
    _counts(screen, "outcomes", Counter({str(outcome): n for outcome, n in tally.coverage.outcomes.items()}))


def _counts(screen: Screen, title: str, counts: Counter[str]) -> None:
    screen.line(f"\n{title}:")
    width = max(map(len, counts), default=0) + 10
    per_line = max(1, (screen.width - 2) // (width + 2))
    cells = [f"{name:{width - 9}}{count:9}" for name, count in counts.most_common()]
    for start in range(0, len(cells), per_line):
        screen.line("  " + "  ".join(cells[start : start + per_line]))


def show_finding(screen: Screen, finding: Difference, kept: Kept) -> None:
    """Where a difference is written and what it is; `hugeresv compare` draws it."""
    scenario, pair = finding.scenario, finding.divergence
    screen.line()
    steps = f"{len(scenario.steps)} of the {count_of(finding.steps_before, 'step')} drawn"
    screen.paragraph(f"{kept.scenario(finding)}: {scenario.title} {steps}.", "  ", first="")
    seen, runs = finding.sightings
    if not finding.confirmed:
        screen.paragraph(
            f"not confirmed: seen in {seen} of {count_of(runs, 'run')}: {finding.why_not}", "    ", first="  "
        )
    elif seen < runs:
        screen.line(f"  seen in {seen} of {count_of(runs, 'run')}")
    what = "what is left at the end" if pair.step is None else spell(pair.step.operation)
    screen.paragraph(f"{pair.number}  {what}", "      ", first="  ")
    for key, before, after in [*_outcomes(pair), *contradictions(observed(pair.left), pair.right)]:
        screen.line(f"     {key}: {before} against {after}")
    for violation in pair.beyond:
        screen.paragraph(f"! {violation}", "       ", first="     ")
    if finding.log:
        screen.line(f"     the kernel's log: {kept.log(finding)}")


def _outcomes(pair: Pair) -> list[Contradiction]:
    """What each of concurrent calls answered, where these differ."""
    left, right = pair.left.outcomes or {}, pair.right.outcomes or {}
    return [
        Contradiction(task, left[task], right[task]) for task in left if task in right and left[task] != right[task]
    ]
