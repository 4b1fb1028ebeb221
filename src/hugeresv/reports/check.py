"""A check for people: how it goes, and what it has found."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from hugeresv.plain import count_of
from hugeresv.reports.finding_folder import FindingFolders
from hugeresv.reports.screen import Screen
from hugeresv.reports.spelling import spell
from hugeresv.search.check.checked import Checked, CheckFinding
from hugeresv.search.kinds import answers_beside


def progress_line(checked: Checked, seconds: float) -> str:
    """What has been done so far, in one line."""
    return (
        f"{count_of(len(checked.cases), 'scenario')}, {count_of(checked.drawn, 'random one')}, "
        f"{count_of(checked.steps, 'step')} in {seconds:.0f} s, "
        f"{count_of(len(checked.findings), 'finding')}"
    )


class ProgressLines:
    """Writes how it goes: over the last line on a terminal, elsewhere a line a minute."""

    def __init__(self, stream: TextIO, *, every_seconds: float = 60.0) -> None:
        self._stream = stream
        self._every_seconds = every_seconds
        self._next_seconds = every_seconds

    def show(self, text: str, seconds: float) -> None:
        """`text` is how it stands after so many seconds."""
        if self._stream.isatty():
            self._stream.write(f"\r{text} ")
        elif seconds >= self._next_seconds:
            self._next_seconds = seconds + self._every_seconds
            self._stream.write(f"hugeresv: {text}\n")
        else:
            return
        self._stream.flush()

    def end(self) -> None:
        """Leave the line."""
        if self._stream.isatty():
            self._stream.write("\n")


def show_checked(screen: Screen, checked: Checked, folders: FindingFolders | None) -> None:
    """What was run, each finding, and the verdict."""
    skipped = [case for case in checked.cases if case.skipped is not None]
    for case in skipped:
        screen.paragraph(f"left out: {case.name}: {case.skipped}", "  ", first="")
    for reason, scenarios in checked.left_out.items():
        screen.paragraph(f"left out: {count_of(scenarios, 'random scenario')}: {reason}", "  ", first="")
    for finding in (*checked.unconfirmed, *checked.findings):
        _finding(screen, finding, folders.of(finding) if folders else None)
    run = len(checked.cases) - len(skipped)
    audited = "audited after every step" if checked.audited else "not audited"
    screen.line()
    screen.paragraph(
        f"{checked.kernel} against {checked.base}: {count_of(run, 'scenario')}, "
        f"{count_of(checked.drawn, 'random one')}, {count_of(checked.steps, 'step')} in {checked.seconds:.1f} s, "
        + audited
        + ("" if checked.complete else "; ended early")
    )
    if checked.unconfirmed:
        screen.paragraph(f"{count_of(len(checked.unconfirmed), 'difference')} not confirmed", fg="yellow")
    if checked.clean:
        screen.paragraph("no finding", fg="green")
    else:
        screen.paragraph(count_of(len(checked.findings), "finding"), fg="red")


def _finding(screen: Screen, finding: CheckFinding, folder: Path | None) -> None:
    screen.line()
    name, colour = ("finding", "red") if finding.confirmed else ("not confirmed", "yellow")
    screen.paragraph(f"{name} {finding.number}: {finding.scenario.title}", "  ", first="", fg=colour, bold=True)
    for line in about(finding):
        screen.paragraph(line, "    ", first="  ")
    for step in finding.scenario.steps:
        screen.paragraph(spell(step.operation), "      ", first="    ")
    if folder is not None:
        screen.line(f"  all of it: {folder}")


def about(finding: CheckFinding) -> list[str]:
    """What a finding is, line by line, without its steps."""
    divergence = finding.divergence
    lines = [f"{key}: {left} against {right}" for key, left, right in answers_beside(divergence.left, divergence.right)]
    lines += [str(violation) for violation in divergence.beyond]
    seen, runs = finding.sightings
    if not finding.confirmed or seen < runs:
        lines.append(f"seen in {seen} of {count_of(runs, 'run')}" + (f": {finding.why_not}" if finding.why_not else ""))
    also = f", and in {count_of(len(finding.also), 'further scenario')}" if finding.also else ""
    kept = (
        f"{len(finding.scenario.steps)} of {count_of(finding.steps_before, 'step')}"
        if finding.short
        else "not shortened"
    )
    return [*lines, f"found in {finding.name}{also}; after {finding.seconds:.0f} s; {kept}"]
