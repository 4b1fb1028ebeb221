"""`hugeresv run`. What only some runs need is imported by them: a start with --json draws nothing."""

from __future__ import annotations

import sys
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hugeresv.cli.exit_status import CONTRADICTED, HELD, ExitStatus, report_warning
from hugeresv.cli.files import ScenarioFile, check_files, read_files
from hugeresv.cli.help import examples
from hugeresv.cli.options import color_option, files_argument, html_option, on_kernel
from hugeresv.cli.output_file import replace_output, try_output
from hugeresv.errors import InputError
from hugeresv.kernels.grammar import DEFAULT, GUEST, known_kernels, open_kernel
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.play.expected_names import unknown_names
from hugeresv.play.often import TIMES, is_chance, play_often
from hugeresv.play.play import play, violates
from hugeresv.scenario.format_error import did_you_mean
from hugeresv.scenario.load import dump

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hugeresv.cli.terminal import Colour
    from hugeresv.kernels.protocol import Kernel
    from hugeresv.play.insight import Seer
    from hugeresv.play.play import Attendant, Result
    from hugeresv.reports.html.run import RunPage
    from hugeresv.reports.json_rows import JsonRows
    from hugeresv.reports.run import RunReport
    from hugeresv.scenario.scenario import Scenario
    from hugeresv.search.known import KnownViolations

    Report = JsonRows | RunReport | RunPage


@click.command(
    epilog=examples(
        "hugeresv run split-middle",
        "hugeresv run --on count-in-vma split-middle",
        "hugeresv run --on 6.18,zap-restore=never --json fork",
        "hugeresv run --on 6.18 --html fork.html fork",
    )
)
@on_kernel
@click.option("--kernel", "image", metavar="PATH", help="Run a kernel of your own in a guest, like --on guest:PATH.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each step and nothing else.")
@html_option
@click.option(
    "--record",
    is_flag=True,
    help=(
        "Write the answers into FILE as expectations: for all kernels with --on ideal, otherwise for "
        "KERNEL where it differs."
    ),
)
@click.option("--audit", is_flag=True, help="Check the ledger in the guest's memory after every step.")
@click.option(
    "--locks", is_flag=True, help=("Check whether the calls hold the locks that each datum needs; do not draw them.")
)
@click.option(
    "--fail-each", is_flag=True, help=("Let each allocation fail once, in a run of its own; do not draw the calls.")
)
@click.option(
    "--times",
    metavar="N",
    type=click.IntRange(1),
    default=TIMES,
    show_default=True,
    help="Play a scenario with calls at once N times, where KERNEL is host or a guest.",
)
@color_option
@files_argument
def run(
    kernel_name: str,
    image: str | None,
    as_json: bool,
    html: Path | None,
    record: bool,
    audit: bool,
    locks: bool,
    fail_each: bool,
    times: int,
    color: Colour,
    files: tuple[Path, ...],
) -> int:
    """Run scenarios and draw what happens, step by step.

    FILE is a path (.scn, .json, .jsonl, or a folder of them), or the name of a scenario that comes with hugeresv:

    \b
      consumption  cow-steal     exhaustion  fork          noreserve
      overcommit   shared-reuse  split-left  split-middle  split-mprotect
      split-right  and two folders: behaviours, history

    With --audit, a ledger that is not true fails the run, unless the behaviour closest to the guest's release breaks
    the same invariant at the same step.

    Exit status: 0 everything as expected, 1 something not as expected, 2 a file is wrong, 3 it cannot be run here.
    """  # noqa: D301  the backspace keeps click from wrapping
    if image is not None:
        if kernel_name != DEFAULT:
            raise click.UsageError("--on and --kernel both name a kernel; leave one out")
        kernel_name = GUEST + str(Path(image).absolute())
    if locks or fail_each:
        if html is not None or record or audit or (locks and fail_each):
            raise click.UsageError("--locks and --fail-each take only --on, --json and --color beside them")
        return _judge(kernel_name, files, color, as_json=as_json, locks=locks)
    if html is not None and as_json:
        raise click.UsageError("--html and --json exclude each other")
    status = ExitStatus()
    if html is not None:
        try_output(html)
    with status.going_on(), open_kernel(kernel_name) as kernel:
        page = None if html is None else _page(kernel)
        report = page or (_rows() if as_json else _pictures(kernel, color, audited=audit))
        seer = _auditor(kernel) if audit else None
        runs = _Runs(kernel, report, status, page, draw=not as_json, record=record, audit=seer, times=times)
        for file in read_files(files, status):
            runs.file(file)
        report.total()
        if page and html and not page.is_empty:
            _write(page, html, color)
        return status.value
    check_files(files, status)
    return status.value


