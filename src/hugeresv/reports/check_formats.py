"""A check for programs: TAP, JUnit's XML, and JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree as ET

from hugeresv.reports.check import about
from hugeresv.reports.finding_folder import FindingFolders
from hugeresv.reports.spelling import spell
from hugeresv.scenario.json_format import format_json
from hugeresv.search.check.checked import CheckCase, Checked, CheckFinding

SCHEMA = "hugeresv-check/1"

_CAMPAIGN = "random scenarios"


def to_tap(checked: Checked) -> str:
    """TAP, version 13: a test for each scenario, and the last one for the random ones."""
    cases = _all_cases(checked)
    lines = ["TAP version 13", f"1..{len(cases)}"]
    for number, case in enumerate(cases, 1):
        verdict = "ok" if case.finding is None else "not ok"
        skip = f" # SKIP {case.skipped}" if case.skipped is not None else ""
        lines.append(f"{verdict} {number} - {case.name}{skip}".replace("\n", " "))
        if case.finding is not None:
            lines += [f"# {line}" for line in _told(case.finding)]
    return "\n".join(lines) + "\n"


def to_junit(checked: Checked) -> bytes:
    """The XML that JUnit's Ant task writes: one suite, a test case for each scenario and one for the random ones."""
    cases = _all_cases(checked)
    suite = ET.Element(
        "testsuite",
        name=f"hugeresv check {checked.kernel} --base {checked.base}",
        tests=str(len(cases)),
        failures=str(sum(case.finding is not None for case in cases)),
        errors="0",
        skipped=str(sum(case.skipped is not None for case in cases)),
        time=f"{checked.seconds:.3f}",
    )
    for case in cases:
        test = ET.SubElement(suite, "testcase", classname="hugeresv.check", name=case.name)
        if case.skipped is not None:
            ET.SubElement(test, "skipped", message=case.skipped)
        if case.finding is not None:
            message = case.finding.scenario.title or ""
            failure = ET.SubElement(test, "failure", type=case.finding.kind, message=message)
            failure.text = _of_xml("\n".join(_told(case.finding)))
    ET.indent(suite)
    text = ET.tostring(suite, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def to_json(checked: Checked, folders: FindingFolders | None) -> str:
    """One object, on one line; docs/check.md says what the keys are."""
    return json.dumps(
        {
            "schema": SCHEMA,
            "kernel": checked.kernel,
            "base": checked.base,
            "audited": checked.audited,
            "complete": checked.complete,
            "clean": checked.clean,
            "seconds": round(checked.seconds, 3),
            "steps": checked.steps,
            "random": checked.drawn,
            "random_left_out": checked.left_out,
            "scenarios": [_case(case) for case in checked.cases],
            "findings": [_finding(each, folders.of(each) if folders else None) for each in checked.findings],
            "unconfirmed": [_finding(each, folders.of(each) if folders else None) for each in checked.unconfirmed],
        }
    )


def _case(case: CheckCase) -> dict[str, object]:
    finding = case.finding.number if case.finding else None
    return {"name": case.name, "skipped": case.skipped, "finding": finding}


def _finding(finding: CheckFinding, folder: Path | None) -> dict[str, object]:
    left, right = finding.divergence.left, finding.divergence.right
    return {
        "number": finding.number,
        "kind": str(finding.kind),
        "title": finding.scenario.title,
        "name": finding.name,
        "also": finding.also,
        "step": finding.divergence.number if finding.divergence.step is not None else None,
        "outcomes": [str(left.outcome), str(right.outcome)],
        "report": right.report.line if right.report else None,
        "violations": [asdict(violation) for violation in finding.divergence.beyond],
        "comes_again": finding.confirmed,
        "seen": finding.sightings.seen,
        "runs": finding.sightings.runs,
        "why_not": finding.why_not or None,
        "short": finding.short,
        "steps_before": finding.steps_before,
        "seconds": round(finding.seconds, 3),
        "folder": str(folder) if folder else None,
        "scenario": json.loads(format_json(finding.scenario)),
    }


def _all_cases(checked: Checked) -> list[CheckCase]:
    """The scenarios, and one case for the random ones: it has what only these have shown."""
    shown = {case.finding.number for case in checked.cases if case.finding is not None}
    drawn = next((finding for finding in checked.findings if finding.number not in shown), None)
    if not checked.drawn and drawn is None:
        return checked.cases
    return [*checked.cases, CheckCase(f"{checked.drawn} {_CAMPAIGN}", finding=drawn)]


def _told(finding: CheckFinding) -> list[str]:
    text = [finding.scenario.title or "", *about(finding), *(spell(step.operation) for step in finding.scenario.steps)]
    return [line for each in text for line in each.split("\n")]


def _of_xml(text: str) -> str:
    """Without characters that XML cannot have."""
    return "".join(character for character in text if character >= " " or character in "\t\n")
