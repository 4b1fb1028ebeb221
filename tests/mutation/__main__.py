# ruff: noqa: T201
"""Plant faults into a copy of the model, one at a time, and see that the tests of the model notice each.

    python -m tests.mutation [WORD ...]

With words, only the faults whose name or file has one of them. Prints a line a fault: the first test that noticed it,
and after how long. Exit status 1 if a fault went unnoticed, or no longer has a place in the source.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.mutation.mutations import MUTATIONS, Mutation

ROOT = Path(__file__).resolve().parents[2]
TESTS = ("tests/model", "tests/invariants")
SLOW = ("tests/model/test_copy.py", "tests/model/test_key_futures.py", "tests/invariants/test_ideal.py")
"""What is only asked when no quicker test has noticed."""
OWN = ("tests/model/test_region_map.py",)
"""Tests of what no fault is planted in."""


def main() -> int:
    """Try all faults that were asked for."""
    chosen = [m for m in MUTATIONS if not sys.argv[1:] or any(word in f"{m.name} {m.file}" for word in sys.argv[1:])]
    with tempfile.TemporaryDirectory(prefix="mutation-") as name:
        copy = Path(name)
        for part in ("src", "tests"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        if broken := first_failure(copy):
            print(f"without any fault {broken} fails already")
            return 1
        missed = [mutation for mutation in chosen if not notices(copy, mutation)]
    print(f"{len(chosen) - len(missed)} of {len(chosen)} faults noticed")
    return 1 if missed else 0


def notices(copy: Path, mutation: Mutation) -> bool:
    """Plant the fault, run the tests, take it out again; says what happened."""
    path = copy / "src" / "hugeresv" / "model" / mutation.file
    source = path.read_text()
    if source.count(mutation.old) != 1:
        report(mutation, f"occurs {source.count(mutation.old)} times: {mutation.old!r}", 0)
        return False
    began = time.monotonic()
    path.write_text(source.replace(mutation.old, mutation.new))
    noticed = first_failure(copy)
    path.write_text(source)
    report(mutation, noticed or "NOT NOTICED", time.monotonic() - began)
    return noticed is not None


def report(mutation: Mutation, what: str, seconds: float) -> None:
    """One line of the table."""
    print(f"{mutation.file:18} {mutation.name:44} {seconds:5.1f} s  {what}", flush=True)


def first_failure(copy: Path) -> str | None:
    """The first test that fails there, the quick ones first; None if all pass."""
    left_out = [f"--ignore={path}" for path in (*SLOW, *OWN)]
    return failure(copy, *TESTS, *left_out) or failure(copy, *SLOW)


def failure(copy: Path, *arguments: str) -> str | None:
    """The first test that fails, or what else went wrong."""
    plugins = ("-p", "no:cacheprovider", "-p", "tests.mutation.quickly")
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
    return found[1] if found else (done.stdout + done.stderr).strip().splitlines()[-1]


if __name__ == "__main__":
    sys.exit(main())
