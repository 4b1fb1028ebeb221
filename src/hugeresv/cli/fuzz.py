"""`hugeresv fuzz`."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import click

from hugeresv.cli.help import examples
from hugeresv.cli.interrupted import interruptible, status_after
from hugeresv.cli.options import KernelName, Seconds, color_option
from hugeresv.cli.terminal import Colour, standard_output
from hugeresv.errors import HugeresvError, InputError
from hugeresv.kernels.grammar import is_real
from hugeresv.kernels.guest.options import MOST_NODES
from hugeresv.kernels.syscalls import die_with
from hugeresv.reports.campaign import end_progress, show_finding, show_progress, show_tally
from hugeresv.reports.screen import Screen
from hugeresv.search.fuzz.campaign import Budget, Draws, Tally
from hugeresv.search.fuzz.campaign import fuzz as run_campaign
from hugeresv.search.fuzz.kept import Kept


@click.command(
    epilog=examples(
        "hugeresv fuzz 6.18 ideal --seed 1 --scenarios 100",
        "hugeresv fuzz 6.18 host --time 60",
        "hugeresv fuzz --together ideal,races-counted-twice=on --scenarios 10000",
    )
)
@click.argument("left", metavar="KERNEL", type=KernelName())
@click.argument("right", metavar="[KERNEL]", type=KernelName(), required=False)
@click.option(
    "--together",
    is_flag=True,
    help="End each scenario with concurrent calls. With one KERNEL, find an order of them that is wrong.",
)
@click.option(
    "--seed",
    default="0",
    show_default=True,
    help=("Choose the scenarios: the same seed and number give the same scenario."),
)
@click.option(
    "--first", type=click.IntRange(0), default=0, show_default=True, help=("Begin with the scenario of this number.")
)
@click.option("--scenarios", type=click.IntRange(1), help="Stop after this many scenarios.")
@click.option("--steps", type=click.IntRange(1), help="Stop after this many steps.")
@click.option("--time", "seconds", type=Seconds(), help="Stop after this many seconds.")
@click.option(
    "--length",
    type=click.IntRange(1),
    default=40,
    show_default=True,
    help=("Draw scenarios of at most this many steps."),
)
@click.option(
    "--nodes",
    type=click.IntRange(1, MOST_NODES),
    default=1,
    show_default=True,
    help="Draw scenarios for machines with this many NUMA nodes. For guest:NAME,nodes=3 it is 3 without this option.",
)
@click.option(
    "--findings", type=click.IntRange(1), default=1, show_default=True, help="Stop after this many differences."
)
@click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help=("Run scenarios in this many processes.")
)
@click.option("--no-states", is_flag=True, help="Do not count the states that are reached; models are faster so.")
@click.option(
    "--output",
    "-o",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Write each difference into this folder.",
)
@color_option
def fuzz(
    left: str,
    right: str | None,
    together: bool,
    seed: str,
    first: int,
    scenarios: int | None,
    steps: int | None,
    seconds: float | None,
    length: int,
    nodes: int,
    findings: int,
    no_states: bool,
    jobs: int,
    output: Path,
    color: Colour,
) -> int:
    """Run random scenarios on two kernels in lockstep, and shrink a scenario on which they differ.

    After every step the answer, counters, cgroups and statfs are compared, and at the end what has leaked. A guest
    that crashes, hangs or prints a warning differs, too. A difference is written to FOLDER when it is found, and again
    when it is shrunk: the scenario as .scn, a kernel's log as .log. Without a limit, 1000 scenarios are run.

    Exit status: 0 no finding, 1 a difference or a wrong order, 130 after Ctrl-C, 143 after SIGTERM.
    """
    _check_kernels(left, right, together=together)
    if scenarios is steps is seconds is None:
        scenarios = 1000
    campaign = _Campaign(seed, output)
    interrupted = None
    try:
        with interruptible(), _executor(jobs, left, right) as executor:
            run_campaign(
                left,
                right,
                Draws(seed, length, first, nodes, no_states, together),
                Budget(scenarios, steps, seconds, findings),
                campaign.progress,
                executor=executor,
                workers=jobs,
                keep=campaign.kept,
            )
    except KeyboardInterrupt as interrupt:
        interrupted = status_after(interrupt)
    except HugeresvError:
        if campaign.begun:
            campaign.end(standard_output(color))
        raise
    found = campaign.end(standard_output(color))
    return found if interrupted is None else interrupted


def _check_kernels(left: str, right: str | None, *, together: bool) -> None:
    """Raises UsageError where the campaign takes one kernel more, or cannot have these two."""
    if right is None and not together:
        raise click.UsageError("Missing argument 'KERNEL': name a second one, or try concurrent calls with --together")
    real = [name for name in (left, right) if name is not None and is_real(name)]
    if together and right is None and real:
        raise click.UsageError(f"orders of calls are tried on models; name a second KERNEL beside {left}, such as 6.18")
    if together and len(real) > 1:
        raise click.UsageError("--together: concurrent calls of a real kernel are compared with a model; name one")


class _Campaign:
    """Shows how it goes."""

    def __init__(self, seed: str, output: Path) -> None:
        """Raises InputError for a folder that cannot be made."""
        try:
            output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{output}: cannot be made: {error.strerror}") from error
        self.kept = Kept(output, f"fuzz-{re.sub('[^A-Za-z0-9._-]', '-', seed)}")
        self._tally = Tally()
        self._seconds = 0.0

    @property
    def begun(self) -> bool:
        """Whether there is anything to report."""
        return self._tally.scenarios > 0

    def progress(self, tally: Tally, seconds: float) -> None:
        """After every scenario, or batch of them."""
        self._tally, self._seconds = tally, seconds
        if sys.stderr.isatty():
            show_progress(sys.stderr, tally, seconds)

    def end(self, screen: Screen) -> int:
        """The report; the exit status."""
        if sys.stderr.isatty():
            end_progress(sys.stderr)
        show_tally(screen, self._tally, self._seconds)
        for finding in (*self._tally.unconfirmed, *self._tally.findings):
            show_finding(screen, finding, self.kept)
        return 1 if self._tally.findings else 0


@contextmanager
def _executor(jobs: int, left: str, right: str | None) -> Iterator[Executor | None]:
    """Processes to spread a campaign over; one job stays in this process. The host's pool has one user at a time.

    When the campaign is interrupted they are killed: what they have found is on disk.
    """
    if jobs == 1:
        yield None
        return
    if "host" in (left, right):
        raise click.UsageError("--jobs: the host's pool has one user at a time; leave --jobs out")
    with ProcessPoolExecutor(jobs, initializer=_of_campaign, initargs=(os.getpid(),)) as executor:
        try:
            yield executor
        except KeyboardInterrupt:
            for worker in multiprocessing.active_children():
                worker.kill()
            raise


def _of_campaign(parent: int) -> None:
    """A worker ends with the campaign, and leaves Ctrl-C, which reaches both, to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with(parent)
