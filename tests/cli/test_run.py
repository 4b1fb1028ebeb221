"""`hugeresv run`: files in any spelling, rows, exit status, recording."""

import json
from pathlib import Path
from typing import Any

import pytest

from hugeresv.scenario.load import load, to_text
from tests.cli.conftest import Hugeresv

RIGHT = "pool 2M nr=4\ndb mmap a 2 private -> rsvd=2\n"
CONTRADICTED = "pool 2M nr=4\ndb mmap a 2 private -> rsvd=3\n"
UNREADABLE = "pool 2M nr=4\ndb mmapp a 2 private\n"
IMPOSSIBLE = "pool 2M nr=4\ndb exit\ndb touch a 0\n"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Scenario files by what becomes of them."""
    texts = {"right": RIGHT, "contradicted": CONTRADICTED, "unreadable": UNREADABLE, "impossible": IMPOSSIBLE}
    for name, text in texts.items():
        (tmp_path / f"{name}.scn").write_text(text)
    return {name: tmp_path / f"{name}.scn" for name in [*texts, "missing"]}


def unwrapped(out: str) -> str:
    """Output without its spaces and line ends: a path may be as long as it likes."""
    return "".join(out.split())


def rows(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize(
    ("kernel", "rsvd"), [("count-in-vma", [10, 9, 8, 7, 0, -7, -14]), ("2008", [10, 9, 8, 7, 6, 4, 0])]
)
def test_the_numbers_of_the_patch(hugeresv: Hugeresv, kernel: str, rsvd: list[int]) -> None:
    """rsvd of split-middle is 10, 7, 6, 4, 0 with the patch of 2008, and wraps without it.

    Catches: the double credit, and its end, from the command line on.
    """
    ran = hugeresv("run", "--json", "--on", kernel, "scenarios/split-middle.scn")
    assert [row["rsvd"] for row in rows(ran.out)] == rsvd
    assert [row["step"] for row in rows(ran.out)] == list(range(1, 8))
    assert (ran.status, ran.err) == (0, "")


@pytest.mark.parametrize(
    ("names", "status"),
    [
        (["right"], 0),
        (["right", "contradicted"], 1),
        (["contradicted", "unreadable", "right"], 2),
        (["impossible", "right"], 2),
        (["missing"], 2),
    ],
)
@pytest.mark.parametrize("spelling", [[], ["--json"]])
def test_the_worst_decides_and_the_others_still_run(
    hugeresv: Hugeresv, files: dict[str, Path], names: list[str], status: int, spelling: list[str]
) -> None:
    """The worst of several files is the exit status. Catches: a wrong file that ends the run or is made good later."""
    ran = hugeresv("run", *spelling, *(files[name] for name in names))
    assert ran.status == status
    for name in names:
        wrong = name in ("unreadable", "impossible", "missing")
        assert (f"hugeresv: error: {files[name]}" in ran.err) == wrong
        if name in ("right", "contradicted"):
            assert str(files[name]) in unwrapped(ran.out)


def test_a_kernel_that_is_not_here(hugeresv: Hugeresv, files: dict[str, Path]) -> None:
    """A kernel that is not here is status 3, and 2 where a file is wrong as well.

    Catches: files that are wrong and not told, because nothing can be run.
    """
    assert hugeresv("run", "--on", "guest:debian", files["contradicted"]).status == 3
    ran = hugeresv("run", "--on", "guest:debian", files["right"], files["unreadable"])
    assert ran.status == 2
    assert ran.err.count("hugeresv: error: ") == 2
    assert ran.out == ""


def test_a_kernel_that_there_is_not(hugeresv: Hugeresv, files: dict[str, Path]) -> None:
    """A kernel name that does not exist is an error that quotes it, with status 2, whatever the verb.

    Catches: a misspelled kernel that is taken for the default, or shown with a traceback.
    """
    file = files["right"]
    verbs = (
        ("run", "--on", "6.17", file),
        ("compare", "6.17", "6.18", file),
        ("fuzz", "6.18", "6.17", "-o", file.parent),
    )
    for verb in (*verbs, ("check", "6.17"), ("explore", "6.17"), ("interleave", "--on", "6.17", file)):
        ran = hugeresv(*verb)
        assert (ran.status, ran.out) == (2, "")
        assert ran.err.startswith("hugeresv: error: '6.17': unknown kernel")


def test_rows_of_several_files_come_in_order(hugeresv: Hugeresv, files: dict[str, Path]) -> None:
    """Rows come file by file, in the order of the arguments.

    Catches: rows of the second file among those of the first, or anything that is not a row.
    """
    ran = hugeresv("run", "--json", files["right"], files["unreadable"], files["contradicted"])
    assert [(row["file"], row["id"]) for row in rows(ran.out)] == [
        (str(files["right"]), "right"),
        (str(files["contradicted"]), "contradicted"),
    ]


def test_a_jsonl_file_is_many_scenarios(hugeresv: Hugeresv, tmp_path: Path, files: dict[str, Path]) -> None:
    """Each scenario of a corpus has its rows and its id, also after one that cannot be run.

    Catches: one scenario of many, each under the file's name; or all of them given up for one that cannot be run.
    """
    scenarios = [load(files[name])[0] for name in ("impossible", "right")]
    text = "".join(to_text([scenario], ".jsonl") for scenario in scenarios)
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text(text.replace('"title"', '"x"') + text.splitlines()[1].replace('"pool"', '"id": "third", "pool"'))
    ran = hugeresv("run", "--json", corpus)
    assert ran.status == 2
    assert [(row["id"], row["step"]) for row in rows(ran.out)] == [("corpus", 1), ("corpus", 1), ("third", 1)]


def test_a_folder_is_all_its_scenarios(hugeresv: Hugeresv, tmp_path: Path, files: dict[str, Path]) -> None:
    """A folder stands for all scenario files below it, and for nothing else in it.

    Catches: a folder that is refused, files below it that are missed, and others that are taken for scenarios.
    """
    (tmp_path / "below").mkdir()
    files["right"].rename(tmp_path / "below" / "right.scn")
    for name in ("contradicted", "unreadable", "impossible"):
        files[name].unlink()
    (tmp_path / "README.md").write_text("no scenario")
    ran = hugeresv("run", "--json", tmp_path)
    assert ran.status == 0
    assert [row["id"] for row in rows(ran.out)] == ["right"]


def test_a_folder_without_scenarios_is_an_error(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """A folder without scenarios is an error that names it, with status 2.

    Catches: a test suite that runs nothing and succeeds, because its folder has moved.
    """
    ran = hugeresv("run", tmp_path)
    assert ran.status == 2
    assert str(tmp_path) in ran.err


def test_an_operation_that_is_not_implemented_is_named(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """An operation that does not exist is an error that names it.

    Catches: an operation that is passed over in silence.
    """
    path = tmp_path / "later.json"
    scenario = {"schema": "hugeresv-scenario/1", "pool": {"page_size_kB": 2048, "nr_hugepages": 1}}
    path.write_text(json.dumps(scenario | {"steps": [{"step": 1, "op": "uffd_copy"}]}))
    ran = hugeresv("run", "--json", path)
    assert (ran.status, ran.out) == (2, "")
    assert "uffd_copy" in ran.err


def test_after_a_hang_there_are_no_rows(hugeresv: Hugeresv) -> None:
    """A row with HANG is the last. Catches: rows that are made up for steps that no kernel carried out."""
    (path,) = Path("scenarios/history").glob("H117-*.scn")
    ran = hugeresv("run", "--json", "--on", "6.18", path)
    *_, last = rows(ran.out)
    assert last["outcome"] == "HANG"


def test_recording_writes_what_happened(hugeresv: Hugeresv, files: dict[str, Path]) -> None:
    """`--record` writes the answers as expectations, which hold at the next run.

    Catches: a recording that is not what the run answered: it must hold from then on.
    """
    path = files["contradicted"]
    assert hugeresv("run", "--record", path).status == 1
    text = path.read_text()
    assert text == "pool 2M nr=4\n\ndb  mmap a 2 private         -> ok total=4 free=4 rsvd=2 surp=0\n"
    assert hugeresv("run", "--record", path).status == 0
    assert path.read_text() == text
    path.write_text(text.replace("rsvd=2", "rsvd=3"))
    assert hugeresv("run", "--record", "--on", "6.18", path).status == 1
    assert path.read_text() == text.replace("rsvd=2 surp=0", "rsvd=3 surp=0 | 6.18: rsvd=2")


def test_what_could_not_be_run_is_not_recorded(hugeresv: Hugeresv, files: dict[str, Path], tmp_path: Path) -> None:
    """A file of which any scenario cannot be run is left as it was.

    Catches: half a recording; or the other half of a corpus lost.
    """
    before = files["impossible"].read_text()
    assert hugeresv("run", "--record", files["impossible"]).status == 2
    assert files["impossible"].read_text() == before
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text(to_text([load(files[name])[0] for name in ("impossible", "right")], ".jsonl"))
    before = corpus.read_text()
    assert hugeresv("run", "--record", corpus).status == 2
    assert corpus.read_text() == before


def test_what_could_not_be_finished_is_counted(hugeresv: Hugeresv, files: dict[str, Path]) -> None:
    """The summary counts and names scenarios that ended early.

    Catches: 'all answers as expected' below an error; a scenario that never began and is not counted.
    """
    files["missing"].write_text("pool 2M nr=1\ndb touch a 0\n")
    ran = hugeresv("run", files["impossible"], files["missing"], files["right"])
    unfinished = f"{files['impossible']},{files['missing']}"
    assert unwrapped(ran.out).endswith(f"3scenarios,2couldnotbefinished:{unfinished}")


def test_a_kernel_that_does_not_exist_is_warned_of(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """An expectation of an unknown kernel is warned of once a file, by its name.

    Catches: a check that a misspelt name switches off; a warning at every step; one of a name that some kernel goes by.
    """
    known = 'host: rsvd=2 | "guest:debian": rsvd=2 | "6.18,zap-restore=never": rsvd=2 | 2008: rsvd=2'
    step = f'-> rsvd=2 | ideel: rsvd=3 | "6.18,zap-restore=nie": rsvd=3 | {known}'
    path = tmp_path / "s.scn"
    path.write_text(f"pool 2M nr=4\nleaks idael: rsvd=0\ndb mmap a 2 private {step}\ndb touch a 0 -> | ideel: rsvd=3\n")
    ran = hugeresv("run", "--json", path)
    assert ran.status == 0
    assert len(rows(ran.out)) == 2
    warned = [line.split("'")[1] for line in ran.err.splitlines() if line.startswith(f"hugeresv: warning: {path}: ")]
    assert warned == ["idael", "ideel", "6.18,zap-restore=nie"]


def test_a_kernel_of_ones_own(hugeresv: Hugeresv, tmp_path: Path, files: dict[str, Path]) -> None:
    """`--kernel PATH` takes that file, and excludes --on.

    Catches: an image that is looked for by name, not where it is; one of two kernels that is silently left out.
    """
    (tmp_path / "bzImage").write_bytes(bytes(4096))
    ran = hugeresv("run", "--kernel", f"{tmp_path}/bzImage", str(files["right"]))
    assert (ran.status, "neither a bzImage nor a vmlinux" in ran.err) == (2, True)
    ran = hugeresv("run", "--kernel", f"{tmp_path}/bzImage", "--on", "6.1", str(files["right"]))
    assert (ran.status, "leave one out" in ran.err) == (2, True)
