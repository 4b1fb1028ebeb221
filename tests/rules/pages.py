"""docs/rules, made of the model: a table of all switches and kernels, and the diffs of neighbouring kernels."""

from itertools import pairwise
from pathlib import Path

from hugeresv.kernels.catalogue import settings, switch_entries
from hugeresv.model.presets import PRESETS
from hugeresv.rules.source import difference

FOLDER = Path(__file__).parents[2] / "docs" / "rules"
INTRODUCTION = """# Rules by kernel

The rules in which kernels differ, as the model has them. `python3 dev.py rules` writes these pages; a test compares
them with the model.

## From one kernel to the next

Each page is a unified diff of the model's own source, with every switch decided.
`hugeresv behaviours --diff LEFT RIGHT` prints it for any two,
and `hugeresv behaviours KERNEL --source FUNCTION` a single rule.

"""
TABLE = """
## All switches

What is empty is as in `ideal`, the ledger with every known defect off. `hugeresv behaviours SWITCH` tells what a switch
does, since when, and how it is known; its scenario shows it.

"""


def pages() -> dict[str, str]:
    """The text of every page, by its name."""
    diffs = {f"{left}--{right}.md": _page(left, right) for left, right in pairwise(PRESETS)}
    return {"README.md": _index(), **diffs}


def _index() -> str:
    lines = ["| from | to | changed lines | in |", "| --- | --- | --- | --- |"]
    for left, right in pairwise(PRESETS):
        files = difference(PRESETS[left], PRESETS[right])
        changed = sum(map(_is_a_change, "".join(files.values()).splitlines()))
        lines.append(f"| {left} | {right} | [{changed}]({left}--{right}.md) | {', '.join(files)} |")
    return INTRODUCTION + "\n".join(lines) + "\n" + TABLE + "\n".join(_table()) + "\n"


def _is_a_change(line: str) -> bool:
    """Whether a line of a diff is one that was added or taken away."""
    return line.startswith(("+", "-")) and not line.startswith(("+++", "---"))


def _table() -> list[str]:
    kernels = {name: settings(behaviour) for name, behaviour in PRESETS.items() if name != "ideal"}
    rows = [f"| switch | {' | '.join(['ideal', *kernels])} |", "| --- " * (len(kernels) + 2) + "|"]
    for entry in switch_entries():
        cells = ["" if values[entry.name] == entry.ideal else values[entry.name] for values in kernels.values()]
        link = f"[{entry.name}](../../scenarios/behaviours/{entry.name}.scn)"
        rows.append(f"| {' | '.join([link, entry.ideal, *cells])} |")
    return rows


def _page(left: str, right: str) -> str:
    """One diff, after the switches that make it."""
    before, after = settings(PRESETS[left]), settings(PRESETS[right])
    rows = [
        f"| `{entry.name}` | {before[entry.name]} | {after[entry.name]} "
        f"| {entry.differs} | {entry.since} | {entry.source} |\n"
        for entry in switch_entries()
        if before[entry.name] != after[entry.name]
    ]
    head = f"| switch | {left} | {right} | what it does | releases | source |\n{'| --- ' * 6}|\n"
    diff = "\n".join(difference(PRESETS[left], PRESETS[right]).values())
    return f"# From {left} to {right}\n\n{head}{''.join(rows)}\n```diff\n{diff}```\n"
