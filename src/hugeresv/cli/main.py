"""The command `hugeresv`: its verbs, each imported when it is called, and what becomes of errors."""

import errno
import importlib
import os
import sys

import click

import hugeresv
from hugeresv.cli.exit_status import report_error
from hugeresv.cli.help import examples
from hugeresv.errors import HugeresvError, UnavailableError

VERBS = {
    "status": "Show who holds the huge pages of this host. The same as no verb.",
    "export": "Print who holds the huge pages as metrics for Prometheus, or serve them.",
    "fit": "Tell whether a mapping would fit now, where it fails, and what to change.",
    "run": "Run scenarios and draw what happens, step by step.",
    "compare": "Run scenarios on two kernels and show the first step at which they differ.",
    "fuzz": "Find a scenario on which two kernels differ, and shrink it.",
    "audit": "Read a kernel's memory, and judge whether its ledger is true.",
    "convert": "Rewrite a scenario as .scn or as JSON.",
    "kernels": "List the kernels that guests can run, and fetch them.",
    "behaviours": "List the kernels that the model knows, and the rules in which they differ.",
    "completion": "Print the code that makes a shell complete hugeresv's arguments.",
}
"""The verbs with what `hugeresv --help` says of them; each is the function of its name in the module of its name."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class _Verbs(click.Group):
    """Finds a verb without importing the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"hugeresv.cli.{cmd_name}")
        verb: click.Command = getattr(module, cmd_name)
        return verb

    def invoke(self, ctx: click.Context) -> object:
        try:
            status = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            _forget_output()
            return 0
        except OSError as error:
            if error.errno not in _FULL:
                raise
            _forget_output()
            raise UnavailableError(f"cannot write all of the output: {error.strerror}") from None
        return status

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(
    cls=_Verbs,
    invoke_without_command=True,
    subcommand_metavar="VERB [ARGUMENTS]...",
    epilog=examples("hugeresv run --on count-in-vma scenarios/split-middle.scn"),
)
@click.version_option(hugeresv.__version__, message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> int | None:
    """Linux huge page reservations, as a ledger that runs.

    The accounting behind HugePages_Rsvd: who holds what of it on this host, a model of it that can be run, and the same
    operations on a real kernel.
    """
    if ctx.invoked_subcommand is not None:
        return None
    verb = cli.get_command(ctx, "status")
    assert verb is not None
    answer: int | None = ctx.invoke(verb)
    return answer


def main() -> None:
    """Run the command line and exit with its status."""
    sys.exit(_run())


def _run() -> int:
    try:
        status: int = cli.main(prog_name="hugeresv", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except HugeresvError as error:
        report_error(str(error))
        return error.exit_status
    except (click.Abort, KeyboardInterrupt):
        return 130
    return status


def _forget_output() -> None:
    """The reader has seen enough, which is not an error, or there is no room: what is buffered must not raise again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
