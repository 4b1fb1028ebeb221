"""The verbs of the command line, each imported when it is called."""

import importlib
import os

import click
from click.shell_completion import CompletionItem

import hugeresv
from hugeresv.cli.help import examples

VERBS = {
    "status": "Show who holds the huge pages of this host. The same as no verb.",
    "export": "Print who holds the huge pages as metrics for Prometheus, or serve them.",
    "fit": "Tell whether a mapping would fit now, where it fails, and what to change.",
    "run": "Run scenarios and draw what happens, step by step.",
    "compare": "Run scenarios on two kernels and show the first step at which they differ.",
    "fuzz": "Find a scenario on which two kernels differ, and shrink it.",
    "explore": "Try every history within a bound; show the shortest that breaks an invariant.",
    "interleave": "Try every order of concurrent calls; show one that is wrong.",
    "check": "Tell whether a kernel's hugetlb is right; find the commit that broke it.",
    "audit": "Read a kernel's memory, and judge whether its ledger is true.",
    "convert": "Rewrite a scenario as .scn, as JSON, or as a C program.",
    "kernels": "List the kernels that guests can run, and fetch them.",
    "behaviours": "List the kernels that the model knows, and the rules in which they differ.",
    "completion": "Print the code that makes a shell complete hugeresv's arguments.",
}
"""The verbs with what `hugeresv --help` says of them; each is the function of its name in the module of its name."""

EXIT_STATUSES = {
    "0": "Nothing is wrong: as expected, it fits, no difference, no leak.",
    "1": "The answer is no: not as expected, does not fit, a difference, a leak.",
    "2": "The input is wrong: an option, a file, a name.",
    "3": "It cannot be done here: a privilege, a kernel, memory or disk space is missing.",
    "70": "hugeresv has a bug. HUGERESV_TRACEBACK=1 shows where.",
    "130": "Ctrl-C ended the command.",
    "143": "SIGTERM ended the command.",
}

NAME = "hugeresv"
_COMPLETE = "_HUGERESV_COMPLETE"


_DEFAULT = "status"
_OWN = frozenset({"--help", "--version"})
"""The options that are hugeresv's own; all others without a verb are those of the default one."""


class _Verbs(click.Group):
    """Finds a verb without importing the others. No verb means `status`, with its options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0].startswith("-") and args[0] not in _OWN:
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        found = super().shell_complete(ctx, incomplete)
        verb = self.get_command(ctx, _DEFAULT)
        if verb is not None and incomplete.startswith("-"):
            known = {item.value for item in found}
            found += [item for item in verb.shell_complete(ctx, incomplete) if item.value not in known]
        return found

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"hugeresv.cli.{cmd_name}")
        verb: click.Command = getattr(module, cmd_name)
        return verb

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))
        with formatter.section("Exit status"):
            formatter.write_dl(list(EXIT_STATUSES.items()))


@click.group(
    cls=_Verbs,
    invoke_without_command=True,
    subcommand_metavar="VERB [ARGUMENTS]...",
    epilog=examples("hugeresv run --on count-in-vma split-middle", "hugeresv --json"),
)
@click.version_option(hugeresv.__version__, message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> int | None:
    """Tell who holds this host's huge pages, and whether one more mapping will fit.

    hugeresv knows the accounting behind HugePages_Rsvd. It shows who holds reserved pages on this host, runs scenarios
    on a model of hugetlb, and makes the same calls on real kernels. Without a VERB it runs `status`.
    """
    if ctx.invoked_subcommand is not None:
        return None
    verb = cli.get_command(ctx, _DEFAULT)
    assert verb is not None
    answer: int | None = ctx.invoke(verb)
    return answer


def carry_out(arguments: list[str]) -> int:
    """Run a command line; its exit status. Errors are raised, but for those of the command line itself."""
    if instruction := os.environ.get(_COMPLETE):
        from hugeresv.cli.completion import answer_shell

        return answer_shell(cli, NAME, _COMPLETE, instruction)
    try:
        with cli.make_context(NAME, arguments) as context:
            return cli.invoke(context) or 0
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        from hugeresv.cli.exit_status import report_usage

        report_usage(error.show)
        return error.exit_code
