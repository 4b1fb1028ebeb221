"""`hugeresv convert`."""

import sys
from pathlib import Path

import click

from hugeresv.cli.help import examples
from hugeresv.cli.options import ScenarioPath
from hugeresv.errors import InputError
from hugeresv.scenario.load import dump, load, to_text


@click.command(
    epilog=examples(
        "hugeresv convert scenarios/fork.scn",
        "hugeresv convert scenarios/fork.scn --to scn",
        "hugeresv convert scenarios/fork.scn -o /tmp/fork.json",
    )
)
@click.argument("file", type=ScenarioPath())
@click.option("--to", "spelling", type=click.Choice(["scn", "json"]), help="Spelling on standard output.")
@click.option(
    "-o", "--output", type=ScenarioPath(), metavar="OUT", help="Write OUT, in the spelling that its name says."
)
def convert(file: Path, spelling: str | None, output: Path | None) -> None:
    """Rewrite a scenario as .scn or as JSON.

    Nothing is lost on the way. Without --to or -o, JSON becomes .scn and .scn becomes JSON; --to the spelling that FILE
    has already gives it its canonical layout.
    """
    scenarios = load(file)
    if output is not None:
        if spelling is not None:
            raise click.UsageError("--to and -o both say the spelling: give one of them")
        dump(scenarios, output)
        return
    if len(scenarios) != 1:
        raise InputError(
            f"{file}: holds {len(scenarios)} scenarios, of which standard output cannot show one; give -o OUT.jsonl"
        )
    default = "json" if file.suffix == ".scn" else "scn"
    sys.stdout.buffer.write(to_text(scenarios, f".{spelling or default}").encode())
