"""What holds of the project as a whole: its layers, its lock file, its changelog, its start."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import hugeresv

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "hugeresv"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
BIN = Path(sys.executable).parent


def imports_of(path: Path) -> set[str]:
    """Top-level names of the modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize("layer", ["model", "outcome.py", "units.py", "errors.py"])
def test_the_model_imports_nothing_from_third_parties(layer: str) -> None:
    """The model and what is below it import the standard library and our own package only.

    Catches: a third-party import, which the layer contract does not see.
    """
    path = ROOT / "src" / "hugeresv" / layer
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    assert files
    foreign = {file.name: imports_of(file) - sys.stdlib_module_names - {"hugeresv"} for file in files}
    assert not any(foreign.values()), foreign


@pytest.mark.parametrize(
    ("path", "text", "complaint"),
    [
        ("model/upward.py", "import hugeresv.scenario.operation\n", "hugeresv.model is not allowed to import"),
        ("newpackage/__init__.py", "", "newpackage"),
    ],
    ids=["an import upwards", "a package that has no layer"],
)
def test_the_layer_contract_notices(path: str, text: str, complaint: str, tmp_path: Path) -> None:
    """The layer contract fails on an import upwards, and on a package without a layer.

    Catches: a contract that checks nothing: a misspelt container, a list of layers that lets new packages be.
    """
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    planted = tmp_path / "src" / "hugeresv" / path
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(text)
    command: list[str | Path] = [BIN / "lint-imports", "--no-cache", "--no-logo"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "src")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert complaint in done.stdout + done.stderr


def test_the_lock_pins_what_is_asked_for_and_names_no_host() -> None:
    """The lock pins every dependency with hashes, and names no index.

    Catches: a dependency added without `dev.py lock`, and an index of one machine that everybody else would be sent to.
    """
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert "index" not in lock
    groups = PROJECT["dependency-groups"]
    asked = PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"]
    asked += [entry for group in groups.values() for entry in group if isinstance(entry, str)]
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+) .*\\\n +--hash=sha256:", lock, re.MULTILINE))
    missing = {name for entry in asked if (name := re.split(r"[<>=~!\[ ]", entry)[0]) not in pinned}
    assert not missing


def test_every_group_is_part_of_dev() -> None:
    """The group dev includes every other group. Catches: a new group that neither the lock nor CI would see."""
    groups = PROJECT["dependency-groups"]
    included = {entry["include-group"] for entry in groups["dev"]}
    assert included == set(groups) - {"dev"}


def test_changelog_fragments_are_named_for_what_they_are() -> None:
    """The name of every fragment ends in a kind that towncrier collects.

    Catches: a fragment that a release would leave out without a word.
    """
    kinds = "|".join(kind["directory"] for kind in PROJECT["tool"]["towncrier"]["type"])
    fragments = [path.name for path in (ROOT / "changelog.d").iterdir()]
    assert [name for name in fragments if not re.fullmatch(rf"\+[a-z0-9-]+\.({kinds})\.md", name)] == []


def test_the_notes_of_the_release_can_be_built() -> None:
    """`towncrier build --draft` has the version, and every fragment. Catches: a fragment or setting that it refuses."""
    command = [str(BIN / "towncrier"), "build", "--draft", "--version", hugeresv.__version__]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    notes = " ".join(ran.stdout.split())
    assert f"## {hugeresv.__version__} (" in notes
    for path in (ROOT / "changelog.d").iterdir():
        assert " ".join(path.read_text().split())[:40] in notes, path.name


def test_dev_py_is_read_by_an_old_python() -> None:
    """dev.py has the syntax of Python 3.6.

    Catches: syntax that stops an old Python before it can say which one is needed.
    """
    ast.parse((ROOT / "dev.py").read_text(), feature_version=(3, 6))


