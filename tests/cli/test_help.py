"""`--help`, `--version`, completion: what the command line says of itself is true, and said at once."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import hugeresv as package
from hugeresv.cli.verbs import VERBS, cli
from tests.cli.conftest import ROOT, Hugeresv

BIN = Path(sys.executable).parent
Completed = Callable[..., list[str]]


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
    """Each verb's help has examples of that verb, each on a line of its own, in 80 columns.

    Catches: a verb that is listed and not there, or whose example is of another verb or rewrapped.
    """
    ran = hugeresv(verb, "--help")
    assert (ran.status, ran.err) == (0, "")
    assert examples(verb)
    for example in examples(verb):
        assert f"hugeresv {verb}" in example
        assert f"\n    {example}\n" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80
    assert not [line for line in ran.out.splitlines() if line.endswith("-")], "a name is cut at its hyphen"


def test_the_list_of_verbs_is_complete(hugeresv: Hugeresv) -> None:
    """`hugeresv --help` lists each verb that has a file, and no other.

    Catches: a verb that has a file and cannot be called.
    """
    shared = {"__init__", "main", "exit_status", "files", "help", "interrupted", "manual", "options", "streams"}
    shared |= {"output_file", "terminal", "verbs"}
    files = {path.stem for path in (ROOT / "src" / "hugeresv" / "cli").glob("*.py")}
    assert files - shared == set(VERBS)
    told = hugeresv("--help").out
    assert all(re.search(rf"^  {verb} ", told, re.MULTILINE) for verb in VERBS)


def test_the_version_is_the_packages(hugeresv: Hugeresv) -> None:
    """`--version` prints the version of the package. Catches: two numbers for one release."""
    assert hugeresv("--version") == (0, f"hugeresv {package.__version__}\n", "")


@pytest.fixture
def completed(hugeresv: Hugeresv, monkeypatch: pytest.MonkeyPatch) -> Completed:
    """What a shell is told to put in the place of the last word of a line, or to look for itself."""

    def ask(shell: str, line: str, at: Path = ROOT) -> list[str]:
        *before, last = line.split(" ")
        monkeypatch.setenv("_HUGERESV_COMPLETE", f"{shell}_complete")
        monkeypatch.setenv("COMP_LINE", line)
        monkeypatch.setenv("COMP_WORDBREAKS", " \t\n\"'><=;|&(:")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", last if shell == "fish" else str(len(before)))
        ran = hugeresv(at=at)
        assert (ran.status, ran.err) == (0, "")
        lines = ran.out.splitlines()
        return lines[1::3] if shell == "zsh" else [re.split("[,\t]", each)[1] for each in lines]

    return ask


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
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
        ("hugeresv run split-m", ["split-middle", "split-mprotect"]),
        ("hugeresv run beh", ["behaviours"]),
        ("hugeresv compare ideal 2008 behaviours/zap", ["behaviours/zap-restore"]),
        ("hugeresv run history/H02", ["history/H02-quota-of-private-pages"]),
    ],
)
def test_a_shell_completes(shell: str, words: str, found: list[str], completed: Completed) -> None:
    """Verbs, options, kernels and packaged scenarios are completed. Catches: a shell that is told the verbs alone."""
    assert completed(shell, words) == found


@pytest.mark.parametrize(
    ("shell", "words", "found"),
    [
        ("bash", "hugeresv run --on guest:7", ["7.x"]),
        ("bash", "hugeresv run --on=guest:7", ["7.x"]),
        ("bash", "hugeresv run --on=ho", ["host"]),
        ("zsh", "hugeresv run --on guest:7", ["guest:7.x"]),
        ("zsh", "hugeresv run --on=guest:7", ["--on=guest:7.x"]),
        ("fish", "hugeresv run --on guest:7", ["guest:7.x"]),
        ("fish", "hugeresv run --on=guest:7", ["--on=guest:7.x"]),
    ],
)
def test_a_shell_completes_guests(shell: str, words: str, found: list[str], completed: Completed) -> None:
    """Bash is told what comes after its last colon or equals sign, the others the whole word.

    Catches: `--on guest:guest:7.x`, or a line without its `--on=`.
    """
    assert completed(shell, words) == found


def test_a_shell_completes_files_beside_names(completed: Completed, tmp_path: Path) -> None:
    """Files, folders and names that begin alike are all listed; where no name does, the shell looks for files itself.

    Catches: a user's own scenario that cannot be reached because a packaged one begins like it.
    """
    (tmp_path / "fork-mine.scn").touch()
    (tmp_path / "forks").mkdir()
    (tmp_path / "fork.txt").touch()
    assert completed("bash", "hugeresv run fork", at=tmp_path) == ["fork", "fork-mine.scn", "forks/"]
    assert completed("bash", "hugeresv run mine", at=tmp_path) == ["mine"]


def test_bash_completes_with_the_code_that_it_is_given(hugeresv: Hugeresv) -> None:
    """The function of `completion bash` fills COMPREPLY. Catches: code that bash cannot read, or that loses answers."""
    line = "hugeresv run --on guest:6.1"
    call = f'COMP_LINE="{line}" COMP_POINT={len(line)}; _hugeresv_completion hugeresv; echo "${{COMPREPLY[@]}}"'
    script = f'PATH="{BIN}:$PATH"\n{hugeresv("completion", "bash").out}\n{call}'
    ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert {"6.1", "6.1-i386", "6.12"} <= set(ran.stdout.split())


def test_a_shell_completes_cgroups_and_mounts(completed: Completed, tmp_path: Path) -> None:
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
        assert completed("bash", words) == found


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_code_for_the_shell(hugeresv: Hugeresv, shell: str) -> None:
    """`completion SHELL` prints code that asks hugeresv, by its own variable.

    Catches: a script that asks another program, or by another variable than ours.
    """
    ran = hugeresv("completion", shell)
    assert ran.status == 0
    assert f"_HUGERESV_COMPLETE={shell}_complete" in ran.out


def test_a_wrong_option_is_told_with_the_usage(hugeresv: Hugeresv) -> None:
    """An option that there is not is an error with a near one, with status 2.

    Catches: a traceback, or the status of a scenario that was contradicted.
    """
    ran = hugeresv("run", "--jsn", "x.scn")
    assert ran.status == 2
    assert "No such option '--jsn'. (Did you mean" in ran.err
    assert "Traceback" not in ran.err