def _judge(kernel_name: str, files: tuple[Path, ...], color: Colour, *, as_json: bool, locks: bool) -> int:
    """Locks, or allocations that fail, of every scenario."""
    from hugeresv.cli.terminal import standard_output
    from hugeresv.reports import locking as report
    from hugeresv.search.interleave.failures import fail_each
    from hugeresv.search.interleave.locking import judge_locks, needs_model

    status = ExitStatus()
    screen = standard_output(color)
    with status.going_on(), open_kernel(kernel_name) as opened:
        kernel = needs_model(opened, kernel_name)
        for file in read_files(files, status):
            for identifier, scenario in file.entries():
                with status.going_on(file.name):
                    if locks:
                        faults = judge_locks(scenario, kernel)
                        wrong = bool(faults)
                        line = report.faults_as_json(file.name, identifier, faults)
                        show = partial(report.show_faults, screen, file.name, kernel.name, faults)
                    else:
                        failures = list(fail_each(scenario, kernel))
                        wrong = any(each.violations for each in failures)
                        line = report.failures_as_json(file.name, identifier, failures)
                        show = partial(report.show_failures, screen, file.name, kernel.name, failures)
                    status.note(CONTRADICTED if wrong else HELD)
                    if as_json:
                        print(line)  # noqa: T201  the result itself
                    else:
                        show()
    return status.value


def _rows() -> Report:
    from hugeresv.reports.json_rows import JsonRows

    return JsonRows(sys.stdout)


def _pictures(kernel: Kernel, color: Colour, *, audited: bool) -> Report:
    from hugeresv.cli.terminal import standard_output
    from hugeresv.reports.run import RunReport

    return RunReport(standard_output(color), kernel, audited=audited)


def _page(kernel: Kernel) -> RunPage:
    from hugeresv.reports.html.run import RunPage

    return RunPage(kernel)


def _write(page: RunPage, path: Path, color: Colour) -> None:
    from hugeresv.cli.terminal import standard_output

    replace_output(path, page.text.encode(errors="backslashreplace"))
    page.sum_up(standard_output(color))


def _auditor(kernel: Kernel) -> Seer:
    from hugeresv.auditing.steps import auditor

    return auditor(kernel)


class _Runs:
    """Runs scenarios on one kernel for one report."""

    def __init__(
        self,
        kernel: Kernel,
        report: Report,
        status: ExitStatus,
        page: RunPage | None,
        *,
        draw: bool,
        record: bool,
        audit: Seer | None,
        times: int,
    ) -> None:
        """`page`: the report, where that is a page."""
        self._kernel = kernel
        self._report = report
        self._status = status
        self._page = page
        self._draw = draw
        self._record = record
        self._audit = audit
        self._times = times

    def file(self, file: ScenarioFile) -> None:
        """All scenarios of a file, which is written only if all of them could be run."""
        with self._status.going_on():
            if self._record and file.is_packaged:
                copy = f"hugeresv convert {file.name} -o COPY.scn"
                raise InputError(f"{file.name}: is part of hugeresv and is not changed; record a copy: {copy}")
            after = self._played(file)
            if self._record and len(after) == len(file.scenarios):
                dump(after, file.path)

    def _played(self, file: ScenarioFile) -> list[Scenario]:
        """The scenarios that could be run, as they are to be recorded."""
        self._warn(file)
        after: list[Scenario] = []
        for identifier, scenario in file.entries():
            played = len(after)
            with self._status.going_on(file.name):
                after.append(self._scenario(file.name, identifier, scenario))
            if len(after) == played:
                self._report.unfinished(file.name, identifier)
        return after

    def _scenario(self, name: str, identifier: str, scenario: Scenario) -> Scenario:
        """Run it; the scenario as it is to be recorded."""
        film = self._page.film(scenario) if self._page else None
        results = self._results(scenario, film)
        first = next(results)
        self._report.scenario(name, identifier, scenario)
        kept = []
        violated = False
        known = self._known(scenario)
        for result in chain([first], results):
            self._report.result(result)
            violated = violated or violates(result)
            if known is not None and not known.has(result):
                self._report.untrue(known.behaviour.name)
                self._status.note(CONTRADICTED)
                known = None
            if result.contradictions:
                self._status.note(CONTRADICTED)
            if self._record:
                kept.append(result)
        if violated and self._draw and isinstance(self._kernel, ModelKernel):
            from hugeresv.search.known import explain

            self._report.causes(explain(scenario, self._kernel.behaviour))
        if not self._record:
            return scenario
        from hugeresv.play.record import recorded

        return recorded(scenario, kept, self._kernel.expectation_names)

    def _results(self, scenario: Scenario, film: Attendant | None) -> Iterator[Result]:
        if film or not is_chance(scenario, self._kernel):
            return play(scenario, self._kernel, show=self._draw and not film, audit=self._audit, attend=film)
        return play_often(scenario, self._kernel, self._times, show=self._draw, audit=self._audit)

    def _known(self, scenario: Scenario) -> KnownViolations | None:
        """What the model of a guest's kernel violates, where the guest is audited."""
        if self._audit is None or not self._kernel.real:
            return None
        from hugeresv.kernels.guest.kernel import GuestKernel
        from hugeresv.search.known import KnownViolations

        return KnownViolations(scenario, self._kernel.behaviour) if isinstance(self._kernel, GuestKernel) else None

    def _warn(self, file: ScenarioFile) -> None:
        """Name, once each, what is expected of kernels that do not exist: a misspelt name switches a check off."""
        names = self._kernel.expectation_names
        for name in dict.fromkeys(chain.from_iterable(unknown_names(each, names) for each in file.scenarios)):
            near = did_you_mean(name, known_kernels())
            report_warning(f"{file.name}: expectations for {name!r} are never checked: no kernel has this name{near}")
