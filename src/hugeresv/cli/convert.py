"""`hugeresv convert`."""

import sys
from pathlib import Path

import click

from hugeresv.cli.files import read_file
from hugeresv.cli.help import examples
from hugeresv.cli.options import KernelName, ScenarioPath
from hugeresv.errors import InputError
from hugeresv.plain import count_of
from hugeresv.scenario.load import dump, to_text


@click.command(
    epilog=examples(
        "hugeresv convert fork",
        "hugeresv convert fork --to scn",
        "hugeresv convert fork -o fork.json",
        "hugeresv convert fork --to c --on 6.18",
    )
)
@click.argument("file", type=ScenarioPath())
@click.option("--to", "spelling", type=click.Choice(["scn", "json", "c"]), help="Print this format to standard output.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="Write OUT, in the format of its suffix: .scn, .json or .jsonl.",
)
@click.option(
    "--on",
    "kernel_name",
    metavar="KERNEL",
    type=KernelName(),
    help=("With --to c: expect the answers of this behaviour."),
)
def convert(file: Path, spelling: str | None, output: Path | None, kernel_name: str | None) -> None:
    """Rewrite a scenario as .scn or as JSON, or as a program in C.

    Nothing is lost between .scn and JSON. Without --to or -o, JSON becomes .scn and .scn becomes JSON. If FILE has the
    chosen format already, it is laid out anew.

    --to c prints one C file without dependencies: a reproducer for a bug report. It makes real system calls, prints
    the counters after every step, and exits with 1 if they are not what the scenario expects of KERNEL (ideal without
    --on). It needs root and an idle pool, which it restores.
    """
    if kernel_name is not None and spelling != "c":
        raise click.UsageError("--on goes with --to c")
    source = read_file(file)
    scenarios = source.scenarios
    if output is not None:
        if spelling is not None:
            raise click.UsageError("--to and -o both choose the format: give one of them")
        dump(scenarios, output)
        return
    if len(scenarios) != 1:
        raise InputError(
            f"{file}: holds {count_of(len(scenarios), 'scenario')}, and standard output takes one; give -o OUT.jsonl"
        )
    if spelling == "c":
        from hugeresv.kernels.grammar import DEFAULT, parse_behaviour
        from hugeresv.kernels.model.kernel import ModelKernel
        from hugeresv.reports.c.reproducer import to_c

        kernel = ModelKernel(parse_behaviour(kernel_name or DEFAULT))
        sys.stdout.buffer.write(to_c(scenarios[0], kernel).encode())
        return
    default = "json" if source.path.suffix == ".scn" else "scn"
    sys.stdout.buffer.write(to_text(scenarios, f".{spelling or default}").encode())
