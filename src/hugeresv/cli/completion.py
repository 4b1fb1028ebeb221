"""`hugeresv completion`, and what the three shells take beyond what click has."""

import os

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    split_arg_string,
)

from hugeresv.cli.help import examples
from hugeresv.errors import InputError

_BASH = """\
%(complete_func)s() {
    local IFS=$'\\n' response type value
    response=$(env COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" \\
        %(complete_var)s=bash_complete "$1")
    while IFS=, read -r type value; do
        case $type in
        dir) compopt -o dirnames ;;
        file) compopt -o default ;;
        plain) COMPREPLY+=("$value") ;;
        esac
    done <<<"$response"
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class _Bash(BashComplete):
    """Completion of words with a colon or an equals sign, such as guest:6.1.

    Bash cuts words there, and puts what it is given in the place of the last piece: so the line is read whole, and
    what comes before that piece is left out of every answer.
    """

    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the cursor, and the one that is to be completed."""
        line = os.environ["COMP_LINE"]
        words = split_arg_string(line)
        incomplete = "" if line[-1:].isspace() else words.pop()
        return words[1:], incomplete

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """Answers from bash's last piece of the word on."""
        _, value = _option_and_value(incomplete)
        breaks = set(os.environ.get("COMP_WORDBREAKS", "")) & set(":=")
        before = value[: max((value.rfind(mark) + 1 for mark in breaks), default=0)]
        found = super().get_completions(args, incomplete)
        return [_with_value(item, item.value.removeprefix(before)) for item in found]


class _WholeWord(ShellComplete):
    """Completion where the shell puts an answer in the place of the whole word: that of --on=g begins with --on=."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """Whole words."""
        option, _ = _option_and_value(incomplete)
        return [_with_value(item, f"{option}{item.value}") for item in super().get_completions(args, incomplete)]


class _Zsh(_WholeWord, ZshComplete):
    """Completion in zsh."""


class _Fish(_WholeWord, FishComplete):
    """Completion in fish."""


_SHELLS = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}


def _option_and_value(word: str) -> tuple[str, str]:
    """--on=6.1 in its two pieces; the first is empty where a word is no long option with its value."""
    option, equals, value = word.partition("=")
    return (f"{option}=", value) if option.startswith("--") and equals else ("", word)


def _with_value(item: CompletionItem[str], value: str) -> CompletionItem[str]:
    """An answer that is put differently; one that leaves the work to the shell stays as it is."""
    return CompletionItem(value, help=item.help) if item.type == "plain" else item


def answer_shell(command: click.Command, name: str, variable: str, instruction: str) -> int:
    """Print what the shell asks for, in the variable that its completion code sets; the exit status."""
    shell, _, _ = instruction.partition("_")
    if shell not in _SHELLS:
        raise InputError(f"{variable}={instruction}: expected bash_complete, zsh_complete or fish_complete")
    click.echo(_SHELLS[shell](command, {}, name, variable).complete())
    return 0


@click.command(epilog=examples('eval "$(hugeresv completion bash)"', "hugeresv completion fish"))
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the code that makes a shell complete hugeresv's arguments.

    It completes verbs, options, kernels, guests, scenarios that come with hugeresv, cgroups and mounts.

    For every new shell: put the first example into ~/.bashrc or ~/.zshrc. For fish, write the output to
    ~/.config/fish/completions/hugeresv.fish.
    """
    root = context.find_root()
    click.echo(_SHELLS[shell](root.command, {}, str(root.info_name), "_HUGERESV_COMPLETE").source())
