"""How many steps the fuzzer takes to find each switch of each kernel: python -m tests.search.reach [WORD ...].

Writes docs/reach.md, after minutes; with words only the rows of switches that have one of them are measured anew.
"""

import statistics
import sys
from pathlib import Path
from typing import NamedTuple

from hugeresv.kernels.grammar import spell_value, spelling
from hugeresv.model.behaviour import switches
from hugeresv.model.presets import IDEAL, PRESETS
from hugeresv.search.fuzz.campaign import Budget, Draws, Tally, fuzz

PAGE = Path(__file__).parents[2] / "docs" / "reach.md"
SEEDS = range(5)
MOST_STEPS = 100_000
LENGTH = 40

OF_NODES = {
    "cgroup-numa-stat", "children-bind-mems", "cpuset-moves-pages", "demote-batch", "demote-feeds-surplus",
    "demote-node-wraps", "demotion", "fork-copies-cached", "gather-node", "mems-can-be-emptied",
    "node-write-counts-surplus", "preferred-follows-cpuset", "preferred-many", "same-node-move-pins",
    "shrink-floor", "shrink-takes-surplus-page", "weighted-interleave",
}  # fmt: skip
"""Switches that take a machine with two nodes."""

BESIDE = {
    "cow-skips-quota": "owner-always-consumes=on",
    "failed-move-drops-map": "mremap-length-is-int=on",
    "fresh-page-keeps-promise": "shared-needs-available=on",
}
"""Switches that show only beside another one, which both kernels have then."""

AT_ONCE = "shows only where calls are made at once: `hugeresv interleave`"
FAILING = "shows only where an allocation fails: `hugeresv run --fail-each`"
RARE = "takes many rare steps in a row: `hugeresv run`"
ELSEWHERE = {
    **dict.fromkeys(
        (
            "fresh-promise-unlocked", "private-fault-mutex", "race-keeps-rsvd", "races-counted-twice",
            "rsvd-of-second-cgroup", "surplus-freed-unlocked", "surplus-promised-late", "truncation-passes-faults",
        ),
        AT_ONCE,
    ),
    **dict.fromkeys(
        (
            "error-restore", "failed-mount-keeps-minimum", "hole-loses-promise", "mmap-without-region",
            "restore-without-region",
        ),
        FAILING,
    ),
    "node-surplus-wraps": RARE,
}  # fmt: skip
"""Switches that the fuzzer does not find, and what does: each has a scenario of its name in scenarios/behaviours."""


class Found(NamedTuple):
    """One row of the table: the median of five seeds, and the quickest of them."""

    switch: str
    kernels: str
    nodes: int
    beside: str
    median: int
    seed: str
    steps: int


def known() -> dict[str, list[str]]:
    """Every switch as a kernel sets it other than `ideal` does, with these kernels."""
    found: dict[str, list[str]] = {}
    for name, preset in PRESETS.items():
        for switch in switches():
            value = getattr(preset, switch.name)
            if value != getattr(IDEAL, switch.name):
                found.setdefault(f"{spelling(switch.name)}={spell_value(value)}", []).append(name)
    return found


def find(switch: str, seed: str, nodes: int, beside: str, most: int) -> Tally:
    """A campaign of `ideal` against `ideal` with the switch."""
    left = f"ideal,{beside}" if beside else "ideal"
    drawing = Draws(seed, LENGTH, nodes=nodes, stateless=True)
    return fuzz(left, f"{left},{switch}", drawing, Budget(steps=most), lambda *_: None)


def measured(switch: str, kernels: list[str]) -> Found | None:
    """Its row; None where a seed does not find it."""
    name = switch.partition("=")[0]
    nodes, beside = (2 if name in OF_NODES else 1), BESIDE.get(name, "")
    steps = []
    for seed in SEEDS:
        tally = find(switch, str(seed), nodes, beside, MOST_STEPS)
        if not tally.findings:
            sys.stderr.write(f"{switch} is not found in {MOST_STEPS} steps of seed {seed}\n")
            return None
        steps.append(tally.steps)
    quickest = min(steps)
    return Found(
        switch, ", ".join(kernels), nodes, beside, round(statistics.median(steps)), str(steps.index(quickest)), quickest
    )


def read() -> list[Found]:
    """The rows of the page."""
    rows = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == len(Found._fields):
            switch, kernels, nodes, beside, median, seed, steps = cells
            rows.append(Found(switch, kernels, int(nodes), beside, _number(median), seed, _number(steps)))
    return rows


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def page(rows: list[Found]) -> str:
    """The page of these rows."""
    found = "".join(
        f"| `{row.switch}` | {row.kernels} | {row.nodes} | {f'`{row.beside}`' if row.beside else ''} "
        f"| {row.median:,} | {row.seed} | {row.steps:,} |\n"
        for row in rows
    )
    other = "".join(
        f"| `{switch}` | {ELSEWHERE[switch.partition('=')[0]]} |\n"
        for switch in known()
        if switch.partition("=")[0] in ELSEWHERE
    )
    return f"""# What the fuzzer finds

Every [switch](rules/README.md) that a kernel sets other than `ideal` does is a difference that `hugeresv fuzz` should
find. The table has the steps that `hugeresv fuzz ideal ideal,SWITCH --seed N` takes: the median of the seeds 0 to 4,
and the quickest of them. Scenarios have 40 steps. `python3 dev.py reach` writes this page.

| switch | kernels | nodes | beside | median of steps | quickest seed | its steps |
| --- | --- | --- | --- | --- | --- | --- |
{found}
`beside` is a switch without which this one does not show; both kernels have it then. Two nodes are `--nodes 2`.

## What it does not find

| switch | why, and what does |
| --- | --- |
{other}
Each of them has a scenario of its name in [scenarios/behaviours](../scenarios/behaviours), on which its settings answer
differently.
"""


def main(words: list[str]) -> None:
    """Measure, and write the page."""
    before = {row.switch: row for row in read()} if words else {}
    rows = []
    for switch, kernels in known().items():
        if switch.partition("=")[0] in ELSEWHERE:
            continue
        wanted = not words or any(word in switch for word in words)
        row = measured(switch, kernels) if wanted else before.get(switch)
        if row is not None:
            sys.stderr.write(f"{row.switch}: {row.median:,}\n")
            rows.append(row)
    PAGE.write_text(page(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
