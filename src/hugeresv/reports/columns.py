"""How the width of a screen is shared out among the columns of a step."""

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from hugeresv.reports.spelling import spell
from hugeresv.scenario.operation import Mmap, Operation, SetNrHugepages, SetNrOvercommit, Shmat, Shmget
from hugeresv.scenario.scenario import Scenario

NUMBER = 5
MARGIN = NUMBER + 2
OUTCOME = 7
_GAPS = 4
_LEAST_OPERATION = 12
_LEAST_STRIP = len("nothing leaked")
_STEPS_MEASURED = 1000


class Columns(NamedTuple):
    """Widths: of the operation, of each counter with a mark and a blank before it, and of the strip."""

    operation: int
    counters: tuple[int, int, int, int]
    strip: int


def columns_for(scenario: Scenario, width: int) -> Columns:
    """Counters get what they may need, strips what they need of three fifths of the rest, operations what is left."""
    operations = [step.operation for step in scenario.steps]
    pages = [scenario.pool.nr_hugepages, scenario.pool.nr_overcommit or 0]
    pages += [each.n for each in operations if isinstance(each, (SetNrHugepages, SetNrOvercommit))]
    needed = len(str(max(pages))) + 2
    counters = (max(6, needed), max(5, needed), max(5, needed), max(5, needed))
    rest = width - MARGIN - OUTCOME - sum(counters) - _GAPS
    longest = max((len(spell(each)) for each in islice(operations, _STEPS_MEASURED)), default=0)
    strip = max(_LEAST_STRIP, min(_longest_strip(operations), rest * 3 // 5))
    operation = max(_LEAST_OPERATION, min(longest, rest - strip))
    return Columns(operation, counters, max(strip, rest - operation))


def _longest_strip(operations: Sequence[Operation]) -> int:
    """Columns that the mappings need if every page is drawn, with their names before them."""
    mapped = [each for each in operations if isinstance(each, (Mmap, Shmget))]
    pages = max((each.pages or 0 for each in mapped), default=0)
    names = max((len(f"{each.map} ") for each in operations if isinstance(each, (Mmap, Shmat))), default=0)
    return names + pages
