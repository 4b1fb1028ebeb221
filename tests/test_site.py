"""What the site is made of: links are followed, arguments are read, every verb has a page."""

import subprocess
import sys
from pathlib import Path

import pytest

from hugeresv.cli.manual import commands
from hugeresv.cli.verbs import NAME, cli
from website.links import broken_links
from website.live import Live
from website.verbs import verb_pages

ROOT = Path(__file__).parents[1]


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    """A missing file, a missing place and a way out of the site are told; what is there is not.

    Catches: a check that follows files and not the places in them.
    """
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.html").write_text('<h2 id="here"></h2><a href="../a.html#there">a</a>')
    (tmp_path / "a.html").write_text(
        '<p id="there"></p><a href="docs/#here"></a><a href="https://elsewhere"></a><a href="#there"></a>'
        '<a href="docs/#gone"></a><img src="gone.png"><a href="../../etc/passwd"></a>'
    )
    assert list(broken_links(tmp_path)) == [
        "a.html: docs/#gone: there is no such place in the page",
        "a.html: gone.png: there is no such file",
        "a.html: ../../etc/passwd: there is no such file",
    ]


def test_every_verb_has_a_page_with_its_options() -> None:
    """Every command, also those below a verb, has a page with all its options. Catches: a verb that nobody added."""
    pages = verb_pages()
    for words, command in commands((NAME,), cli):
        page = pages["-".join(words)]
        for param in command.params:
            if param.param_type_name == "option" and not getattr(param, "hidden", False):
                assert max(param.opts, key=len) in page, words


def test_text_in_an_example_is_no_markup() -> None:
    """A scenario's name and kernel end no attribute of the frame. Catches: a quote that begins an attribute."""
    text = '```scn live on="onload=alert(1)\npool 2M nr=1\n```\n'
    assert "on=%22onload=" in Live().page(text, 'a"b', "")
    assert '"onload' not in Live().page(text, 'a"b', "").replace("&quot;", "")


@pytest.mark.parametrize(("argument", "status", "said"), [("--help", 0, "usage: dev.py site"), ("--serv8", 2, "serv8")])
def test_arguments_are_read(argument: str, status: int, said: str) -> None:
    """--help is answered and a wrong argument refused, before anything is built. Catches: one that is ignored."""
    ran = subprocess.run(
        [sys.executable, "-m", "website", argument], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == status
    assert said in ran.stdout + ran.stderr
