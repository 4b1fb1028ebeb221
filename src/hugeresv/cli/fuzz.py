"""`hugeresv fuzz`."""

from __future__ import annotations

import os
import re
import sys
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

import click

from hugeresv.cli.help import examples
from hugeresv.cli.options import KernelName, color_option
from hugeresv.cli.terminal import Colour, standard_output
from hugeresv.errors import InputError
from hugeresv.kernels.syscalls import die_with
from hugeresv.reports.campaign import end_progress, show_finding, show_progress, show_tally
from hugeresv.reports.screen import Screen
from hugeresv.scenario.load import dump
from hugeresv.search.fuzz.campaign import Budget, Draws, Tally
from hugeresv.search.fuzz.campaign import fuzz as run_campaign


@click.command(
    epilog=examples("hugeresv fuzz 6.18 ideal --seed 1 --scenarios 100", "hugeresv fuzz 6.18 host --time 60")
)
@click.argument("left", metavar="KERNEL", type=KernelName())
@click.argument("right", metavar="KERNEL", type=KernelName())
@click.option("--seed", default="0", show_default=True, help="Decides, with its number, what each scenario is.")
@click.option("--first", type=click.IntRange(0), default=0, show_default=True, help="Number of the first scenario.")
@click.option("--scenarios", type=click.IntRange(1), help="Stop after so many scenarios.")
@click.option("--steps", type=click.IntRange(1), help="Stop after so many steps.")
@click.option("--time", "seconds", type=click.FloatRange(0), help="Stop after so many seconds.")
@click.option("--length", type=click.IntRange(1), default=40, show_default=True, help="Most steps of one scenario.")
@click.option(
    "--findings", type=click.IntRange(1), default=1, show_default=True, help="Stop after so many differences."
)
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes to run scenarios in.")
@click.option(
    "--output", "-o", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Folder for what is found."
)
@color_option
def fuzz(
    left: str,
    right: str,
    seed: str,
    first: int,
    scenarios: int | None,
    steps: int | None,
    seconds: float | None,
    length: int,
    findings: int,
    jobs: int,
    output: Path,
    color: Colour,
) -> int:
    """Run random scenarios on two kernels in lockstep and shrink what tells them apart.

    Outcome, counters, cgroups and statfs are compared after every step, and what has leaked at the end. A difference is
    shrunk to a short scenario, written as .scn. Without a limit, 1000 scenarios are run. Exit status 1 if the kernels
    differ.
    """
    if scenarios is steps is seconds is None:
        scenarios = 1000
    campaign = _Campaign(seed, output)
    with suppress(KeyboardInterrupt), _executor(jobs, left, right) as executor:
        run_campaign(
            left,
            right,
            Draws(seed, length, first),
            Budget(scenarios, steps, seconds, findings),
            campaign.progress,
            executor=executor,
            workers=jobs,
        )
    return campaign.end(standard_output(color))


class _Campaign:
    """Shows how it goes, and writes what is found as soon as it is."""

    def __init__(self, seed: str, output: Path) -> None:
        """Raises InputError for a folder that cannot be made."""
        try:
            output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{output}: cannot be made: {error.strerror}") from error
        self._stem = output / f"fuzz-{re.sub('[^A-Za-z0-9._-]', '-', seed)}"
        self._tally = Tally()
        self._seconds = 0.0
        self._written: list[Path] = []

    def progress(self, tally: Tally, seconds: float) -> None:
        """After every scenario, or batch of them."""
        self._tally, self._seconds = tally, seconds
        for finding in tally.findings[len(self._written) :]:
            path = self._stem.with_name(f"{self._stem.name}-{len(self._written) + 1}.scn")
            dump([finding.scenario], path)
            self._written.append(path)
        if sys.stderr.isatty():
            show_progress(sys.stderr, tally, seconds)

    def end(self, screen: Screen) -> int:
        """The report; the exit status."""
        if sys.stderr.isatty():
            end_progress(sys.stderr)
        show_tally(screen, self._tally, self._seconds)
        for finding, path in zip(self._tally.findings, self._written, strict=True):
            show_finding(screen, finding, path)
        return 1 if self._written else 0


def _executor(jobs: int, left: str, right: str) -> AbstractContextManager[Executor | None]:
    """Processes to spread a campaign over; one job stays in this process. The host's pool has one user at a time."""
    if jobs == 1:
        return nullcontext()
    if "host" in (left, right):
        raise click.UsageError("--jobs: the host's pool has one user at a time; leave --jobs out")
    return ProcessPoolExecutor(jobs, initializer=die_with, initargs=(os.getpid(),))
