"""How things are written in a report."""

from pathlib import Path

from hugeresv.scenario.encode import encode_record
from hugeresv.scenario.operation import Operation
from hugeresv.scenario.scn_layout import as_row


def spell(operation: Operation) -> str:
    """An operation as `.scn` spells it, actor first, everything unprintable escaped: `db touch a 5`."""
    row = as_row([{"op": operation.op, **encode_record(operation)}])
    return f"{row.actor} {row.operation}".strip()


def spell_name(file: str, identifier: str) -> str:
    """A scenario: its file, and its `id` where that says more."""
    return file if Path(file).stem == identifier else f"{file}: {identifier}"
