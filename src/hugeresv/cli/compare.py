"""`hugeresv compare`."""

from collections import deque
from pathlib import Path

import click

from hugeresv.cli.exit_status import CONTRADICTED, ExitStatus
from hugeresv.cli.files import check_files, read_files
from hugeresv.cli.help import examples
from hugeresv.cli.options import KernelName, color_option, files_argument
from hugeresv.cli.terminal import Colour, standard_output
from hugeresv.kernels.grammar import open_kernel
from hugeresv.kernels.protocol import Kernel
from hugeresv.outcome import Outcome
from hugeresv.reports.compare import CONTEXT, CompareReport
from hugeresv.reports.spelling import spell_name
from hugeresv.scenario.scenario import Scenario
from hugeresv.search.lockstep import Pair, lockstep


@click.command(
    epilog=examples(
        "hugeresv compare count-in-vma 2008 split-middle",
        "hugeresv compare ideal ideal,zap-restore=always behaviours",
    )
)
@click.argument("left", metavar="KERNEL", type=KernelName())
@click.argument("right", metavar="KERNEL", type=KernelName())
@color_option
@files_argument
def compare(left: str, right: str, color: Colour, files: tuple[Path, ...]) -> int:
    """Run scenarios on two kernels and show the first step at which they differ.

    They differ where a call, a counter, a cgroup or a mount answers differently, or where something else is left at the
    end. FILE is a path or a name, as for `hugeresv run`. Exit status: 0 no difference, 1 a difference, 2 a file is
    wrong, 3 it cannot be run here.
    """
    status = ExitStatus()
    with status.going_on(), open_kernel(left) as first, open_kernel(right) as second:
        report = CompareReport(standard_output(color), first, second)
        for file in read_files(files, status):
            for identifier, scenario in file.entries():
                with status.going_on(file.name):
                    if _compare(spell_name(file.name, identifier), scenario, first, second, report):
                        status.note(CONTRADICTED)
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
