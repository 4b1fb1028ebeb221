"""Reproducers in C, carried out by the kernels of guests: bugs of docs/findings.md and of scenarios/history."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hugeresv.errors import UnsupportedError
from hugeresv.kernels.guest import snapshot
from hugeresv.kernels.guest.initramfs import initramfs
from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.model.presets import IDEAL
from hugeresv.play.play import play
from hugeresv.reports.c.reproducer import to_c
from hugeresv.scenario.load import load
from hugeresv.scenario.scenario import Pool, Scenario
from hugeresv.scenario.scn_format import parse_scn
from tests.played import SCENARIOS
from tests.test_findings import SECTIONS

HISTORY = {path.stem: load(path)[0] for path in sorted((SCENARIOS / "history").glob("*.scn"))[::4]}
"""One in four: each costs a second."""
FINDINGS = {f"finding-{number}": parse_scn(text, title) for number, (title, text) in enumerate(SECTIONS.items())}


def _converted(scenario: Scenario) -> bool:
    """Whether there is a program of it."""
    try:
        return bool(to_c(scenario, ModelKernel(IDEAL)))
    except UnsupportedError:
        return False


PROGRAMS = {name: each for name, each in {**HISTORY, **FINDINGS}.items() if _converted(each)}
EXECVE = 59
SECONDS = 60


def compiled(scenario: Scenario, kernel: ModelKernel, folder: Path) -> bytes:
    """The static program of a scenario that expects what a kernel answers."""
    source, program = folder / "reproducer.c", folder / "reproducer"
    source.write_text(to_c(scenario, kernel))
    subprocess.run(["cc", "-static", "-s", "-o", program, source], check=True)
    return program.read_bytes()


@pytest.mark.parametrize("guest", ["6.1", "6.12"])
def test_reproducers_find_what_the_kernel_of_a_guest_does(
    guests: Callable[[str], GuestKernel], guest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program says WRONG where the model of the guest's kernel contradicts the scenario, and nowhere else.

    Catches: a program that leaves a step out, or that is carried out otherwise than the scenario.
    """
    if shutil.which("cc") is None:
        pytest.skip("needs cc")
    model = ModelKernel(guests(guest).behaviour)
    programs = {f"p/{name}": compiled(each, model, tmp_path) for name, each in PROGRAMS.items()}
    programs["tmp/there"] = b""
    monkeypatch.setattr(snapshot, "initramfs", lambda files: initramfs({**files, **programs}))
    with GuestKernel(guest) as kernel:
        said = {name: _run(kernel, name) for name in PROGRAMS}
    contradicted = {
        name for name, each in PROGRAMS.items() if any(result.contradictions for result in play(each, model))
    }
    assert {name for name, text in said.items() if "WRONG" in text} == contradicted
    assert contradicted
    short = {name for name, text in said.items() if len(text.splitlines()) != len(PROGRAMS[name].steps) + 1}
    assert {name for name in short if "HANG" not in said[name]} == set()


def _run(kernel: GuestKernel, name: str) -> str:
    """What the program prints on the console of a fresh guest."""
    with kernel.start(Pool(2048, 0)) as session:
        _, worker = session._root.fork()
        assert worker is not None
        milliseconds = SECONDS * 1000
        with pytest.raises(Exception, match="was killed"):  # it ends as a program does
            session._guest.conversation.ask(
                "call", worker.number, milliseconds, EXECVE, f"$/p/{name}", 0, 0, patience=SECONDS
            )
        lines = session._guest.printed().splitlines(keepends=True)
        return "".join(line for line in lines if not line.startswith("["))  # the kernel's own
