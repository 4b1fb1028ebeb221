"""`hugeresv compare`."""

from collections import deque
from pathlib import Path

import click

from hugeresv.cli.exit_status import CONTRADICTED, ExitStatus
from hugeresv.cli.files import check_files, read_files
from hugeresv.cli.help import examples
from hugeresv.cli.options import KernelName, color_option, files_argument, html_option
from hugeresv.cli.output_file import replace_output, try_output
from hugeresv.cli.terminal import Colour, standard_output
from hugeresv.kernels.grammar import open_kernel
from hugeresv.kernels.protocol import Kernel
from hugeresv.outcome import Outcome
from hugeresv.play.film import filmed
from hugeresv.reports.compare import CONTEXT, CompareReport
from hugeresv.reports.html.compare import ComparePage
from hugeresv.reports.spelling import spell_name
from hugeresv.scenario.scenario import Scenario
from hugeresv.search.lockstep import Pair, lockstep


@click.command(
    epilog=examples(
        "hugeresv compare count-in-vma 2008 split-middle",
        "hugeresv compare ideal ideal,zap-restore=always behaviours",
        "hugeresv compare 6.12 6.18 --html fork.html fork",
    )
)
@click.argument("left", metavar="KERNEL", type=KernelName())
@click.argument("right", metavar="KERNEL", type=KernelName())
@html_option
@color_option
@files_argument
def compare(left: str, right: str, html: Path | None, color: Colour, files: tuple[Path, ...]) -> int:
    """Run scenarios on two kernels and show the first step at which they differ.

    They differ if a call, a counter, a cgroup or a mount differs after a step, or if different pages are leaked at the
    end. FILE is a path or a name, as for `hugeresv run`.

    Exit status: 0 no difference, 1 a difference, 2 a file is wrong, 3 it cannot be run here.
    """
    status = ExitStatus()
    if html is not None:
        try_output(html)
    with status.going_on(), open_kernel(left) as first, open_kernel(right) as second:
        screen = standard_output(color)
        report, page = CompareReport(screen, first, second), ComparePage(first, second)
        for file in read_files(files, status):
            for identifier, scenario in file.entries():
                asked = spell_name(file.name, identifier), scenario, first, second
                with status.going_on(file.name):
                    if _film(*asked, page) if html else _compare(*asked, report):
                        status.note(CONTRADICTED)
        if html and not page.is_empty:
            replace_output(html, page.text.encode(errors="backslashreplace"))
            page.sum_up(screen)
        elif not html:
            report.total()
        return status.value
    check_files(files, status)
    return status.value


def _compare(name: str, scenario: Scenario, left: Kernel, right: Kernel, report: CompareReport) -> bool:
    """Whether they differ."""
    before: deque[Pair] = deque(maxlen=CONTEXT + 1)
    for pair in lockstep(scenario, left, right, show=True):
        if pair.differ:
            report.different(name, scenario, list(before), pair)
            return True
        before.append(pair)
    last = before[-1] if before else None
    if last is None or (last.step is not None and last.left.outcome is not Outcome.HANG):
        report.untried(name, last.number + 1 if last else 1)
    else:
        report.same(name, scenario)
    return False


def _film(name: str, scenario: Scenario, left: Kernel, right: Kernel, page: ComparePage) -> bool:
    """Whether they differ. Both are played again for the page: on models to the end, else no further than compared."""
    last: Pair | None = None
    for pair in lockstep(scenario, left, right):
        last = pair
    part = last.number if last and last.differ else None
    steps = (last.number if last else 0) if left.real or right.real else None
    page.add(name, scenario, [filmed(scenario, kernel, steps=steps) for kernel in (left, right)], part)
    return part is not None
