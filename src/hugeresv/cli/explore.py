"""`hugeresv explore`."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

import click

from hugeresv.cli.exit_status import CONTRADICTED, HELD, report_warning
from hugeresv.cli.help import examples
from hugeresv.cli.interrupted import interruptible, status_after
from hugeresv.cli.options import KernelName, color_option
from hugeresv.cli.terminal import Colour, standard_output
from hugeresv.kernels.grammar import open_kernel
from hugeresv.reports.explore import ExploreReport, as_json, end_progress, show_progress
from hugeresv.scenario.load import dump, try_dump
from hugeresv.search.explore.bound import OFFERS, USUAL, Bound
from hugeresv.search.explore.explore import ENGINES, EngineRun, search
from hugeresv.search.explore.learners import learners
from hugeresv.search.explore.result import Exploration, Shortest

_PROGRESS_SECONDS = 0.2


class _Words(click.ParamType[tuple[str, ...]]):
    """Operations, separated by commas: `usual` is those that are explored where none are named."""

    name = "words"

    def convert(
        self, value: str | tuple[str, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        words = (word.strip() for word in value.split(","))
        return tuple(dict.fromkeys(each for word in words for each in (USUAL if word == "usual" else (word,))))


_pages = click.IntRange(0)


@click.command(
    epilog=examples(
        "hugeresv explore 6.18",
        "hugeresv explore ideal --pages 1 --shared 1 --operations usual,dontneed",
        "hugeresv explore 6.12 6.18 --pages 2",
    )
)
@click.argument("kernel", metavar="KERNEL", type=KernelName())
@click.argument("other", metavar="[KERNEL]", type=KernelName(), required=False)
@click.option("--pool", type=_pages, default=4, show_default=True, help="Set the size of the pool, in pages.")
@click.option(
    "--pages", type=_pages, default=3, show_default=True, help=("Let each process map this many private pages.")
)
@click.option(
    "--shared",
    type=_pages,
    default=0,
    show_default=True,
    help=("Let all processes map a file of this many pages shared."),
)
@click.option("--processes", type=click.IntRange(1), default=2, show_default=True, help="Set the number of processes.")
@click.option(
    "--operations",
    metavar="WORDS",
    type=_Words(),
    default="usual",
    show_default=True,
    help=f"Let processes make these calls, separated by commas: {', '.join(OFFERS)}; usual is {', '.join(USUAL)}.",
)
@click.option(
    "--overcommit", type=_pages, default=0, show_default=True, help=("Let the pool have this many surplus pages.")
)
@click.option("--size", type=_pages, help="Put the files on a mount of at most this many pages (size=).")
@click.option("--min-size", type=_pages, help="Put the files on a mount of at least this many pages (min_size=).")
@click.option(
    "--cgroup-max", type=_pages, help=("Limit the pages that a cgroup may use; processes enter it by cgroup_move.")
)
@click.option("--cgroup-rsvd-max", type=_pages, help="Limit the pages that the cgroup may reserve.")
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="auto",
    show_default=True,
    help=(
        "Choose how states are computed: plain runs the model at every step; table learns rows from it, "
        "needs numpy, and is faster."
    ),
)
@click.option(
    "--symmetry/--no-symmetry",
    default=True,
    show_default=True,
    help="With the table, count states as one if they differ only in which process is which.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=lambda: len(os.sched_getaffinity(0)),
    show_default="all cores",
    help="Learn the table's rows in this many processes when there are many rows.",
)
@click.option(
    "--scheduler", metavar="ADDRESS", help="Learn rows on a Dask cluster, whose scheduler is at tcp://HOST:PORT."
)
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write the history to this file.")
@click.option("--json", "json_wanted", is_flag=True, help="Print one line of JSON and nothing else.")
@color_option
def explore(
    kernel: str,
    other: str | None,
    engine: str,
    symmetry: bool,
    jobs: int,
    scheduler: str | None,
    output: Path | None,
    json_wanted: bool,
    color: Colour,
    **limits: int | tuple[str, ...] | None,
) -> int:
    """Try every history within a bound; show the shortest that breaks an invariant.

    With a second KERNEL, show the shortest history to which the two kernels answer differently. Histories may have any
    length: every state that the operations can reach is visited. The history found is written as .scn.

    Exit status: 0 nothing found, 1 a history found, 130 after Ctrl-C, 143 after SIGTERM; what is known by then is
    printed.
    """
    kernels = (kernel,) if other is None else (kernel, other)
    path = output or Path(f"explore-{re.sub('[^A-Za-z0-9._-]', '-', '-'.join(kernels))}.scn")
    try_dump(path)
    shown = _Shown()
    bound = Bound(**limits)  # type: ignore[arg-type]
    with interruptible(), learners(jobs, scheduler) as executor:
        running = search(
            kernels, bound, shown.progress, shown.warn, engine=engine, symmetric=symmetry, executor=executor
        )
        status = _run(running, path)
    shown.end()
    found = running.found
    seconds = shown.seconds(found)
    if json_wanted:
        print(as_json(found, seconds, path))  # noqa: T201  the result itself
        return status
    report = ExploreReport(standard_output(color))
    report.result(found, seconds)
    if found.finding is not None:
        _draw(report, found, found.finding, path)
    return status


def _run(running: EngineRun, path: Path) -> int:
    """Explore, and write what is found; the exit status."""
    try:
        finding = running.run().finding
    except KeyboardInterrupt as interrupt:
        return status_after(interrupt)
    if finding is None:
        return HELD
    dump([finding.scenario], path)
    return CONTRADICTED


def _draw(report: ExploreReport, found: Exploration, finding: Shortest, path: Path) -> None:
    if len(found.kernels) == 1:
        with open_kernel(found.kernels[0]) as one:
            report.run(finding, path, one)
        return
    with open_kernel(found.kernels[0]) as left, open_kernel(found.kernels[1]) as right:
        report.comparison(finding, path, left, right)


class _Shown:
    """A line of progress on a terminal."""

    def __init__(self) -> None:
        self._begin, self._children_before = time.process_time(), _children()
        self._wanted = sys.stderr.isatty()
        self._next = 0.0
        self._told = False

    def progress(self, found: Exploration) -> None:
        """Show how far it is, but not too often."""
        if self._wanted and time.monotonic() >= self._next:
            show_progress(sys.stderr, found)
            self._next = time.monotonic() + _PROGRESS_SECONDS
            self._told = True

    def warn(self, message: str) -> None:
        """Say what the user should know at once."""
        self.end()
        report_warning(message)

    def end(self) -> None:
        """Leave the line."""
        if self._told:
            end_progress(sys.stderr)
            self._told = False

    def seconds(self, found: Exploration) -> float:
        """CPU time since the beginning, with that of the processes in which rows were learned, here or elsewhere."""
        return time.process_time() - self._begin + max(_children() - self._children_before, found.elsewhere)


def _children() -> float:
    """Seconds of CPU time of all processes that we had and that have ended."""
    spent = os.times()
    return spent.children_user + spent.children_system
