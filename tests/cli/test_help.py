"""`--help`, `--version`, completion: what the command line says of itself is true, and said at once."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import hugeresv as package
from hugeresv.cli.verbs import VERBS, cli
from tests.cli.conftest import ROOT, Hugeresv

BIN = Path(sys.executable).parent
WHAT_TAKES_A_WHILE = ("host", "fuzz", "explore", "--listen", "vmcore", "guest.ram")
"""Words of examples that are not run here: they need the machine's pool to themselves, a minute, or a dump, write a
file, or do not end."""


def examples(verb: str) -> list[str]:
    """The commands that a verb's help ends with."""
    command = cli.get_command(cli.make_context("hugeresv", [verb]), verb)
    assert command is not None
    assert command.epilog is not None
    _, title, *commands = command.epilog.split("\n")
    assert title in ("Example:", "Examples:")
    return [each.strip() for each in commands]


EXAMPLES = [example for verb in VERBS for example in examples(verb)]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(hugeresv: Hugeresv, verb: str) -> None:
    """A verb that is listed and not there, or whose example is of another verb or rewrapped."""
    ran = hugeresv(verb, "--help")
    assert (ran.status, ran.err) == (0, "")
    assert examples(verb)
    for example in examples(verb):
        assert f"hugeresv {verb}" in example
        assert f"\n    {example}\n" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80
    assert not [line for line in ran.out.splitlines() if line.endswith("-")], "a name is cut at its hyphen"


def test_the_list_of_verbs_is_complete(hugeresv: Hugeresv) -> None:
    """A verb that has a file and cannot be called."""
    shared = {"__init__", "main", "exit_status", "files", "help", "interrupted", "manual", "options", "streams"}
    shared |= {"output_file", "terminal", "verbs"}
    files = {path.stem for path in (ROOT / "src" / "hugeresv" / "cli").glob("*.py")}
    assert files - shared == set(VERBS)
    told = hugeresv("--help").out
    assert all(re.search(rf"^  {verb} ", told, re.MULTILINE) for verb in VERBS)


def test_the_version_is_the_packages(hugeresv: Hugeresv) -> None:
    """Two numbers for one release."""
    assert hugeresv("--version") == (0, f"hugeresv {package.__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("hugeresv co", ["compare", "convert", "completion"]),
        ("hugeresv behaviours 6.18.", ["6.18.15"]),
        ("hugeresv behaviours zap", ["zap-restore"]),
        ("hugeresv behaviours 6.18 --source alloc_h", ["alloc_hugetlb_folio"]),
        ("hugeresv behaviours --diff 2008 count", ["count-in-vma"]),
        ("hugeresv run --on 6.1", ["6.1.187", "6.1", "6.12.107", "6.12.117", "6.12", "6.18.15", "6.18"]),
        ("hugeresv compare h", ["host"]),
        ("hugeresv run --js", ["--json"]),
        ("hugeresv --js", ["--json"]),
        ("hugeresv -o NAME --so", ["--sort"]),
        ("hugeresv status --by u", ["user"]),
    ],
)
def test_a_shell_completes(words: str, found: list[str]) -> None:
    """Completion that knows the verbs alone, and neither kernels nor options."""
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1), "_HUGERESV_COMPLETE": "bash_complete"}
    ran = subprocess.run([BIN / "hugeresv"], env=asked, capture_output=True, text=True, check=True)
    assert [line.removeprefix("plain,") for line in ran.stdout.splitlines()] == found


def test_a_shell_completes_cgroups_and_mounts(tmp_path: Path) -> None:
    """Cgroups are completed a level at a time. Catches: file names of the current folder in their place."""
    for name in ("db/a", "db/b", "web"):
        (tmp_path / "fs/cgroup/hugetlb" / name).mkdir(parents=True)
    (tmp_path / "self").mkdir()
    mounts = (
        f"{number} 20 0:{number} / /{name} rw - hugetlbfs none rw\n" for number, name in ((40, "h2M"), (41, "h1G"))
    )
    (tmp_path / "self/mountinfo").write_text("".join(mounts))
    for words, found in (
        (f"hugeresv status --sys {tmp_path} --cgroup /", ["/db", "/web"]),
        (f"hugeresv fit 2M --sys {tmp_path} --cgroup /db/", ["/db/a", "/db/b"]),
        (f"hugeresv --sys {tmp_path} --cgroup /w", ["/web"]),
        (f"hugeresv fit --proc {tmp_path} --mount /h2", ["/h2M"]),
    ):
        test_a_shell_completes(words, found)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_code_for_the_shell(hugeresv: Hugeresv, shell: str) -> None:
    """A script that asks another program, or by another variable than ours."""
    ran = hugeresv("completion", shell)
    assert ran.status == 0
    assert f"_HUGERESV_COMPLETE={shell}_complete" in ran.out


def test_a_wrong_option_is_told_with_the_usage(hugeresv: Hugeresv) -> None:
    """A traceback, or the status of a scenario that was contradicted."""
    ran = hugeresv("run", "--jsn", "x.scn")
    assert ran.status == 2
    assert "No such option '--jsn'. (Did you mean" in ran.err
    assert "Traceback" not in ran.err
