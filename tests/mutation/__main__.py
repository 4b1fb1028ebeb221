# ruff: noqa: T201
"""Plant faults into copies of the project, one at a time, and see that a test notices each.

    python -m tests.mutation [-j COPIES] [WORD ...]

With words, only the faults whose name or file has one of them. As many at a time as there are cores, or as -j says.
Prints a line a fault: the first test that noticed it, and after how long. Exit status 1 if a fault went unnoticed, or
no longer has a place in the source.
"""

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.mutation.beyond_the_model import MUTATIONS as BEYOND_THE_MODEL
from tests.mutation.in_the_model import MUTATIONS as IN_THE_MODEL
from tests.mutation.mutation import Mutation, copy_the_project, failure, failure_of_the_model, noticed_by, source_of


def main() -> int:
    """Try all faults that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("-j", type=int, default=len(os.sched_getaffinity(0)), dest="copies")
    parser.add_argument("words", nargs="*")
    asked = parser.parse_args()
    known = [*IN_THE_MODEL, *BEYOND_THE_MODEL]
    chosen = [m for m in known if not asked.words or any(word in f"{m.name} {m.file}" for word in asked.words)]
    with tempfile.TemporaryDirectory(prefix="mutation-") as name:
        copies = [Path(name, str(number)) for number in range(asked.copies)]
        for copy in copies:
            copy_the_project(copy)
        if broken := failure_without_faults(copies[0], chosen):
            print(f"without any fault {broken} fails already")
            return 1
        noticed = sum(try_all(copies, chosen))
    print(f"{noticed} of {len(chosen)} faults noticed")
    return 0 if noticed == len(chosen) else 1


def failure_without_faults(copy: Path, chosen: list[Mutation]) -> str | None:
    """A test that fails before anything is planted; it would notice everything."""
    named = sorted({mutation.test for mutation in chosen} - {""})
    of_the_model = failure_of_the_model(copy) if any(not mutation.test for mutation in chosen) else None
    return of_the_model or (failure(copy, *named) if named else None)


def try_all(copies: list[Path], chosen: list[Mutation]) -> list[bool]:
    """Whether each fault is noticed; each copy has one at a time."""
    free: SimpleQueue[Path] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def attempt(mutation: Mutation) -> bool:
        copy = free.get()
        try:
            return is_noticed(copy, mutation)
        finally:
            free.put(copy)

    with ThreadPoolExecutor(len(copies)) as executor:
        return list(executor.map(attempt, chosen))


def is_noticed(copy: Path, mutation: Mutation) -> bool:
    """Plant the fault, run the tests, take it out again; says what happened."""
    count = source_of(mutation, copy).read_text().count(mutation.old)
    if count != 1:
        report(mutation, f"occurs {count} times: {mutation.old!r}", 0)
        return False
    began = time.monotonic()
    test = noticed_by(copy, mutation)
    report(mutation, test or f"NOT NOTICED {mutation.test}", time.monotonic() - began)
    return test is not None


def report(mutation: Mutation, what: str, seconds: float) -> None:
    """One line of the table."""
    print(f"{mutation.file:28} {mutation.name:44} {seconds:5.1f} s  {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
