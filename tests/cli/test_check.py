"""`hugeresv check`: its exit status, and its end."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Hugeresv

MODEL = ("check", "6.18", "--time", "0", "history/H104-parent-leaves-before-its-child")


def test_a_kernel_beside_itself_is_clean(hugeresv: Hugeresv) -> None:
    """Exit status 0, and a verdict. Catches: a difference between a kernel and itself."""
    ran = hugeresv(*MODEL)
    assert (ran.status, ran.out.splitlines()[-1]) == (0, "no finding")


def test_a_finding_is_status_1_in_every_format(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """What is found is said, written and told by the status. Catches: a format that has no status."""
    found = (*MODEL, "--base", "ideal")
    for option in ((), ("--tap",), ("--json",), ("--junit", tmp_path / "junit.xml"), ("--bisect",)):
        assert hugeresv(*found, *option).status == 1
    assert 'failures="1"' in (tmp_path / "junit.xml").read_text()
    assert json.loads(hugeresv(*found, "--json").out)["schema"] == "hugeresv-check/1"


@pytest.mark.parametrize(("bisect", "status"), [((), 3), (("--bisect",), 125)])
def test_a_kernel_that_is_not_built_is_skipped(
    hugeresv: Hugeresv, tmp_path: Path, bisect: tuple[str, ...], status: int
) -> None:
    """An unbuilt tree is 3, and 125 for git. Catches: a commit that does not build taken for a bad one."""
    ran = hugeresv("check", tmp_path, *bisect)
    assert (ran.status, "has no arch/x86/boot/bzImage" in ran.err) == (status, True)


def test_wrong_input_ends_a_bisection(hugeresv: Hugeresv) -> None:
    """128 and more ends `git bisect run`. Catches: a bad option that makes every commit a bad one.

    Options that cannot be read are 128 too; without --bisect they are 2, as for every verb.
    """
    for wrong in (("--time", "x"), ("--tap", "--json"), ("--nope",), ("--base", "nope"), ("--out", "/proc/none")):
        assert [hugeresv("check", "6.18", *wrong, *bisect).status for bisect in ((), ("--bisect",))] == [2, 128]
    for word in ("nope", ""):
        assert [hugeresv("check", word, *bisect).status for bisect in ((), ("--bisect",))] == [2, 128]
    assert hugeresv("check", "host", "--bisect").status == 128
    assert hugeresv("check", "6.18", "--bisect", "nope.scn").status == 128


def test_only_what_a_commit_makes_is_skipped(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """An image that is not there is 125; a guest's name, or a base, that is not there is the command's fault: 128.

    Catches: a bisection that skips every commit because a name is misspelled.
    """
    image, base = tmp_path / "bzImage", ("6.18", "--base", tmp_path)
    for kernel, status in (((image,), 125), ((f"guest:{image}",), 125), (("guest:nope",), 128), (base, 128)):
        assert [hugeresv("check", *kernel, *bisect).status for bisect in ((), ("--bisect",))] == [3, status]


def test_a_bug_of_hugeresv_ends_a_bisection(hugeresv: Hugeresv, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that nobody expects is 128 for git. Catches: 70, which git takes for a bad commit."""
    monkeypatch.setattr("hugeresv.cli.check.all_scenarios", lambda: 1 // 0)
    ran = hugeresv("check", "6.18", "--time", "0", "--bisect")
    assert (ran.status, "hugeresv: bug: ZeroDivisionError" in ran.err) == (128, True)


@pytest.mark.parametrize("option", ["--out", "--junit"])
def test_what_cannot_be_written_is_wrong_input(option: str, hugeresv: Hugeresv) -> None:
    """A place where nothing can be made is status 2, in one line, before the kernel is looked for.

    Catches: a bug of ours, or a finding that is lost, or told after an hour.
    """
    ran = hugeresv("check", "guest:nope", option, "/proc/hugeresv/there")
    assert (ran.status, ran.out, ran.err.count("\n"), "/proc/hugeresv" in ran.err) == (2, "", 1, True)


def test_a_campaign_that_cannot_begin_counts_nothing(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """`fuzz` of an unknown kernel is an error alone. Catches: a tally of no differences beside it."""
    ran = hugeresv("fuzz", "nope", "ideal", "-o", tmp_path)
    assert (ran.status, ran.out, "unknown kernel 'nope'" in ran.err) == (2, "", True)


@pytest.mark.parametrize(
    ("kernels", "message"),
    [
        (["6.12"], "name a second one, or try concurrent calls with --together"),
        (["--together", "guest:6.12"], "orders of calls are tried on models"),
        (["--together", "host", "guest:6.12"], "are compared with a model"),
    ],
)
def test_a_campaign_says_which_kernel_it_lacks(
    kernels: list[str], message: str, hugeresv: Hugeresv, tmp_path: Path
) -> None:
    """Kernels that a campaign cannot have are refused. Catches: a traceback, or a campaign that can find nothing."""
    ran = hugeresv("fuzz", *kernels, "-o", tmp_path)
    assert (ran.status, message in " ".join(ran.err.split())) == (2, True)


@pytest.mark.parametrize("verb", [("check", "ideal"), ("fuzz", "ideal", "ideal")])
def test_seconds_are_a_number(verb: tuple[str, ...], hugeresv: Hugeresv) -> None:
    """`--time nan` is refused. Catches: a campaign without an end, for no time is more than nan."""
    ran = hugeresv(*verb, "--time", "nan")
    assert (ran.status, "'nan' is not a number of seconds" in ran.err) == (2, True)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_an_interrupted_check_says_what_it_has_done(number: int, status: int, tmp_path: Path) -> None:
    """SIGTERM and Ctrl-C end it with the tally and their status. Catches: a campaign that is lost with its end."""
    command = [str(Path(sys.executable).parent / "hugeresv"), "check", "6.18", "--seed", "x", "--time", "600", "fork"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tmp_path, text=True) as tool:
        deadline = time.monotonic() + 60
        while not _handles(tool.pid):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        tool.send_signal(number)
        try:
            out, _ = tool.communicate(timeout=60)
        finally:
            tool.kill()
    assert (tool.returncode, "ended early" in " ".join(out.split())) == (status, True)


def _handles(pid: int) -> bool:
    """Whether the process catches SIGTERM: then the check runs."""
    caught = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
