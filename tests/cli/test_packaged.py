"""Scenarios that come with hugeresv are run by their names, from any directory."""

import re
from pathlib import Path

import pytest

from hugeresv.scenario.packaged import packaged
from tests.cli.conftest import ROOT, Hugeresv


def test_every_scenario_has_its_name() -> None:
    """Names are paths below scenarios/ without the suffix.

    Catches: a folder that is left out, a file under two names.
    """
    files = sorted((ROOT / "scenarios").rglob("*.scn"))
    named = {name: path for name, path in packaged().items() if path.is_file()}
    assert sorted(named.values()) == files
    assert all(str(path.relative_to(ROOT)) == f"scenarios/{name}.scn" for name, path in named.items())


def test_a_name_runs_what_the_file_runs(hugeresv: Hugeresv) -> None:
    """`run --json fork` prints the lines of scenarios/fork.scn, named `fork`.

    Catches: a name that is looked for here.
    """
    path = str(ROOT / "scenarios/fork.scn")
    by_name = hugeresv("run", "--json", "--on", "6.18", "fork")
    by_path = hugeresv("run", "--json", "--on", "6.18", path)
    assert (by_name.status, by_name.err) == (0, "")
    assert by_name.out == by_path.out.replace(path, "fork")
    assert '"file": "fork"' in by_name.out


def test_a_folders_name_runs_all_of_it(hugeresv: Hugeresv) -> None:
    """Each scenario of `history` is named so that it can be run alone. Catches: a name that only reports know."""
    ran = hugeresv("run", "--json", "history")
    named = {line.split('"')[3] for line in ran.out.splitlines()}
    assert named == {name for name in packaged() if name.startswith("history/")}


def test_a_path_comes_before_a_name(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """A folder `fork` of the user's own is what `fork` means there. Catches: a name that hides the user's files."""
    (tmp_path / "fork").mkdir()
    (tmp_path / "fork" / "mine.scn").write_text("pool 2M nr=1\np mmap a 1 private\n")
    ran = hugeresv("run", "--json", "fork", at=tmp_path)
    assert '"file": "fork/mine.scn"' in ran.out


def test_a_file_that_is_no_scenario_hides_no_name(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """Beside a program `fork`, made of `fork.c`, `fork` is the packaged scenario. Catches: what docs/scn.md builds."""
    (tmp_path / "fork").write_bytes(b"\x7fELF")
    assert '"file": "fork"' in hugeresv("run", "--json", "fork", at=tmp_path).out


@pytest.mark.parametrize("near", ["split-midle", "scenarios/split-middle.scn", "split-middle.scn"])
def test_what_is_near_a_name_is_told(hugeresv: Hugeresv, near: str, tmp_path: Path) -> None:
    """A path as in a checkout and a misspelt name lead to the name. Catches: the user left with `No such file`."""
    ran = hugeresv("run", near, at=tmp_path)
    assert ran.status == 2
    assert ran.err == (
        f"hugeresv: error: {near}: there is no such file, and hugeresv comes with no scenario of this name; "
        "did you mean 'split-middle'?\n"
    )


def test_a_packaged_scenario_is_not_recorded(hugeresv: Hugeresv) -> None:
    """`--record` refuses a name and says how to get a copy. Catches: expectations written into an installed package."""
    before = (ROOT / "scenarios/fork.scn").read_bytes()
    ran = hugeresv("run", "--record", "--on", "6.18,zap-restore=never", "fork")
    assert ran.status == 2
    assert "record a copy: hugeresv convert fork -o COPY.scn" in ran.err
    assert (ROOT / "scenarios/fork.scn").read_bytes() == before


def test_help_lists_the_names(hugeresv: Hugeresv) -> None:
    """`run --help` has every name and folder at the top.

    Catches: a scenario that is added and that no user hears of.
    """
    words = re.findall(r"[\w-]+", hugeresv("run", "--help").out)
    assert {name for name in packaged() if "/" not in name} <= set(words)
