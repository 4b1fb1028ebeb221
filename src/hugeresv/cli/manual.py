"""The man pages, made of what `--help` says: one of hugeresv, one of each verb. A wheel carries them."""

import inspect
import re
from collections.abc import Iterator

import click

import hugeresv
from hugeresv.cli.verbs import EXIT_STATUSES, NAME, VERBS, cli

ENVIRONMENT = {
    "HUGERESV_LOCK": "The lock file that keeps two commands from using this host's pool at once.",
    "HUGERESV_LOCK_WAIT": (
        "Seconds to wait for that lock. Without it a command fails at once and says who holds the lock."
    ),
    "HUGERESV_TRACEBACK": "Set it to 1 to see the traceback of a bug in hugeresv.",
    "NO_COLOR": "Set it to anything to turn colour off.",
    "XDG_CACHE_HOME": "The directory in which hugeresv/ holds the kernels of guests. Without it, ~/.cache.",
}

EXAMPLES = re.compile(r"\x08\nExamples?:\n")


def pages() -> dict[str, str]:
    """The source of every page, by its file name: `hugeresv.1`, `hugeresv-run.1`."""
    return {f"{'-'.join(words)}.1": _page(words, command) for words, command in commands((NAME,), cli)}


def commands(words: tuple[str, ...], command: click.Command) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """A command and all below it, each with the words that call it."""
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=" ".join(words))
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from commands((*words, name), found)


def _page(words: tuple[str, ...], command: click.Command) -> str:
    context = click.Context(command, info_name=" ".join(words))
    name = "-".join(words)
    summary, _, rest = inspect.cleandoc(command.help or "").partition("\n\n")
    arguments = _escaped(" ".join(command.collect_usage_pieces(context)))
    lines = [
        f'.TH "{_escaped(name.upper())}" 1 "" "{NAME} {hugeresv.__version__}" "User Commands"',
        *(".SH NAME", f"{_escaped(name)} \\- {_text(summary[0].lower() + summary[1:].rstrip('.'))}"),
        *(".SH SYNOPSIS", f".B {_escaped(' '.join(words))}", arguments),
        *(".SH DESCRIPTION", *_paragraphs(rest or summary)),
    ]
    options = [param for param in command.get_params(context) if isinstance(param, click.Option)]
    lines += [".SH OPTIONS", *_list(dict(filter(None, (option.get_help_record(context) for option in options))))]
    if command is cli:
        verbs = {f"{NAME}-{verb}(1)": told for verb, told in VERBS.items()}
        lines += [".SH VERBS", *_list(verbs), ".SH EXIT STATUS", *_list(EXIT_STATUSES)]
        lines += [".SH ENVIRONMENT", *_list(ENVIRONMENT)]
    examples = EXAMPLES.sub("", command.epilog or "")
    lines += [".SH EXAMPLES", ".nf", *map(_escaped, examples.split("\n")), ".fi"]
    if command is not cli:
        above = ["-".join(words[:count]) for count in range(1, len(words))]
        lines += [".SH SEE ALSO", ", ".join(f"\\fB{_escaped(page)}\\fP(1)" for page in above)]
    return "\n".join(lines) + "\n"


def _paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of a help text; those after a backspace keep their lines."""
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        if paragraph.startswith("\b"):
            yield from (".nf", *map(_text, paragraph.split("\n")[1:]), ".fi")
        else:
            yield _text(" ".join(paragraph.split("\n")))


def _list(entries: dict[str, str]) -> Iterator[str]:
    for term, told in entries.items():
        yield from (".TP", f"\\fB{_escaped(term)}\\fP", _text(" ".join(told.split())))


def _text(text: str) -> str:
    """Running text: what is in backticks is bold."""
    return re.sub(r"`([^`]+)`", r"\\fB\1\\fP", _escaped(text))


def _escaped(text: str) -> str:
    """Text that no line of which roff takes for a request; a hyphen stays one that can be pasted."""
    return re.sub(r"^(?=[.'])", r"\\&", text.replace("\\", "\\e").replace("-", "\\-"))
