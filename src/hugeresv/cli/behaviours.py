"""`hugeresv behaviours`."""

import sys

import click

from hugeresv.cli.help import examples
from hugeresv.cli.options import color_option
from hugeresv.cli.terminal import Colour, standard_output
from hugeresv.errors import InputError
from hugeresv.kernels.catalogue import switch_entries
from hugeresv.kernels.grammar import parse_behaviour, spelling
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.presets import PRESETS
from hugeresv.reports.behaviours import show_behaviour, show_catalogue, show_switch, write_json
from hugeresv.scenario.format_error import did_you_mean


@click.command(epilog=examples("hugeresv behaviours", "hugeresv behaviours 6.18", "hugeresv behaviours zap-restore"))
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@color_option
def behaviours(name: str | None, as_json: bool, color: Colour) -> None:
    """List the kernels that the model knows, and the rules in which they differ.

    NAME shows one behaviour, which may have switches set as in 6.18,zap-restore=never, or one switch, in detail.
    """
    switches = switch_entries()
    shown = [entry for entry in switches if name and entry.name == spelling(name)]
    if shown:
        known = []
    elif name is None:
        known = list(PRESETS.values())
    else:
        known = [_behaviour(name, [*PRESETS, *(entry.name for entry in switches)])]
    if as_json:
        write_json(sys.stdout, known, shown or switches)
        return
    screen = standard_output(color)
    if name is None:
        show_catalogue(screen, known, switches)
    elif shown:
        show_switch(screen, shown[0])
    else:
        show_behaviour(screen, known[0], switches)


def _behaviour(name: str, known: list[str]) -> Behaviour:
    if name.partition(",")[0] not in PRESETS:
        raise InputError(f"there is no behaviour or switch {name!r}{did_you_mean(spelling(name), known)}")
    return parse_behaviour(name)
