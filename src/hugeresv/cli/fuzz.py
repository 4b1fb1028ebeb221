"""`hugeresv fuzz`."""

from __future__ import annotations

import sys
import time
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

import click

from hugeresv.cli.help import examples
from hugeresv.cli.options import KernelName, color_option
from hugeresv.cli.terminal import Colour, standard_output
from hugeresv.reports.campaign import end_progress, show_finding, show_progress, show_tally
from hugeresv.scenario.load import dump
from hugeresv.search.fuzz.campaign import Budget, Tally
from hugeresv.search.fuzz.campaign import fuzz as run_campaign


@click.command(
    epilog=examples("hugeresv fuzz 6.18 ideal --seed 1 --scenarios 100", "hugeresv fuzz 6.18 host --time 60")
)
@click.argument("left", metavar="KERNEL", type=KernelName())
@click.argument("right", metavar="KERNEL", type=KernelName())
@click.option("--seed", default="0", show_default=True, help="Decides, with its number, what each scenario is.")
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
    begin = time.monotonic()
    tally = Tally()

    def progress(so_far: Tally, elapsed: float) -> None:
        nonlocal tally
        tally = so_far
        if sys.stderr.isatty():
            show_progress(sys.stderr, so_far, elapsed)

    with _executor(jobs, left, right) as executor, suppress(KeyboardInterrupt):
        run_campaign(
            left,
            right,
            seed=seed,
            length=length,
            budget=Budget(scenarios, steps, seconds, findings),
            progress=progress,
            executor=executor,
        )
    if sys.stderr.isatty():
        end_progress(sys.stderr)
    screen = standard_output(color)
    show_tally(screen, tally, time.monotonic() - begin)
    output.mkdir(parents=True, exist_ok=True)
    for number, finding in enumerate(tally.findings, 1):
        path = output / f"fuzz-{seed}-{number}.scn"
        dump([finding.scenario], path)
        show_finding(screen, finding, path)
    return 1 if tally.findings else 0


def _executor(jobs: int, left: str, right: str) -> AbstractContextManager[Executor | None]:
    """Processes to spread a campaign over; one job stays in this process. The host's pool has one user at a time."""
    if jobs == 1:
        return nullcontext()
    if "host" in (left, right):
        raise click.UsageError("--jobs: the host's pool has one user at a time; leave --jobs out")
    return ProcessPoolExecutor(jobs)
