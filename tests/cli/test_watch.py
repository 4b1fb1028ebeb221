"""`hugeresv status --watch` as a process in a terminal. What is on the screen: tests/reports/test_watch.py."""

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Hugeresv
from tests.sources.trees import add_process, make_host

BIN = Path(sys.executable).parent
ALTERNATE_SCREEN, CURSOR_HIDDEN = (b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?25l", b"\x1b[?25h")


class Terminal:
    """A terminal whose one program writes to it, and which remembers what that was."""

    def __init__(self, *command: str | Path) -> None:
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, 80))
        self.before = termios.tcgetattr(theirs)
        environment = os.environ | {"TERM": "xterm-256color"}
        self.program = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
        )
        self._theirs = theirs
        self.output = b""

    def read_until(self, text: bytes) -> None:
        end = time.monotonic() + 30
        while text not in self.output:
            ready, _, _ = select.select([self._ours], [], [], max(0, end - time.monotonic()))
            assert ready, self.output
            self.output += os.read(self._ours, 1 << 16)

    def type(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def attributes(self) -> list[object]:
        return termios.tcgetattr(self._theirs)

    def close(self) -> None:
        self.program.kill()
        self.program.wait()
        os.close(self._ours)
        os.close(self._theirs)


@pytest.mark.parametrize("end", [b"q", b"\x03", signal.SIGTERM])
def test_the_terminal_is_as_it_was(tmp_path: Path, end: bytes | signal.Signals) -> None:
    """After --watch the terminal has its attributes, screen and cursor back.

    Catches: a shell that echoes nothing afterwards, on the wrong screen, without a cursor.
    """
    make_host(tmp_path, nr=10, free=9, resv=3)
    add_process(tmp_path, 7)
    roots = ("--proc", f"{tmp_path}/proc", "--sys", f"{tmp_path}/sys")
    terminal = Terminal(BIN / "hugeresv", "status", *roots, "--watch", "0.2")
    try:
        terminal.read_until(b"AVAILABLE")
        terminal.read_until(b"every 0.2 s")
        assert terminal.attributes() != terminal.before
        if isinstance(end, signal.Signals):
            terminal.program.send_signal(end)
        else:
            terminal.type(end)
        terminal.read_until(ALTERNATE_SCREEN[1])
        terminal.read_until(CURSOR_HIDDEN[1])
        assert terminal.program.wait(20) == 0
        for on, off in (ALTERNATE_SCREEN, CURSOR_HIDDEN):
            assert terminal.output.rfind(on) < terminal.output.rfind(off)
        assert terminal.attributes() == terminal.before
    finally:
        terminal.close()


def test_without_a_terminal_it_says_so(hugeresv: Hugeresv) -> None:
    """`--watch` without a terminal is an error, with status 2.

    Catches: escape sequences in a file, or a command that hangs in a pipe.
    """
    ran = hugeresv("status", "--watch")
    assert (ran.status, ran.out) == (2, "")
    assert "--watch needs a terminal for input and output" in ran.err


@pytest.mark.parametrize("arguments", [("--watch", "--json"), ("--json", "--watch", "5")])
def test_it_is_no_stream_of_json(hugeresv: Hugeresv, arguments: tuple[str, ...]) -> None:
    """`--watch` and --json exclude each other.

    Catches: JSON in a program for people; an argument taken for the seconds.
    """
    ran = hugeresv("status", *arguments)
    assert (ran.status, ran.err) == (2, "hugeresv: error: --watch and --json exclude each other\n")


@pytest.mark.parametrize("arguments", [["--version"], ["status", "--help"], ["status"]])
def test_only_the_view_loads_what_it_needs(arguments: list[str]) -> None:
    """Textual and the Prometheus client are loaded only by what uses them.

    Catches: a third of a second more for each start.
    """
    program = (
        "import os, sys; from hugeresv.cli.main import main\n"
        f"sys.argv = ['hugeresv', *{arguments!r}]\n"
        "try:\n    main()\n"
        "finally:\n    os._exit('textual' in sys.modules or 'prometheus_client' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
