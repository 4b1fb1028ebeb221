"""`hugeresv check`."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from hugeresv.auditing.check import BaseUnavailableError, Opened, all_scenarios, opened_for_check
from hugeresv.cli.exit_status import CONTRADICTED, HELD, ExitStatus, report_bug, report_error, report_warning
from hugeresv.cli.files import read_files
from hugeresv.cli.help import examples
from hugeresv.cli.interrupted import interruptible, status_after
from hugeresv.cli.options import KernelName, ScenarioPath, Seconds, color_option
from hugeresv.cli.output_file import replace_output, try_folder, try_output
from hugeresv.cli.terminal import Colour, standard_output
from hugeresv.errors import HugeresvError, InputError, UnavailableError
from hugeresv.kernels.built import is_path
from hugeresv.kernels.grammar import GUEST
from hugeresv.reports.check import ProgressLines, progress_line, show_checked
from hugeresv.reports.check_formats import to_json, to_junit, to_tap
from hugeresv.reports.finding_folder import FindingFolders
from hugeresv.reports.spelling import spell_name
from hugeresv.scenario.scenario import Scenario
from hugeresv.search.check.check import Check, Effort
from hugeresv.search.check.checked import Checked, NoStore
from hugeresv.search.fresh import SHORTEN_SECONDS

UNTESTABLE = 125
"""What `git bisect run` takes for a commit that cannot be tested."""
UNUSABLE = 128
"""What ends `git bisect run`: it is not the commit's fault."""


class _Unusable(click.UsageError):
    exit_code = UNUSABLE


