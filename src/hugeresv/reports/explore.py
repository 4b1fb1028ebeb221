"""How far an exploration went, what it reached, and the history that it found."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from hugeresv.kernels.protocol import Kernel
from hugeresv.plain import count_of
from hugeresv.play.play import play
from hugeresv.reports.run import RunReport
from hugeresv.reports.screen import Screen
from hugeresv.scenario.json_format import format_json
from hugeresv.search.explore.bound import Bound
from hugeresv.search.explore.result import Exploration, Shortest
from hugeresv.search.fuzz.states import STATES
from hugeresv.search.lockstep import Pair, lockstep


def show_progress(stream: TextIO, found: Exploration) -> None:
    """One line, written over the last one."""
    stream.write(f"\r{count_of(len(found.levels), 'operation')}, {_size(found)} ")
    stream.flush()


def end_progress(stream: TextIO) -> None:
    """Leave the line of `show_progress`."""
    stream.write("\n")


def as_json(found: Exploration, seconds: float, path: Path | None) -> str:
    """One line; see docs/explore.md. `seconds` of CPU time."""
    finding = found.finding
    return json.dumps(
        {
            "kernels": found.kernels,
            "bound": asdict(found.bound),
            "engine": found.engine,
            "complete": found.complete,
            "symmetry": found.symmetry,
            "states": found.states,
            "transitions": found.transitions,
            "depth": found.depth,
            "seconds": round(seconds, 3),
            "levels": [asdict(level) for level in found.levels],
            "reached": [name for name in STATES if name in found.reached],
            "never_reached": [name for name in STATES if name not in found.reached],
            "finding": None
            if finding is None
            else {
                "operations": finding.operations,
                "violations": [asdict(violation) for violation in finding.violations],
                "file": str(path),
                "scenario": json.loads(format_json(finding.scenario)),
            },
        }
    )


class ExploreReport:
    """Writes one exploration for people."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def result(self, found: Exploration, seconds: float) -> None:
        """Its size by the number of operations, what it comes to, and what was reached."""
        screen = self._screen
        screen.paragraph(f"{' and '.join(found.kernels)}: {_bound(found.bound)}", "  ", first="", bold=True)
        screen.line()
        screen.line("operations   new states       states  transitions")
        for level in found.levels:
            screen.line(f"{level.depth:10} {level.new:12,} {level.states:12,} {level.transitions:12,}")
        screen.line()
        self._verdict(found, seconds)
        reached = [name for name in STATES if name in found.reached]
        missing = [name for name in STATES if name not in found.reached]
        screen.line()
        screen.paragraph(f"reached: {', '.join(reached) or 'none of the interesting states'}", "  ", first="")
        if missing:
            screen.paragraph(f"never reached: {', '.join(missing)}", "  ", first="")

    def run(self, finding: Shortest, path: Path, kernel: Kernel) -> None:
        """The history of a finding, drawn as `run` draws it."""
        report = RunReport(self._screen, kernel)
        report.scenario(str(path), path.stem, finding.scenario)
        for result in play(finding.scenario, kernel, show=True):
            report.result(result)

    def comparison(self, finding: Shortest, path: Path, left: Kernel, right: Kernel) -> None:
        """The history on which two kernels differ, drawn as `compare` draws it."""
        from hugeresv.reports.compare import CONTEXT, CompareReport  # needs rich, which a browser has not

        report = CompareReport(self._screen, left, right)
        before: deque[Pair] = deque(maxlen=CONTEXT + 1)
        for pair in lockstep(finding.scenario, left, right, show=True):
            if pair.differ:
                report.different(str(path), finding.scenario, list(before), pair)
            before.append(pair)

    def _verdict(self, found: Exploration, seconds: float) -> None:
        finding = found.finding
        effort = f"{_size(found)}, {seconds:.2f} s of CPU time ({found.engine} engine)"
        if not found.complete:
            longest = max(len(found.levels), 0)
            text = f"Interrupted. Nothing was found in histories of up to {count_of(longest, 'operation')}. {effort}"
            self._screen.paragraph(text, "  ", first="", fg="yellow")
        elif finding is None:
            kept = "keeps every invariant" if len(found.kernels) == 1 else "is answered alike by both kernels"
            self._screen.paragraph(f"Every history within the bound {kept}. {effort}", "  ", first="", fg="green")
        else:
            what = "The kernels differ"
            if finding.violations:
                names = ", ".join(dict.fromkeys(violation.name for violation in finding.violations))
                what = f"{names} is violated"
            many = count_of(finding.operations, "operation")
            text = f"{what} after {many}. No shorter history does that. {effort}"
            self._screen.paragraph(text, "  ", first="", fg="red")


def _size(found: Exploration) -> str:
    return f"{count_of(found.states, 'state', grouped=True)}, {count_of(found.transitions, 'transition', grouped=True)}"


def _bound(bound: Bound) -> str:
    """The bound in words."""
    limits = [
        f"a pool of {count_of(bound.pool, 'page')}"
        + (f" and up to {count_of(bound.overcommit, 'surplus page')}" if bound.overcommit else ""),
        count_of(bound.processes, "process"),
        f"{count_of(bound.pages, 'private page')} each" if bound.pages else "",
        f"{count_of(bound.shared, 'page')} of a shared file" if bound.shared else "",
        f"a mount with size {bound.size}" if bound.size is not None else "",
        f"a mount with min_size {bound.min_size}" if bound.min_size is not None else "",
        f"a cgroup with max {bound.cgroup_max}" if bound.cgroup_max is not None else "",
        f"a cgroup with rsvd.max {bound.cgroup_rsvd_max}" if bound.cgroup_rsvd_max is not None else "",
    ]
    return f"{', '.join(filter(None, limits))}; {' '.join(bound.operations)}"
