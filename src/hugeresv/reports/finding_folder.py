"""Everything there is of a check's findings, a folder each, written when one is seen and again when it is short."""

from __future__ import annotations

import io
import shlex
import shutil
from pathlib import Path

from hugeresv.errors import InputError
from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.protocol import Kernel
from hugeresv.play.film import filmed
from hugeresv.regular_file import replace_file
from hugeresv.reports.c.reproducer import to_c
from hugeresv.reports.compare import CompareReport
from hugeresv.reports.html.compare import ComparePage
from hugeresv.reports.screen import Screen
from hugeresv.scenario.load import to_text
from hugeresv.search.check.checked import CheckFinding

SCENARIO, PROGRAM, LOG, ANSWERS, REPEAT = "scenario.scn", "reproducer.c", "kernel.log", "answers.txt", "repeat.txt"
PAGE = "page.html"

_COLUMNS = 120


class FindingFolders:
    """The folders of one check in `directory`, which is made when there is something to put there."""

    def __init__(self, directory: Path, kernel: Kernel, base: Kernel) -> None:
        self._directory = directory
        self._kernel = kernel
        self._base = base

    def of(self, finding: CheckFinding) -> Path:
        """Its folder."""
        return self._directory / f"{'finding' if finding.confirmed else 'unconfirmed'}-{finding.number}"

    def put(self, finding: CheckFinding) -> None:
        """Write its files anew, each as a whole. Raises InputError where that cannot be done."""
        folder = self.of(finding)
        files = {SCENARIO: to_text([finding.scenario], ".scn"), ANSWERS: self._answers(finding)}
        program, why_not = self._program(finding)
        if program:
            files[PROGRAM] = program
        if report := finding.divergence.right.report:
            files[LOG] = report.log
        files[REPEAT] = self._repeat(folder, why_not)
        if finding.short:
            files[PAGE] = self._page(finding)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in files.items():
                replace_file(folder / name, text.encode(), 0o644)
        except OSError as error:
            raise InputError(f"{folder}: cannot be written: {error.strerror}") from None

    def drop(self, finding: CheckFinding) -> None:
        """Remove its folder."""
        shutil.rmtree(self.of(finding), ignore_errors=True)

    def _answers(self, finding: CheckFinding) -> str:
        """What both answered, side by side, after the steps that lead there; and what does not hold."""
        stream = io.StringIO()
        report = CompareReport(Screen(stream, _COLUMNS, colour=False, unicode=True), self._base, self._kernel)
        report.different(finding.name, finding.scenario, finding.before, finding.divergence)
        violations = "".join(f"! {violation}\n" for violation in finding.divergence.beyond)
        return stream.getvalue() + (f"\nOnly in the memory of {self._kernel.name}:\n{violations}" if violations else "")

    def _page(self, finding: CheckFinding) -> str:
        """Both kernels side by side, opened where they differ; both are played once more for it."""
        page = ComparePage(self._base, self._kernel)
        films = [filmed(finding.scenario, kernel) for kernel in (self._base, self._kernel)]
        page.add(finding.name, finding.scenario, films, finding.divergence.number)
        return page.text

    def _program(self, finding: CheckFinding) -> tuple[str, str]:
        """The reproducer in C, or why there is none."""
        base = self._base if isinstance(self._base, ModelKernel | GuestKernel) else None
        assert base is not None
        try:
            return to_c(finding.scenario, ModelKernel(base.behaviour)), ""
        except InputError as error:
            return "", str(error)

    def _repeat(self, folder: Path, why_not: str) -> str:
        """Commands that show it again."""
        kernel, base = shlex.quote(self._kernel.name), shlex.quote(self._base.name)
        scenario = shlex.quote(str(folder / SCENARIO))
        program = shlex.quote(str(folder / PROGRAM))
        compiled = shlex.quote(str(folder / "reproducer"))
        lines = [
            "Show the answers of both kernels side by side:",
            f"    hugeresv compare {base} {kernel} {scenario}",
            "Show every step, with the kernel's log and what does not hold in its memory:",
            f"    hugeresv run --audit --on {kernel} {scenario}",
            "Check this scenario alone; exit status 1 as long as the kernels differ:",
            f"    hugeresv check {kernel} --base {base} --time 0 {scenario}",
        ]
        if why_not:
            lines.append(f"There is no reproducer in C: {why_not}.")
        else:
            lines += [
                "Compile the reproducer; run it as root on the kernel itself:",
                f"    cc -static -o {compiled} {program}",
            ]
        return "\n".join(lines) + "\n"
