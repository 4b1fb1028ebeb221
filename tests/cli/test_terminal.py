"""Where output goes: colour on terminals alone, ASCII where nothing else can be written, no room, early readers."""

import errno
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Hugeresv

COMMAND = [str(Path(sys.executable).with_name("hugeresv")), "run", "--on", "count-in-vma", "scenarios/split-middle.scn"]
ESCAPE = "\x1b["


def piped(*arguments: str, **variables: str) -> str:
    """What is written into a pipe."""
    environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "PYTHONIOENCODING")}
    ran = subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, env=environment | variables, capture_output=True, text=True, check=True
    )
    return ran.stdout


def on_a_terminal(*arguments: str, **variables: str) -> str:
    """What is written to a terminal."""
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=environment | {"TERM": "xterm", "COLUMNS": "80"} | variables,
        stdout=theirs,
    ) as running:
        os.close(theirs)
        seen = bytearray()
        try:
            while part := os.read(ours, 65536):
                seen += part
        except OSError:  # how Linux tells that the other side of a terminal is closed
            pass
        os.close(ours)
    assert running.returncode == 0
    return seen.decode()


def test_colour_is_for_terminals() -> None:
    """`--color auto` is colour on a terminal alone; always and never are final.

    Catches: escapes in a log, or a terminal without colour.
    """
    assert ESCAPE in on_a_terminal()
    assert ESCAPE not in piped()
    assert ESCAPE in piped("--color", "always")
    assert ESCAPE not in on_a_terminal("--color", "never")
    assert ESCAPE not in on_a_terminal(TERM="dumb")


def test_no_color_is_final() -> None:
    """NO_COLOR, where it is not empty, forbids colour even with --color always.

    Catches: colour for those who have said that they want none; the variable counts where it is not empty.
    """
    assert ESCAPE not in on_a_terminal(NO_COLOR="1")
    assert ESCAPE not in piped("--color", "always", NO_COLOR="1")
    assert ESCAPE in on_a_terminal(NO_COLOR="")


@pytest.mark.parametrize("verb", ["compare", "behaviours"])
def test_tables_are_coloured_as_everything_is(hugeresv: Hugeresv, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    """Tables obey --color, and are the same text in colour and without.

    Catches: a table that decides by itself whether it is on a terminal.
    """
    arguments = {"compare": ["count-in-vma", "2008", "scenarios/split-middle.scn"], "behaviours": []}[verb]
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert ESCAPE not in hugeresv(verb, *arguments).out
    monkeypatch.delenv("FORCE_COLOR")
    coloured = hugeresv(verb, "--color", "always", *arguments).out
    assert ESCAPE in coloured
    plain = [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", coloured).splitlines()]
    assert plain == hugeresv(verb, *arguments).out.splitlines()


def test_nothing_is_moved_or_taken_back() -> None:
    """The only escapes are those for colour.

    Catches: cursor tricks, which a pager shows as rubbish: escapes are for colour alone.
    """
    text = piped("--color", "always")
    assert set(re.findall(r"\x1b\[[0-9;]*(.)", text)) == {"m"}
    assert not set("\r\b\t") & set(text)


def test_a_wide_screen_is_used() -> None:
    """Lines are as wide as the screen. Catches: long lines wrapped at 80 columns whatever there is."""
    assert max(map(len, piped(COLUMNS="80").splitlines())) <= 80
    assert 80 < max(map(len, piped(COLUMNS="140").splitlines())) <= 140


def test_an_encoding_without_boxes_gets_ascii(tmp_path: Path) -> None:
    """Where the encoding is ASCII, pictures and names are spelled in ASCII.

    Catches: a UnicodeEncodeError in the middle of a picture; by a name in a note, too.
    """
    noted = tmp_path / "noted.scn"
    noted.write_text("# Größe\npool 2M nr=1\n\ndb  mmap größe 1 private  # ½\n", encoding="utf-8")
    text = piped(str(noted), PYTHONIOENCODING="ascii")
    assert text.isascii()
    assert "###==_====" in text
    assert "Gr\\xf6\\xdfe" in text


@pytest.mark.parametrize("spelling", [[], ["--json"]])
def test_a_reader_who_leaves_is_no_error(tmp_path: Path, spelling: list[str]) -> None:
    """A reader who closes the pipe ends the command without a word, with status 0.

    Catches: 'Broken pipe' on the screen of whoever pages through a long run, or a status of its own.
    """
    long = tmp_path / "long.scn"
    long.write_text("pool 2M nr=20000\ndb mmap a 20000 private\n" + "db touch a 1\n" * 20000)
    words = [COMMAND[0], "run", *spelling, str(long)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 0


@pytest.mark.parametrize("spelling", [[], ["--json"]])
def test_a_full_disk_is_said(spelling: list[str]) -> None:
    """Output that has no room is one line with the reason, with status 3.

    Catches: a traceback at the end of a report that has no room.
    """
    words = [COMMAND[0], "run", *spelling, "scenarios/split-middle.scn"]
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(words, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (
        3,
        f"hugeresv: error: cannot write all of the output: {os.strerror(errno.ENOSPC)}\n",
    )
