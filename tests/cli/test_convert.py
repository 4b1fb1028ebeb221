"""`hugeresv convert`: from either spelling to the other, and back to the same."""

import json
from pathlib import Path

import pytest

from hugeresv.scenario.load import load
from tests.cli.conftest import ROOT, Hugeresv


def test_there_and_back(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """From .scn to JSON and back a scenario stays equal.

    Catches: a spelling that is chosen wrong by default, or text that does not end as a file should.
    """
    source = ROOT / "scenarios" / "overcommit.scn"
    there = hugeresv("convert", source)
    assert there.status == 0
    assert json.loads(there.out)["pool"] == {"page_size_kB": 2048, "nr_hugepages": 2, "nr_overcommit": 3}
    (tmp_path / "overcommit.json").write_text(there.out)
    back = hugeresv("convert", tmp_path / "overcommit.json")
    (tmp_path / "overcommit.scn").write_text(back.out)
    assert load(tmp_path / "overcommit.scn") == load(source)
    assert hugeresv("convert", tmp_path / "overcommit.scn", "--to", "scn").out == back.out


@pytest.mark.parametrize("name", ["out.json", "out.scn", "out.jsonl"])
def test_the_name_of_the_output_says_how(hugeresv: Hugeresv, tmp_path: Path, name: str) -> None:
    """The suffix of -o chooses the spelling, and nothing is printed.

    Catches: JSON in a file that ends in .scn; or something on standard output as well.
    """
    ran = hugeresv("convert", "scenarios/fork.scn", "-o", tmp_path / name)
    assert ran == (0, "", "")
    assert load(tmp_path / name) == load(ROOT / "scenarios" / "fork.scn")


def test_many_scenarios_do_not_become_one(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """A corpus of several scenarios converts to .jsonl alone; all else is refused.

    Catches: the first of many, taken for all.
    """
    corpus = tmp_path / "corpus.jsonl"
    hugeresv("convert", "scenarios/fork.scn", "-o", corpus)
    corpus.write_text(corpus.read_text() * 2)
    for arguments in ([], ["--to", "json"], ["-o", tmp_path / "out.scn"]):
        ran = hugeresv("convert", corpus, *arguments)
        assert (ran.status, ran.out) == (2, "")
        assert ".jsonl" in ran.err
    assert hugeresv("convert", corpus, "-o", tmp_path / "copy.jsonl").status == 0
    assert len(load(tmp_path / "copy.jsonl")) == 2


def test_the_spelling_is_said_once(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """`--to` and -o exclude each other. Catches: `--to` that -o overrides in silence."""
    ran = hugeresv("convert", "scenarios/fork.scn", "--to", "json", "-o", tmp_path / "out.scn")
    assert ran.status == 2
    assert not (tmp_path / "out.scn").exists()
