"""`run --locks` and `run --fail-each`: what is wrong with locks, and what allocations break when they fail."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from hugeresv.plain import agree, count_of
from hugeresv.reports.screen import Screen
from hugeresv.search.interleave.failures import Failure
from hugeresv.search.interleave.locking import Fault


def faults_as_json(file: str, identifier: str, faults: Sequence[Fault]) -> str:
    """One line a scenario."""
    rows = [{"name": fault.name, "message": fault.message, "uses": list(map(str, fault.uses))} for fault in faults]
    return json.dumps({"file": file, "id": identifier, "locks": rows})


def failures_as_json(file: str, identifier: str, failures: Sequence[Failure]) -> str:
    """One line a scenario, with every allocation that was failed."""
    rows = [
        {
            "step": each.step,
            "fails": each.number,
            "allocation": each.what,
            "outcome": each.outcome,
            "violations": [asdict(violation) for violation in each.violations],
            "broken_at": each.broken_at,
        }
        for each in failures
    ]
    return json.dumps({"file": file, "id": identifier, "failures": rows})


def show_faults(screen: Screen, file: str, kernel: str, faults: Sequence[Fault]) -> None:
    """The locks of one scenario's calls."""
    if not faults:
        screen.paragraph(
            f"{file} on {kernel}: every use keeps its rule, and uses of two tasks share a lock", "  ", first=""
        )
        return
    screen.paragraph(f"{file} on {kernel}", "  ", first="", bold=True)
    for fault in faults:
        screen.paragraph(f"{fault.name}: {fault.message}", "    ", first="  ! ", fg="red")
        for use in fault.uses:
            screen.paragraph(str(use), "        ", first="      ")


def show_failures(screen: Screen, file: str, kernel: str, failures: Sequence[Failure]) -> None:
    """The allocations of one scenario."""
    broken = [each for each in failures if each.violations]
    many = f"{count_of(len(failures), 'allocation')} failed, one a run"
    verdict = (
        f"{len(broken)} {agree(len(broken), 'breaks', 'break')} an invariant" if broken else "every invariant holds"
    )
    screen.paragraph(f"{file} on {kernel}: {many}; {verdict}", "  ", first="", bold=bool(broken))
    for each in broken:
        where = "when everything is gone" if each.broken_at is None else f"after step {each.broken_at}"
        what = f"step {each.step} fails={each.number} ({each.what}) answers {each.outcome}; {where}:"
        screen.paragraph(what, "    ", first="  ! ", fg="red")
        for violation in each.violations:
            screen.paragraph(str(violation), "        ", first="      ")
