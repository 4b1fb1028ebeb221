"""What film.py says of changes, done plainly."""

from collections.abc import Iterable
from typing import Any

from hugeresv.play.change import Change


def become(values: dict[Any, Any], found: Iterable[Change]) -> None:
    """Apply changes to what things are now."""
    for thing, *change in found:
        if not change:
            del values[thing]
        elif len(change) == 1:
            values[thing] = change[0]
        else:
            at, removed, inserted = change
            values[thing] = values[thing][:at] + inserted + values[thing][at + removed :]
