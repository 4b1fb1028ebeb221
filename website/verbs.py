"""Every verb as a page, made of what its `--help` says."""

import inspect
import re
from collections.abc import Iterator

import click

from hugeresv.cli.manual import ENVIRONMENT, EXAMPLES, commands
from hugeresv.cli.verbs import EXIT_STATUSES, NAME, VERBS, cli


def verb_pages() -> dict[str, str]:
    """The text of every page, by its name: `hugeresv`, `hugeresv-run`, `hugeresv-kernels-fetch`."""
    return {"-".join(words): "\n".join(_page(words, command)) + "\n" for words, command in commands((NAME,), cli)}


def _page(words: tuple[str, ...], command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=" ".join(words))
    yield f"# {' '.join(words)}\n"
    yield f"    {' '.join([*words, *command.collect_usage_pieces(context)])}\n"
    yield from _paragraphs(inspect.cleandoc(command.help or ""))
    options = [param for param in command.get_params(context) if isinstance(param, click.Option)]
    records = filter(None, (option.get_help_record(context) for option in options))
    yield from _table("Options", "option", {f"`{names}`": told for names, told in records})
    if isinstance(command, click.Group):
        verbs = {name: command.get_command(context, name) for name in command.list_commands(context)}
        told = {name: VERBS.get(name) or _short(verb) for name, verb in verbs.items()}
        links = {f"[{name}]({'-'.join((*words, name))}.md)": text for name, text in told.items()}
        yield from _table("Verbs", "verb", links)
    if command is cli:
        yield from _table("Exit status", "status", EXIT_STATUSES)
        yield from _table("Environment", "variable", {f"`{name}`": told for name, told in ENVIRONMENT.items()})
    examples = inspect.cleandoc(EXAMPLES.sub("", command.epilog or ""))
    if examples:
        yield f"## Examples\n\n```console\n{re.sub('^', '$ ', examples, flags=re.MULTILINE)}\n```"


def _short(command: click.Command | None) -> str:
    return command.get_short_help_str(200) if command is not None else ""


def _paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of a help text; those after a backspace keep their lines."""
    for paragraph in text.split("\n\n"):
        if paragraph.startswith("\b"):
            yield "\n".join(f"    {line}" for line in paragraph.split("\n")[1:]) + "\n"
        else:
            yield escaped(paragraph) + "\n"


def _table(title: str, head: str, rows: dict[str, str]) -> Iterator[str]:
    if rows:
        yield f"## {title}\n\n| {head} | what it is |\n| --- | --- |"
        yield from (f"| {name} | {escaped(' '.join(told.split()))} |" for name, told in rows.items())
        yield ""


def escaped(text: str) -> str:
    """Text in which Markdown finds no sign of its own; code in backticks stays code."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([<>|*_\[\]])", r"\\\1", part) for part in parts)
