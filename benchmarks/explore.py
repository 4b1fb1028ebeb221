"""Exhaustive search beside SPIN: states and transitions, which must be equal, and CPU time as a share of SPIN's.

    .venv/bin/python -m benchmarks.explore            the bounds of docs/explore.md
    .venv/bin/python -m benchmarks.explore 6 6 0      one bound: pool, private pages, shared pages

SPIN (Debian's package `spin`) checks the model of `promela` with partial order reduction off and gcc -O2; the time is
that of its checker alone. The table's is that of a whole search, without the imports and the compilation of the loop,
as SPIN's is without gcc: learning, checking and exploring, once with all states and once with one of two that differ by
which process is which.
"""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.promela import promela
from hugeresv.model.presets import IDEAL
from hugeresv.search.explore.bound import Bound
from hugeresv.search.explore.bounded_model import BoundedModel
from hugeresv.search.explore.plain import PlainSearch
from hugeresv.search.explore.result import Exploration
from hugeresv.search.explore.table import TableSearch, loop_class

BOUNDS = ((4, 2, 2), (7, 5, 0), (5, 3, 2))
_PLAIN_UP_TO = 2
"""Private pages with which the plain engine still ends within seconds, where nothing is shared."""


class Row(NamedTuple):
    """What one engine has counted."""

    engine: str
    states: int
    transitions: int
    seconds: float
    note: str = ""
    loop: float = 0.0
    """Seconds of the loop alone."""


def spin(pool: int, pages: int, shared: int) -> Row:
    """SPIN's count; it takes the start for a transition, too."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "ledger.pml").write_text(promela(pool, pages, shared))
        options = ("-O2", "-DSAFETY", "-DNOREDUCE", "-DMEMLIM=12000", "-w", "-o", "pan", "pan.c")
        for command in (("spin", "-a", "ledger.pml"), ("gcc", *options)):
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        ran = subprocess.run(
            ["./pan", "-m50000000", "-w24", "-n"], cwd=folder, check=True, capture_output=True, text=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    states, transitions = (
        int(float(match[1])) if (match := re.search(rf"^\s*([\d.e+]+) {what}", ran.stdout, re.MULTILINE)) else 0
        for what in ("states, stored", "transitions")
    )
    errors = re.search(r"errors: (\d+)", ran.stdout)
    note = "" if errors and errors[1] == "0" else "errors!"
    return Row("SPIN", states, transitions - 1, after.ru_utime - before.ru_utime, note)


def table(bound: Bound, *, symmetric: bool, compiled: bool) -> Row:
    """The table's count; the note says where the time went."""
    began = time.process_time()
    search = TableSearch(IDEAL, bound, symmetric=symmetric, compiled=compiled)
    found = search.run()
    took = time.process_time() - began
    name = f"table, {'compiled' if compiled else 'numpy'}{', symmetry' if symmetric else ''}"
    spent = ", ".join(f"{what} {seconds:.2f} s" for what, seconds in search.spent.items())
    return _row(name, found, took, f"{search.learned:,} rows learned; {spent}", search.spent["exploring"])


def plain(bound: Bound) -> Row:
    """The reference's count."""
    began = time.process_time()
    found = PlainSearch([BoundedModel(IDEAL, bound)]).run()
    return _row("plain", found, time.process_time() - began, "")


def _row(engine: str, found: Exploration, seconds: float, note: str, loop: float = 0.0) -> Row:
    return Row(engine, found.states, found.transitions, seconds, note if found.finding is None else "a finding!", loop)


def main() -> None:
    """Print a table for every bound."""
    given = tuple(map(int, sys.argv[1:4]))
    compiled = loop_class(None).name == "compiled"
    table(Bound(2, 1, 1), symmetric=True, compiled=compiled)  # compiles
    for pool, pages, shared in (given,) if given else BOUNDS:
        bound = Bound(pool, pages, shared)
        rows = [spin(pool, pages, shared)] if shutil.which("spin") and shutil.which("gcc") else []
        if pages <= _PLAIN_UP_TO and not shared:
            rows.append(plain(bound))
        rows += [table(bound, symmetric=False, compiled=False)] if not given else []
        rows += [table(bound, symmetric=symmetric, compiled=compiled) for symmetric in (False, True)]
        print(f"\npool {pool}, {pages} private pages, {shared} shared, 2 processes, ideal")
        for row in rows:
            share = f"{row.seconds / rows[0].seconds:6.2f} of SPIN's" if rows[0].engine == "SPIN" else ""
            if share and row.loop:
                rate = row.states / row.loop * rows[0].seconds / rows[0].states
                share += f", the loop alone {rate:.1f} times SPIN's states a second"
            print(
                f"  {row.engine:26} {row.states:12,} states {row.transitions:14,} transitions"
                f" {row.seconds:8.2f} s {share}  {row.note}",
                flush=True,
            )


if __name__ == "__main__":
    main()
