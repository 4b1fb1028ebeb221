"""`hugeresv kernels`."""

import sys

import click

from hugeresv.cli.exit_status import ExitStatus
from hugeresv.cli.help import examples
from hugeresv.cli.options import color_option
from hugeresv.cli.terminal import Colour, standard_output
from hugeresv.kernels.guest.config import CONFIG
from hugeresv.kernels.guest.fetch import fetch as fetch_kernel
from hugeresv.kernels.guest.listing import kernel_entries
from hugeresv.kernels.guest.stock import STOCK
from hugeresv.reports.kernels import show_config, show_kernels, write_kernels_json


@click.group(
    invoke_without_command=True,
    subcommand_metavar="[fetch NAME... | config]",
    epilog=examples("hugeresv kernels", "hugeresv kernels --json"),
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@color_option
@click.pass_context
def kernels(context: click.Context, as_json: bool, color: Colour) -> None:
    """List the kernels that guests can run, and fetch them.

    The list has the release of each kernel, its machine, and the behaviour that has its rules. To run a kernel of your
    own, write guest:PATH as KERNEL, with the path of a bzImage or vmlinux; `config` prints the options it needs.
    """
    if context.invoked_subcommand is not None:
        return
    entries = kernel_entries()
    if as_json:
        write_kernels_json(sys.stdout, entries)
    else:
        show_kernels(standard_output(color), entries)


@kernels.command(epilog=examples("hugeresv kernels fetch 6.1 6.12"))
@click.argument("names", metavar="NAME...", nargs=-1, required=True, type=click.Choice(list(STOCK)))
def fetch(names: tuple[str, ...]) -> int:
    """Fetch stock kernels of Debian.

    apt gets the current release of each from the mirrors that this machine uses. Only the image is kept, in
    ~/.cache/hugeresv/kernels; nothing is installed.
    """
    status = ExitStatus()
    for name in names:
        with status.going_on(name):
            image = fetch_kernel(name, lambda line: click.echo(f"hugeresv: {line}", err=True))
            click.echo(f"guest:{name} is {image.release}")
    return status.value


@kernels.command(
    epilog=examples(
        "hugeresv kernels config",
        "hugeresv kernels config > guest.config",
    )
)
def config() -> None:
    """Print the configuration that a kernel of your own needs to run in a guest, every option with its reason.

    Save it as guest.config. Then, in the kernel's tree: scripts/kconfig/merge_config.sh -m .config guest.config and
    make olddefconfig.
    """
    show_config(sys.stdout, CONFIG)
