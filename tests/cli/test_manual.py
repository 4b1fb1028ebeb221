"""The man pages say what `--help` says."""

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from hugeresv.cli.manual import pages
from hugeresv.cli.verbs import VERBS, cli
from tests.cli.test_help import examples

REQUESTS = {".TH", ".SH", ".PP", ".TP", ".B", ".nf", ".fi"}


def plain(page: str) -> str:
    """The text of a page: without fonts, and with the characters that roff would take for its own."""
    return re.sub(r"\\f[BP]", "", page).replace("\\-", "-").replace("\\&", "").replace("\\e", "\\")


def test_every_verb_has_a_page() -> None:
    """`hugeresv`, its verbs and what is below a verb have a page each. Catches: a verb that man does not know."""
    names = {name.removesuffix(".1").removeprefix("hugeresv").removeprefix("-") for name in pages()}
    assert {"", *VERBS, "kernels-fetch"} <= names
    assert {name.partition("-")[0] for name in names} == {"", *VERBS}


@pytest.mark.parametrize("verb", VERBS)
def test_a_page_has_every_option_and_example(verb: str) -> None:
    """All that `--help` has is in the page, word for word. Catches: an option that is dropped or that roff swallows."""
    text = plain(pages()[f"hugeresv-{verb}.1"])
    context = cli.make_context("hugeresv", [verb, "--help"], resilient_parsing=True)
    command = cli.get_command(context, verb)
    assert command is not None
    options = [param for param in command.get_params(context) if isinstance(param, click.Option)]
    for option in options:
        record = option.get_help_record(context)
        assert record is not None
        told = " ".join(record[1].replace("`", "").split())
        assert f"\n{record[0]}\n{told}\n" in text
    for example in examples(verb):
        assert f"\n  {example}\n" in text


@pytest.mark.parametrize("name", pages())
def test_only_requests_begin_with_a_dot(name: str) -> None:
    """A line of text never begins with a dot or a quote. Catches: a sentence that roff takes for a request."""
    lines = pages()[name].splitlines()
    begun = {line.split()[0] for line in lines if line.startswith((".", "'"))}
    assert {".TH", ".SH"} <= begun <= REQUESTS


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
@pytest.mark.parametrize("name", pages())
def test_groff_has_no_complaint(name: str, tmp_path: Path) -> None:
    """groff formats a page without a warning. Catches: a macro or an escape that does not exist."""
    (tmp_path / name).write_text(pages()[name])
    ran = subprocess.run(["groff", "-man", "-ww", "-Tutf8", tmp_path / name], capture_output=True, check=True)
    assert ran.stderr == b""
