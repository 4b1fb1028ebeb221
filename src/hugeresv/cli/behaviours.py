"""`hugeresv behaviours`."""

import sys

import click
from click.shell_completion import CompletionItem

from hugeresv.cli.exit_status import CONTRADICTED, HELD
from hugeresv.cli.help import examples
from hugeresv.cli.options import color_option
from hugeresv.cli.terminal import Colour, standard_output
from hugeresv.errors import InputError
from hugeresv.kernels.catalogue import switch_entries
from hugeresv.kernels.grammar import parse_behaviour, spelling
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.presets import IDEAL, PRESETS
from hugeresv.reports.behaviours import show_behaviour, show_catalogue, show_switch, write_json
from hugeresv.reports.rules import show_difference, show_functions, write_difference, write_functions
from hugeresv.scenario.format_error import did_you_mean


class BehaviourName(click.ParamType[str]):
    """A behaviour, kept as it is. Completes to those that have a name."""

    name = "behaviour"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Behaviours that begin so."""
        return [CompletionItem(name) for name in PRESETS if name.startswith(incomplete)]


class EntryName(BehaviourName):
    """A behaviour or a switch."""

    name = "name"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Behaviours and switches that begin so."""
        found = [entry.name for entry in switch_entries() if entry.name.startswith(incomplete)]
        return super().shell_complete(ctx, param, incomplete) + [CompletionItem(name) for name in found]


class FunctionName(click.ParamType[str]):
    """A function of the model. Completes to those that there are."""

    name = "function"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Functions that begin so."""
        from hugeresv.rules.source import functions

        return [CompletionItem(each.name) for each in functions(IDEAL) if each.name.startswith(incomplete)]


@click.command(
    epilog=examples(
        "hugeresv behaviours",
        "hugeresv behaviours 6.18",
        "hugeresv behaviours zap-restore",
        "hugeresv behaviours 6.18 --source alloc_hugetlb_folio",
        "hugeresv behaviours --diff count-in-vma 2008",
    )
)
@click.argument("name", required=False, type=EntryName())
@click.option(
    "--source",
    "function",
    metavar="FUNCTION",
    type=FunctionName(),
    help="Print a function of the model as the behaviour NAME has it, without switches. For a function of the kernel, "
    "print the function that stands for it.",
)
@click.option(
    "--diff",
    "pair",
    metavar="LEFT RIGHT",
    nargs=2,
    type=BehaviourName(),
    help="Print the rules in which two behaviours differ, as a unified diff of the model's source.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@color_option
def behaviours(
    name: str | None, function: str | None, pair: tuple[str, str] | None, as_json: bool, color: Colour
) -> int:
    """List the kernels that the model knows, and the rules in which they differ.

    With NAME, show one behaviour or one switch in detail. A behaviour may have switches set: 6.18,zap-restore=never.

    Exit status: 0, or 1 if --diff shows a difference, 2 if a name is wrong.
    """
    if pair is not None:
        if name is not None or function is not None:
            raise InputError("--diff compares two behaviours and takes neither NAME nor --source")
        return _difference(*pair, as_json=as_json, color=color)
    if function is not None:
        if name is None:
            raise InputError(f"--source needs a behaviour: hugeresv behaviours 6.18 --source {function}")
        return _source(name, function, as_json=as_json, color=color)
    return _catalogue(name, as_json=as_json, color=color)


def _catalogue(name: str | None, *, as_json: bool, color: Colour) -> int:
    """All of it, or one entry."""
    switches = switch_entries()
    shown = [entry for entry in switches if name and entry.name == spelling(name)]
    if shown:
        known = []
    elif name is None:
        known = list(PRESETS.values())
    else:
        known = [_behaviour(name, [entry.name for entry in switches])]
    if as_json:
        write_json(sys.stdout, known, shown or switches)
        return HELD
    screen = standard_output(color)
    if name is None:
        show_catalogue(screen, known, switches)
    elif shown:
        show_switch(screen, shown[0])
    else:
        show_behaviour(screen, known[0], switches)
    return HELD


def _source(name: str, function: str, *, as_json: bool, color: Colour) -> int:
    from hugeresv.rules.source import find

    behaviour = _behaviour(name)
    found = find(behaviour, function)
    if as_json:
        write_functions(sys.stdout, behaviour.name, found)
    else:
        show_functions(standard_output(color), behaviour.name, found)
    return HELD


def _difference(left: str, right: str, *, as_json: bool, color: Colour) -> int:
    from hugeresv.rules.source import difference

    one, other = _behaviour(left), _behaviour(right)
    files = difference(one, other)
    if as_json:
        write_difference(sys.stdout, one.name, other.name, files)
    else:
        show_difference(standard_output(color), files)
    return CONTRADICTED if files else HELD


def _behaviour(name: str, switches: list[str] | None = None) -> Behaviour:
    """The behaviour of that name; `switches` are what else could have been meant."""
    if name.partition(",")[0] not in PRESETS:
        what = "behaviour" if switches is None else "behaviour or switch"
        raise InputError(f"there is no {what} {name!r}{did_you_mean(spelling(name), [*PRESETS, *(switches or [])])}")
    return parse_behaviour(name)
