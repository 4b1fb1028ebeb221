"""`convert --to c`: the C file compiles without a warning, and does and expects what the scenario does."""

import shutil
import subprocess
from pathlib import Path

import pytest

from hugeresv.errors import UnsupportedError
from hugeresv.kernels.grammar import parse_behaviour
from hugeresv.kernels.host.kernel import HostKernel
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.reports.c.reproducer import to_c
from hugeresv.scenario.load import load
from hugeresv.scenario.scenario import Pool, Scenario
from hugeresv.scenario.scn_format import parse_scn

ROOT = Path(__file__).parents[2] / "scenarios"
WARNINGS = ("-std=gnu11", "-Wall", "-Wextra", "-Werror")


def _is_converted(path: Path) -> bool:
    """Whether there is a program of it."""
    try:
        return bool(to_c(load(path)[0], ModelKernel(parse_behaviour("ideal"))))
    except UnsupportedError:
        return False


SCENARIOS = [path for path in sorted(ROOT.rglob("*.scn")) if _is_converted(path)]
RUN = [path for path in SCENARIOS if path.parent.name != "behaviours"]

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="needs cc")


def written(scenario: Scenario, on: str, folder: Path) -> Path:
    """The C file of a scenario."""
    path = folder / "reproducer.c"
    path.write_text(to_c(scenario, ModelKernel(parse_behaviour(on))))
    return path


def compiled(source: Path) -> Path:
    """The program of a C file."""
    program = source.with_suffix("")
    subprocess.run(["cc", *WARNINGS, "-o", program, source], check=True)
    return program


@needs_compiler
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_scenario_compiles_without_a_warning(path: Path, tmp_path: Path) -> None:
    """The C file of every scenario compiles without a warning.

    Catches: a call that C spells otherwise, and parts that a scenario does not use.
    """
    (scenario,) = load(path)
    subprocess.run(["cc", *WARNINGS, "-fsyntax-only", written(scenario, "ideal", tmp_path)], check=True)


@needs_compiler
@pytest.mark.parametrize("path", RUN, ids=lambda path: path.stem)
def test_it_finds_on_the_host_what_run_finds(path: Path, host: HostKernel, tmp_path: Path) -> None:
    """On the host's kernel the program exits with 0 where it is to find what that kernel's behaviour answers.

    Catches: a step that is carried out by another process, at another address, or not at all.
    """
    behaviour = next(name for name in host.expectation_names if name != "host")
    (scenario,) = load(path)
    program = compiled(written(scenario, behaviour, tmp_path))
    host.start(Pool(2048, 0)).close()
    ran = subprocess.run([program], capture_output=True, text=True, timeout=60, check=False)
    host.start(Pool(2048, 0)).close()  # and so what the scenario is there to leak is healed
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    assert "HANG" in ran.stdout or ran.stdout.count("\n") == len(scenario.steps) + 1


ANSWERED_OTHERWISE = """\
pool 2M nr=2
p mmap a 2 private -> rsvd=1
p touch a 0 -> SIGBUS
"""


@needs_compiler
def test_what_is_not_as_expected_is_said_and_exits_with_1(host: HostKernel, tmp_path: Path) -> None:
    """Each wrong step is marked, with what was expected. Catches: a program that compares nothing."""
    program = compiled(written(parse_scn(ANSWERED_OTHERWISE, "x.scn"), "ideal", tmp_path))
    host.start(Pool(2048, 0)).close()
    ran = subprocess.run([program], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1
    assert ran.stdout.count("WRONG") == 2
    assert "WRONG, expected  rsvd=1" in ran.stdout
    assert "ok       total=2 free=1 rsvd=1 surp=0   WRONG, expected SIGBUS" in ran.stdout


def test_awkward_names_and_texts_are_c(tmp_path: Path) -> None:
    """Names and texts that C cannot have become others, each its own.

    Catches: a name that C cannot have, one that another becomes too, and a text that would end a comment or a string.
    """
    text = 'pool 2M nr=1\n# a */ b\n"p-1" mmap "a*/\\"b\\\\" 1 private\n"p_1" mmap a 1 private\n"p-1" fork "p 1"\n'
    source = to_c(parse_scn(text, "x.scn"), ModelKernel(parse_behaviour("ideal")))
    assert "enum { P_p_1, P_p_1_1, P_p_1_2, PROCESSES };" in source
    if shutil.which("cc") is not None:
        (tmp_path / "x.c").write_text(source)
        subprocess.run(["cc", *WARNINGS, "-fsyntax-only", tmp_path / "x.c"], check=True)


def test_what_c_cannot_say_is_refused_by_name() -> None:
    """Cgroups. Catches: a program that leaves them out and finds other counters."""
    scenario = parse_scn("pool 2M nr=1\ncgroup g max=1\np cgroup_move g\n", "x.scn")
    with pytest.raises(UnsupportedError, match="cgroups"):
        to_c(scenario, ModelKernel(parse_behaviour("ideal")))
