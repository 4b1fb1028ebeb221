"""How things are written in a report."""

from pathlib import Path

from hugeresv.scenario.encode import encode_record
from hugeresv.scenario.operation import Operation
from hugeresv.scenario.scenario import Together
from hugeresv.scenario.scn_layout import as_words
from hugeresv.scenario.scn_words import write_name


def spell(operation: Operation) -> str:
    """An operation as `.scn` spells it, actor first, everything unprintable escaped: `db touch a 5`."""
    if isinstance(operation, Together):
        return f"together: {', '.join(spell(step.operation) for step in operation.steps)}"
    raw = {"op": operation.op, **encode_record(operation)}
    actor, words = as_words(raw, [page for page in [raw.get("page")] if isinstance(page, int)])
    return f"{actor} {words}".strip()


def spell_mapping(proc: str, mapping: str) -> str:
    """A mapping of a process: `db.a`."""
    return f"{write_name(proc)}.{write_name(mapping)}"


def spell_name(file: str, identifier: str) -> str:
    """A scenario: its file, and its `id` where that says more."""
    return file if Path(file).stem == identifier else f"{file}: {identifier}"
