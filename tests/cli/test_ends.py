"""However a command ends it says so in one line or none, with an exit status that a script can rely on."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from hugeresv.cli.verbs import EXIT_STATUSES, VERBS
from tests.cli.conftest import ROOT, Hugeresv

BIN = Path(sys.executable).parent
SCENARIO = "scenarios/fork.scn"
PRINTING = {
    "help": "--help",
    "version": "--version",
    "no verb": "",
    "status": "status --json",
    "export": "export",
    "fit": "fit 4M --json",
    "run": f"run {SCENARIO}",
    "run --json": f"run --json {SCENARIO}",
    "compare": f"compare 2008 6.18 {SCENARIO}",
    "fuzz": "fuzz 6.18 6.18 --scenarios 1",
    "audit": "audit --help",
    "convert": f"convert {SCENARIO}",
    "kernels": "kernels",
    "behaviours": "behaviours",
    "check": "check 6.18 --time 0 fork",
    "explore": "explore ideal --pages 1 --processes 1",
    "interleave": "interleave history/H33-mmap-and-a-fault-count-twice",
    "behaviours --json": "behaviours --json",
    "completion": "completion bash",
}
"""A command line of each verb that prints something on any machine, or says in a line why it cannot."""


def in_shell(command: str, **variables: str) -> tuple[int, str]:
    """Exit status, and what is left of output and error after the command's redirections."""
    ran = subprocess.run(
        ["bash", "-c", f"hugeresv {command}"],
        cwd=ROOT,
        env=os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"} | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return ran.returncode, ran.stdout


def test_every_verb_is_tried() -> None:
    """The commands of this file use every verb. Catches: a verb that is forgotten below."""
    assert {command.split()[0] for command in PRINTING.values() if command[:1].isalpha()} == set(VERBS)


@pytest.mark.parametrize("command", PRINTING.values(), ids=PRINTING)
def test_output_that_cannot_be_written_is_said_in_a_line(command: str) -> None:
    """Standard output is closed, or full. Catches: a traceback; the status 1, which is an answer; status 0."""
    for redirected, reason in ((">&-", "standard output is closed"), (">/dev/full", "No space left on device")):
        status, told = in_shell(f"{command} {redirected}")
        assert (status, told.count("\n")) == (3, 1), told
        assert told.startswith("hugeresv: error: ")
        assert told.endswith(f"cannot write all of the output: {reason}\n") or "huge pages" in told


@pytest.mark.parametrize("redirected", ["2>&-", "2>/dev/full", "2>&- >&-", "2>/dev/full >/dev/full"])
def test_an_error_that_cannot_be_told_keeps_its_status(redirected: str) -> None:
    """With standard error closed or full, an error still ends with its status, and prints nothing.

    Catches: the status of a bug, or of an answer, where there is no file, and where an option is unknown.
    """
    assert in_shell(f"run nope.scn {redirected}") == (2, "")
    assert in_shell(f"run --jsn {redirected}") == (2, "")


def test_no_file_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    """What is printed goes nowhere where output was closed. Catches: into the file that was opened first."""
    written = tmp_path / "fork.json"
    assert in_shell(f"convert {SCENARIO} -o {written} <&- >&- 2>&-") == (0, "")
    assert written.read_text() == in_shell(f"convert {SCENARIO} --to json")[1]


def test_a_user_without_a_home(hugeresv: Hugeresv, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where guests are kept cannot be known. Catches: the RuntimeError of pathlib."""

    def nobody(number: int) -> NoReturn:
        raise KeyError(number)

    monkeypatch.setattr("pwd.getpwuid", nobody)
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    ran = hugeresv("kernels")
    assert (ran.status, ran.err.count("\n")) == (3, 1)
    assert ran.err.startswith("hugeresv: error: this user has no home")


@pytest.mark.parametrize("kind", ["a FIFO", "a device"])
@pytest.mark.parametrize(
    "command", ["run {}", "convert {}", "compare ideal 2008 {}", "audit {}", f"audit --symbols {{}} {SCENARIO}"]
)
def test_what_is_no_file_is_not_read(tmp_path: Path, kind: str, command: str) -> None:
    """A FIFO or a device in the place of a scenario is refused at once.

    Catches: waiting for a writer without an end; the memory that /dev/zero takes.
    """
    path = tmp_path / "odd.scn"
    if kind == "a FIFO":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    assert in_shell(command.format(path)) == (2, f"hugeresv: error: {path}: is {kind}, not a file\n")


def test_a_fifo_is_not_replaced(tmp_path: Path) -> None:
    """`convert -o` refuses to replace a FIFO, which stays.

    Catches: a file in its place, for which whoever reads the FIFO waits.
    """
    path = tmp_path / "odd.scn"
    os.mkfifo(path)
    status, told = in_shell(f"convert {SCENARIO} -o {path}")
    assert (status, path.is_fifo()) == (2, True)
    assert "it is not a regular file" in told


def ends(arguments: list[str], module: str, error: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command in which importing `module` raises `error`."""
    program = (
        "import sys\n"
        "class Fails:\n"
        "    def find_spec(self, name, *rest):\n"
        f"        if name == {module!r}:\n"
        f"            raise {error}\n"
        "sys.meta_path.insert(0, Fails())\n"
        f"sys.argv = ['hugeresv', *{arguments!r}]\n"
        "from hugeresv.cli.main import main\n"
        "main()\n"
    )
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("module", ["click", "hugeresv.cli.streams", "hugeresv.cli.verbs", "hugeresv.scenario.load"])
def test_ctrl_c_while_modules_are_loaded(module: str) -> None:
    """Ctrl-C during an import ends with status 130 and prints nothing.

    Catches: the traceback of a KeyboardInterrupt, from the command's first module on.
    """
    ran = ends(["run", SCENARIO], module, "KeyboardInterrupt")
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")


def test_a_bug_has_a_status_of_its_own() -> None:
    """An exception of our own is one line that says where it was raised, with status 70.

    Catches: a traceback, and the status 1, which would be an answer; a line that does not say where it was.
    """
    ran = ends(["run", SCENARIO], "hugeresv.play.play", "RuntimeError('two\\n  lines \\x1b')")
    assert (ran.returncode, ran.stdout) == (70, "")
    assert ran.stderr.startswith("hugeresv: bug: RuntimeError at __main__:5: two\\n  lines \\x1b. ")
    assert "HUGERESV_TRACEBACK=1" in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_bug_shows_its_traceback_when_asked() -> None:
    """HUGERESV_TRACEBACK=1 shows the traceback, and the status stays 70.

    Catches: a variable that does nothing, or that changes the status.
    """
    ran = ends(["run", SCENARIO], "hugeresv.play.play", "RuntimeError('odd')", HUGERESV_TRACEBACK="1")
    assert ran.returncode == 70
    assert "Traceback (most recent call last)" in ran.stderr
    assert "import_module" in ran.stderr


def test_too_little_memory_is_no_bug() -> None:
    """A MemoryError is one line, with status 3. Catches: a MemoryError told as a bug."""
    ran = ends(["run", SCENARIO], "hugeresv.play.play", "MemoryError")
    assert (ran.returncode, ran.stderr) == (3, "hugeresv: error: there is not enough memory for this\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "no\x1b[2J\nhugeresv: error: spoofed.scn"],
        ["run", "--on", "\x1b]0;title\x07", SCENARIO],
        ["no\x1b[2J"],
        ["run", "--\x1b[2J"],
        ["behaviours", "\x9b2J"],
    ],
)
def test_errors_do_not_write_to_the_terminal_what_strangers_chose(hugeresv: Hugeresv, arguments: list[str]) -> None:
    """Control characters are escaped, as in tables. Catches: a screen that an argument or a file's name clears."""
    ran = hugeresv(*arguments)
    assert ran.status in (2, 3)
    assert ran.err.replace("\n", "").isprintable()
    assert "\nhugeresv: error: spoofed" not in ran.err


@pytest.mark.parametrize("line", ["\x1b]0;PWNED\x07\x1b[2Jevil", "db touch a \x00", "pool 2M nr=\x1b[1m4"])
def test_errors_escape_what_a_scenario_has(hugeresv: Hugeresv, tmp_path: Path, line: str) -> None:
    """An error escapes the control characters of what it quotes.

    Catches: a terminal's title set by a scenario that is wrong.
    """
    scenario = tmp_path / "s.scn"
    scenario.write_text(f"pool 2M nr=4\n{line}\n")
    ran = hugeresv("run", scenario)
    assert ran.status == 2
    assert ran.err.replace("\n", "").isprintable()
    assert ascii(line.replace("=", " ").rsplit(maxsplit=1)[-1])[1:-1] in ran.err


def test_an_error_does_not_quote_a_whole_file(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """A line of a million characters, none of them a blank. Catches: a message as long as the line."""
    scenario = tmp_path / "s.scn"
    scenario.write_bytes(bytes(1_000_000))
    ran = hugeresv("run", scenario)
    assert ran.status == 2
    assert len(ran.err) < 10_000
    assert ran.err.endswith(" characters more)\n")
    scenario.write_text("pool 2M nr=1\np touch\n")
    assert hugeresv("run", scenario).err.count("\n  write: p touch") == 0


def test_statuses_are_those_that_errors_have(hugeresv: Hugeresv) -> None:
    """`--help` and the README document every exit status, and no other.

    Catches: `--help` and README that document other numbers than the command ends with.
    """
    readme = (ROOT / "README.md").read_text().partition("## Exit status")[2]
    told = hugeresv("--help").out.partition("Exit status:")[2]
    for status in EXIT_STATUSES:
        assert f"\n  {status} " in told
        assert f"| {status} |" in readme
    assert set(EXIT_STATUSES) == {"0", "1", "2", "3", "70", "130", "143"}
