"""A planted fault, and planting it: a copy of the project, the fault in it, and the first test that fails there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
TESTS_OF_THE_MODEL = ("tests/model", "tests/invariants")
SLOW = ("tests/model/test_copy.py", "tests/model/test_key_futures.py", "tests/invariants/test_ideal.py")
"""What is only asked when no quicker test of the model has noticed."""
OWN = ("tests/model/test_region_map.py",)
"""Tests of what no fault is planted in."""


class Mutation(NamedTuple):
    """In src/hugeresv/`file`, `old` (which occurs there once) becomes `new`; `test` is the quick test that notices.

    Without one the tests of the model are asked.
    """

    file: str
    name: str
    old: str
    new: str
    test: str = ""


def source_of(mutation: Mutation, root: Path = ROOT) -> Path:
    """The file that it is planted in."""
    return root / "src" / "hugeresv" / mutation.file


def copy_the_project(to: Path) -> None:
    """What the tests need of it."""
    for part in ("src", "tests", "scenarios", "docs"):
        shutil.copytree(ROOT / part, to / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, to)


def noticed_by(copy: Path, mutation: Mutation) -> str | None:
    """The first test that fails with the fault planted in a copy of the project; None if all pass."""
    path = source_of(mutation, copy)
    source = path.read_text()
    path.write_text(source.replace(mutation.old, mutation.new))
    try:
        return failure(copy, mutation.test) if mutation.test else failure_of_the_model(copy)
    finally:
        path.write_text(source)


def failure_of_the_model(copy: Path) -> str | None:
    """The first test of the model that fails, the quick ones first."""
    left_out = [f"--ignore={path}" for path in (*SLOW, *OWN)]
    return failure(copy, *TESTS_OF_THE_MODEL, *left_out) or failure(copy, *SLOW)


def failure(copy: Path, *arguments: str) -> str | None:
    """The first test that fails; None if all pass. Raises ValueError where there is no such test."""
    plugins = ("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "tests.mutation.quickly")
    options = ("-x", "-q", "--no-header", "--tb=no", *plugins, "--hypothesis-seed=0", "--timeout=60")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *arguments],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return None
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    if found is None:
        raise ValueError(done.stdout + done.stderr)
    return found[1]
