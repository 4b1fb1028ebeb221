"""`hugeresv completion`."""

import click
from click.shell_completion import get_completion_class

from hugeresv.cli.help import examples


@click.command(epilog=examples('eval "$(hugeresv completion bash)"', "hugeresv completion fish"))
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the code that makes a shell complete hugeresv's arguments.

    To have it in every shell, put the first example into ~/.bashrc (with zsh into ~/.zshrc); for fish write the output
    to ~/.config/fish/completions/hugeresv.fish.
    """
    kind = get_completion_class(shell)
    assert kind is not None
    root = context.find_root()
    click.echo(kind(root.command, {}, str(root.info_name), "_HUGERESV_COMPLETE").source())
