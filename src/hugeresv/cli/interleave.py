"""`hugeresv interleave`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from hugeresv.cli.exit_status import CONTRADICTED, ExitStatus
from hugeresv.cli.files import read_files
from hugeresv.cli.help import examples
from hugeresv.cli.options import color_option, files_argument, on_kernel
from hugeresv.cli.output_file import replace_output, try_output
from hugeresv.cli.streams import say
from hugeresv.cli.terminal import Colour, standard_output
from hugeresv.errors import InputError
from hugeresv.kernels.grammar import open_kernel
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.scenario.scenario import Scenario


@click.command(
    epilog=examples(
        "hugeresv interleave history/H33-mmap-and-a-fault-count-twice",
        "hugeresv interleave --preemptions 1 history/H48-a-fault-crosses-a-truncation",
        "hugeresv interleave --html h48.html history/H48-a-fault-crosses-a-truncation",
    )
)
@on_kernel
@click.option("--preemptions", type=click.IntRange(0), metavar="N", help="Try only orders with at most N preemptions.")
@click.option("--all", "every", is_flag=True, help="Show every lock, even if nothing happens under it.")
@click.option("--json", "json_wanted", is_flag=True, help="Print one line of JSON for each block and nothing else.")
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    metavar="PAGE",
    help="Replace the file PAGE with a page that draws the orders as lanes; print only the result.",
)
@color_option
@files_argument
def interleave(
    kernel_name: str,
    preemptions: int | None,
    every: bool,
    json_wanted: bool,
    html: Path | None,
    color: Colour,
    files: tuple[Path, ...],
) -> int:
    """Try every order of concurrent calls; show one that is wrong.

    FILE is a scenario with calls between `together` and `apart`. Each call may be stopped where it asks for a lock. An
    order is wrong if an invariant does not hold afterwards, if calls wait for each other, if no order of whole calls
    gives the same answers, or if the answers are not those expected after `apart`. Orders with few preemptions are
    tried first. In a folder, files without concurrent calls are skipped.

    Exit status: 0 no order is wrong, 1 an order is wrong, 2 a file is wrong, 3 it cannot be run here.
    """
    from hugeresv.reports.html.lanes import LanesPage
    from hugeresv.reports.interleave import InterleaveReport, as_json
    from hugeresv.search.interleave.interleave import interleave as search

    if html is not None and json_wanted:
        raise click.UsageError("--html and --json exclude each other")
    status = ExitStatus()
    screen = standard_output(color)
    report = InterleaveReport(screen, every=every)
    if html is not None:
        try_output(html)
    with status.going_on(), open_kernel(kernel_name) as kernel:
        if not isinstance(kernel, ModelKernel):
            raise InputError(
                f"{kernel_name}: orders of calls are tried on the model alone; name a behaviour, such as 6.18"
            )
        lanes = LanesPage(kernel.name)
        for argument in files:
            for name, identifier, scenario in _with_calls_at_once(argument, status):
                with status.going_on(name):
                    begin = time.process_time()
                    for found in search(scenario, kernel, preemptions=preemptions):
                        if found.finding is not None:
                            status.note(CONTRADICTED)
                        if html is not None:
                            lanes.block(name, found)
                        elif json_wanted:
                            print(as_json(name, identifier, found))  # noqa: T201  the result itself
                        else:
                            report.block(name, kernel.name, found, time.process_time() - begin)
        if html is not None and not lanes.is_empty:
            replace_output(html, lanes.text.encode(errors="backslashreplace"))
            screen.paragraph(lanes.in_words)
    return status.value


def _with_calls_at_once(argument: Path, status: ExitStatus) -> list[tuple[str, str, Scenario]]:
    """The scenarios of a file or folder that have concurrent calls, each with its file's name and its id.

    Others are passed over, but a file or folder that has no such scenario is wrong.
    """
    from hugeresv.search.interleave.interleave import WRITE_THEM, has_calls_at_once

    every = [(file.name, *entry) for file in read_files([argument], status) for entry in file.entries()]
    found = [each for each in every if has_calls_at_once(each[-1])]
    with status.going_on(str(argument)):
        if every and not found:
            raise InputError(f"no scenario here has concurrent calls: {WRITE_THEM}")
    if 0 < len(found) < len(every):
        passed = len(every) - len(found)
        are = "has no concurrent calls and is" if passed == 1 else "have no concurrent calls and are"
        say(f"hugeresv: {argument}: {passed} of {len(every)} scenarios {are} skipped\n")
    return found