class _Bisecting(click.Command):
    """A command whose options, where they are wrong, end a bisection: git takes status 2 for a bad commit."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        bisect = "--bisect" in args
        try:
            rest = super().parse_args(ctx, args)
            if ctx.params["tap"] and ctx.params["as_json"]:
                raise click.UsageError("--tap and --json exclude each other: give one of them", ctx)
        except click.UsageError as error:
            if bisect:
                raise _Unusable(error.format_message(), ctx) from error
            raise
        return rest


@click.command(
    cls=_Bisecting,
    epilog=examples(
        "hugeresv check guest:6.12",
        "hugeresv check ~/linux --base guest:6.12 --time 300",
        "hugeresv check ~/linux --bisect --time 0 finding-1/scenario.scn",
    ),
)
@click.argument("kernel_name", metavar="KERNEL", type=KernelName())
@click.argument("files", metavar="[FILE]...", type=ScenarioPath(), nargs=-1)
@click.option(
    "--base", metavar="KERNEL", type=KernelName(), help=("Compare with this kernel, for example the unpatched one.")
)
@click.option(
    "--time",
    "seconds",
    type=Seconds(),
    default=60.0,
    show_default=True,
    help=("Run random scenarios for this many seconds."),
)
@click.option(
    "--seed", default="0", show_default=True, help=("Choose the random scenarios; the same seed gives the same ones.")
)
@click.option("--findings", type=click.IntRange(1), default=5, show_default=True, help="Stop after this many findings.")
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write a folder for each finding: scenario, reproducer in C, kernel log, answers, page, commands.",
)
@click.option("--tap", is_flag=True, help="Print TAP, version 13, and nothing else.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, hugeresv-check/1, and nothing else.")
@click.option(
    "--junit",
    metavar="XML",
    type=click.Path(dir_okay=False, path_type=Path),
    help=("Write the result to this file as JUnit XML."),
)
@click.option("--bisect", is_flag=True, help="Stop at the first finding, with an exit status for `git bisect run`.")
@click.option("--no-audit", is_flag=True, help="Compare answers only; do not read the kernels' memory.")
@color_option
def check(
    kernel_name: str,
    files: tuple[Path, ...],
    base: str | None,
    seconds: float,
    seed: str,
    findings: int,
    out: Path | None,
    tap: bool,
    as_json: bool,
    junit: Path | None,
    bisect: bool,
    no_audit: bool,
    color: Colour,
) -> int:
    """Tell whether a kernel's hugetlb is right: run every scenario, and random ones, on it and on a correct kernel.

    KERNEL is a guest (guest:6.12), a bzImage or vmlinux, a source tree with a built kernel, or a behaviour. It is
    compared with the behaviour closest to its release, or with --base, and its memory is audited after every step. A
    finding is a different answer, a crash, a hang, a warning, or an invariant that the base does not break at that
    step. Each finding is run again on fresh guests, and shortened to the steps it needs. With FILE, only these
    scenarios are run; their expectations are not checked, which `hugeresv run` does.

    Exit status: 0 no finding, 1 a finding, 2 wrong input, 3 the kernel cannot be examined here. With --bisect, an image
    or a tree that cannot be examined is 125, as is a difference that does not come again, and every other error is 128,
    which ends the bisection.
    """
    named, status = _named(files)
    if status:
        return UNUSABLE if bisect else status
    effort = Effort(seconds, 1 if bisect else findings, 0.0 if bisect else SHORTEN_SECONDS, seed)
    try:
        if out is not None:
            try_folder(_made(out), out)
        if junit is not None:
            try_output(junit)
        with interruptible(), opened_for_check(kernel_name, base, audited=not no_audit) as opened:
            _must_be_audited(opened, asked=not no_audit, bisect=bisect)
            return _check(opened, named, effort, out, _Printed(tap, as_json, junit, color), bisect=bisect)
    except BaseUnavailableError as error:
        return _failed(error, UNUSABLE, bisect=bisect)
    except UnavailableError as error:
        return _failed(error, UNTESTABLE if _of_commit(kernel_name) else UNUSABLE, bisect=bisect)
    except HugeresvError as error:
        return _failed(error, UNUSABLE, bisect=bisect)
    except Exception as error:
        if not bisect:
            raise
        report_bug(error)
        return UNUSABLE


def _of_commit(kernel_name: str) -> bool:
    """Whether it is another kernel at every commit: a file or a tree. One that only has a name is the same at all."""
    return is_path(kernel_name.partition(",")[0].removeprefix(GUEST))


def _failed(error: HugeresvError, status: int, *, bisect: bool) -> int:
    report_error(str(error))
    return status if bisect else error.exit_status


def _must_be_audited(opened: Opened, *, asked: bool, bisect: bool) -> None:
    """Warn of an audit that cannot be had; without it a bisection would take a bad kernel for a good one."""
    if opened.audits is not None or not asked:
        return
    if bisect:
        raise UnavailableError(
            f"{opened.kernel.name} cannot be audited: {opened.why_not}; --no-audit compares answers only"
        )
    report_warning(f"the memory of {opened.kernel.name} is not audited: {opened.why_not}")


def _check(
    opened: Opened,
    named: Sequence[tuple[str, Scenario]],
    effort: Effort,
    out: Path | None,
    printed: _Printed,
    *,
    bisect: bool,
) -> int:
    folders = None if out is None else FindingFolders(out, opened.kernel, opened.base)
    progress, begin = ProgressLines(sys.stderr), time.monotonic()

    def show(checked: Checked) -> None:
        seconds = time.monotonic() - begin
        progress.show(progress_line(checked, seconds), seconds)

    running = Check(opened.kernel, opened.base, opened.audits, effort, folders or NoStore(), show)
    interrupted = None
    try:
        running.run(named or all_scenarios())
    except KeyboardInterrupt as interrupt:
        interrupted = status_after(interrupt)
    progress.end()
    printed.show(running.checked, folders)
    found = HELD if running.checked.clean else CONTRADICTED
    if bisect and found == HELD and running.checked.unconfirmed:
        found = UNTESTABLE
    return found if interrupted is None else interrupted


def _made(folder: Path) -> Path:
    """The folder, which is there then. Raises InputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made: {error.strerror}") from error
    return folder


def _named(files: Sequence[Path]) -> tuple[list[tuple[str, Scenario]], int]:
    """The scenarios of files, by name, and the exit status of reading them."""
    status = ExitStatus()
    named = [
        (spell_name(str(file.path), identifier), scenario)
        for file in read_files(tuple(files), status)
        for identifier, scenario in file.entries()
    ]
    return named, status.value


class _Printed:
    """What is printed, and written besides."""

    def __init__(self, tap: bool, as_json: bool, junit: Path | None, color: Colour) -> None:
        self._tap = tap
        self._as_json = as_json
        self._junit = junit
        self._color = color

    def show(self, checked: Checked, folders: FindingFolders | None) -> None:
        if self._tap:
            sys.stdout.write(to_tap(checked))
        elif self._as_json:
            sys.stdout.write(to_json(checked, folders) + "\n")
        else:
            show_checked(standard_output(self._color), checked, folders)
        if self._junit is not None:
            replace_output(self._junit, to_junit(checked))
