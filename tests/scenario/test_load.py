"""Scenario files, read and written."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hugeresv.errors import InputError
from hugeresv.scenario.load import dump, load, scenario_id, to_text
from hugeresv.scenario.operation import Exit, Touch
from hugeresv.scenario.scenario import Expectation, Pool, Scenario, Step

SCENARIO = Scenario(Pool(2048, 4), (Step(Touch("p", "größe", "write", 0)), Step(Exit("p"))), title="a\nb")


@pytest.mark.parametrize("name", ["s.scn", "s.json", "s.jsonl"])
def test_what_is_dumped_is_loaded(name: str, tmp_path: Path) -> None:
    """What is written under a suffix is read back from it, as UTF-8, and nothing is left beside it.

    Catches: a suffix that is read as one spelling and written as another; text not in UTF-8.
    """
    dump([SCENARIO], tmp_path / name)
    assert load(tmp_path / name) == [SCENARIO]
    assert list(tmp_path.iterdir()) == [tmp_path / name]


def test_a_jsonl_file_holds_many(tmp_path: Path) -> None:
    """Each line of a .jsonl file that is not blank is a scenario.

    Catches: only the first line read; a blank line or a missing newline at the end taken for a scenario.
    """
    path = tmp_path / "many.jsonl"
    path.write_text("\n" + to_text([SCENARIO, SCENARIO], ".jsonl").replace("\n", "\n\n").rstrip("\n"))
    assert load(path) == [SCENARIO, SCENARIO]


@pytest.mark.parametrize("suffix", [".scn", ".json"])
@pytest.mark.parametrize("count", [0, 2])
def test_other_files_hold_one(suffix: str, count: int, tmp_path: Path) -> None:
    """Another suffix holds one scenario; any other number is refused and changes nothing.

    Catches: several scenarios written into a file that is then read as none.
    """
    path = tmp_path / f"s{suffix}"
    path.write_text("as it was")
    with pytest.raises(InputError, match=f"holds one scenario, not {count}"):
        dump([SCENARIO] * count, path)
    assert path.read_text() == "as it was"


@pytest.mark.parametrize(
    "prepare", [lambda text: "\ufeff" + text, lambda text: text.replace("\n", "\r\n")], ids=["mark", "crlf"]
)
@pytest.mark.parametrize("suffix", [".scn", ".json", ".jsonl"])
def test_files_from_other_editors(prepare: Callable[[str], str], suffix: str, tmp_path: Path) -> None:
    """A byte order mark and other line ends are no part of the text.

    Catches: a byte order mark, or the line ends of another system, taken for part of the text.
    """
    path = tmp_path / f"s{suffix}"
    path.write_bytes(prepare(to_text([SCENARIO], suffix)).encode())
    assert load(path) == [SCENARIO]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("missing.scn", None, "missing.scn: cannot be read: No such file"),
        ("s.txt", b"", r"s.txt: expected a name that ends in .scn, .json, .jsonl"),
        ("s.scn", b"pool 2M nr=4\n# \xff\n", "s.scn: not UTF-8 at byte 15"),
        ("s.json", b"", "s.json:1:1: not JSON: Expecting value"),
        ("s.jsonl", b'\n{"schema": }\n', "s.jsonl:2:12: not JSON: Expecting value"),
        ("s.jsonl", b'\n{"schema": "hugeresv-scenario/2", "steps": []}\n', "s.jsonl:2: key 'schema': expected"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named(name: str, content: bytes | None, complaint: str, tmp_path: Path) -> None:
    """A file that cannot be read is an error with its name and reason.

    Catches: a traceback, or an error that does not say which of many files it is about.
    """
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=complaint):
        load(tmp_path / name)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a write fails, the old file is as it was and alone.

    Catches: a file emptied before the new text is safe; litter beside it.
    """
    path = tmp_path / "s.scn"
    path.write_text("as it was")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"s\.scn: cannot be written: No space left"):
        dump([SCENARIO], path)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("s.scn", "as it was")]


def test_the_mode_and_the_link_survive_a_rewrite(tmp_path: Path) -> None:
    """A rewrite keeps the file's mode and writes through a link.

    Catches: a shared file that becomes private, or a link that becomes a file of its own.
    """
    path = tmp_path / "s.json"
    dump([SCENARIO], path)
    path.chmod(0o640)
    link = tmp_path / "link.json"
    link.symlink_to(path)
    dump([SCENARIO], link)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640


def test_the_id_is_the_files_stem_unless_given() -> None:
    """The id is the file's name without its suffix, unless the scenario has one, be it empty.

    Catches: an id that is empty taken for none; the suffix left on the stem.
    """
    assert scenario_id(SCENARIO, Path("some/dir/split.middle.scn")) == "split.middle"
    assert scenario_id(Scenario(Pool(2048, 4), (), id=""), Path("x.scn")) == ""


@pytest.mark.parametrize("name", [*errno.errorcode.values(), "EWOULDBLOCK", "EOPNOTSUPP", "EDEADLK"])
def test_every_errno_has_a_word(name: str, tmp_path: Path) -> None:
    """Every errno that this Python knows can be expected.

    Catches: a corpus that is refused for an errno that no kernel of ours answers, or for how the C library calls it.
    """
    path = tmp_path / "errno.scn"
    path.write_text(f"pool 2M nr=1\np exit -> {name}\n")
    ((step,),) = (scenario.steps for scenario in load(path))
    assert isinstance(step.expect, Expectation)
    assert step.expect.outcome is not None
    assert getattr(errno, step.expect.outcome) == getattr(errno, name)