def loaded_by(*arguments: str) -> set[str]:
    """The modules that a command has loaded when it ends."""
    program = (
        "import sys, json, hugeresv.__main__\n"
        "try:\n    hugeresv.__main__.main()\n"
        "finally:\n    print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    words = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_starting_loads_neither_the_model_nor_rich(argument: str) -> None:
    """`--version` and `--help` load the command line and click alone.

    Catches: an import at the top of a verb that every start would pay for.
    """
    modules = loaded_by(argument)
    ours = {name.split(".")[1] for name in modules if name.startswith("hugeresv.")}
    assert ours <= {"__main__", "cli", "errors"}
    assert "click" in modules
    assert not modules & {"rich", "importlib.metadata", "asyncio", "multiprocessing", "concurrent.futures", "unittest"}


def test_rows_load_nothing_that_draws() -> None:
    """`run --json` on the model. Catches: the start of a report, of a guest or of the host that is not wanted."""
    modules = loaded_by("run", "--json", "scenarios/fork.scn")
    assert "hugeresv.reports.json_rows" in modules
    ours = {name.removeprefix("hugeresv.") for name in modules}
    assert not ours & {"reports.run", "reports.strip", "reports.screen", "cli.terminal"}
    assert not ours & {"kernels.guest", "kernels.host", "audit", "search", "sources"}
    assert not modules & {"rich", "socket", "subprocess", "hashlib", "ctypes"}


def test_status_loads_no_scenarios() -> None:
    """`status` loads neither scenarios nor what plays them.

    Catches: the operations' classes, which a look at a host does not need.
    """
    modules = loaded_by("status", "--json")
    assert "hugeresv.holders.host" in modules
    assert not modules & {"hugeresv.scenario", "hugeresv.play", "hugeresv.kernels.model"}


def packages() -> list[Path]:
    """Every package of the project, by its `__init__.py`."""
    return sorted((ROOT / "src" / "hugeresv").rglob("__init__.py"))


@pytest.mark.parametrize("package", packages(), ids=lambda path: path.parent.name)
def test_a_package_names_modules_that_it_has(package: Path) -> None:
    """A lower-case name in backticks in a package's docstring is a module there or one level up. Catches: a move."""
    docstring = ast.get_docstring(ast.parse(package.read_text())) or ""
    named = re.findall(r"`([a-z][a-z0-9_]*(?:\.c)?)`", docstring)
    places = (package.parent, package.parent.parent)
    there = {entry.name.removesuffix(".py") for place in places for entry in place.iterdir()}
    assert [name for name in named if name not in there] == []


def test_architecture_names_files_that_there_are() -> None:
    """A path in backticks of a page for developers exists, and every package has its row. Catches: a move."""
    code = ROOT / "src" / "hugeresv"
    for page in ("ARCHITECTURE.md", "CONTRIBUTING.md"):
        named = re.findall(r"`([a-z_]+/[\w/]*[\w](?:\.\w+)?)/?`", (ROOT / page).read_text())
        paths = [name for name in named if "NAME" not in name]
        assert len(paths) > 5
        assert [path for path in paths if not (ROOT / path).exists() and not (code / path).exists()] == [], page
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \|", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE)
    told = set(re.findall(r"`(\w+)`", " ".join(rows)))
    there = {entry.name.removesuffix(".py") for entry in code.iterdir() if entry.suffix in {"", ".py"}}
    assert there - {"__init__", "__main__", "__pycache__"} <= told


def test_a_class_name_means_one_thing() -> None:
    """No two modules define a class of the same name. Catches: a Segment of memory read as a Segment of SysV."""
    places: dict[str, list[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(str(path.relative_to(SOURCE)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_a_test_says_what_is_true_and_what_it_catches() -> None:
    """The docstring of every test states a truth, then "Catches: …". Catches: a test whose point nobody can judge."""
    wrong = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                said = " ".join((ast.get_docstring(node) or "").split())
                if not re.fullmatch(r'\S.*[.!?`")] Catches: \S.*[.`)]', said):
                    wrong.append(f"{path.relative_to(ROOT)}: {node.name}: {said}")
    assert wrong == []
