"""`hugeresv run`."""

import sys
from contextlib import ExitStack
from pathlib import Path

import click

from hugeresv.cli.files import read_files
from hugeresv.cli.help import examples
from hugeresv.cli.options import files_argument, on_kernel
from hugeresv.cli.status import CONTRADICTED, Status
from hugeresv.kernels.grammar import open_kernel
from hugeresv.kernels.play import StepResult, play
from hugeresv.reports.json_rows import JsonRows


@click.command(epilog=examples("hugeresv run --on 6.18 --json scenarios/fork.scn"))
@on_kernel
@click.option("--json", is_flag=True, required=True, help="Print one line of JSON a step, and nothing else.")
@files_argument
def run(kernel_name: str, json: bool, files: tuple[Path, ...]) -> int:
    """Run scenarios and print what each step answered."""
    assert json
    status = Status()
    with ExitStack() as stack:
        kernel = None
        with status.going_on():
            kernel = stack.enter_context(open_kernel(kernel_name))
        for file in read_files(files, status):
            if kernel is None:
                continue
            for scenario, identifier in zip(file.scenarios, file.identifiers(), strict=True):
                with status.going_on(f"{file.path}"):
                    rows = JsonRows(sys.stdout, str(file.path), identifier)
                    for result in play(scenario, kernel):
                        if result.contradictions:
                            status.note(CONTRADICTED)
                        if isinstance(result, StepResult):
                            rows.step(result)
    return status.value
