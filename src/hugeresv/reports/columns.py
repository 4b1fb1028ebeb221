"""How the width of a screen is shared out among the columns of a step."""

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from hugeresv.reports.spelling import spell
from hugeresv.scenario.operation import Demote, Mmap, Operation, SetNrHugepages, SetNrOvercommit, Shmat, Shmget
from hugeresv.scenario.scenario import Scenario

NUMBER = 5
MARGIN = NUMBER + 2
OUTCOME = 7
HANGING = "  "
"""What the further lines of a wrapped operation begin with."""

_GAPS = 4
_LEAST_OPERATION = len("(cleanup)")
_LEAST_STRIP = len("nothing leaked")
_LEAST_PAGES = 8
_STEPS_MEASURED = 1000


class Columns(NamedTuple):
    """Widths: of the operation, of each counter with a mark and a blank before it, and of the strip.

    Where no strip can stand beside operations that are not cut within words, strips have no column (0).
    """

    operation: int
    counters: tuple[int, int, int, int]
    strip: int


def columns_for(scenario: Scenario, width: int) -> Columns:
    """Counters get what they may need, strips what they need of three fifths of the rest, operations what is left."""
    operations = [step.operation for step in scenario.steps]
    pages = [scenario.pool.pages, scenario.pool.nr_overcommit or 0]
    pages += [each.n for each in operations if isinstance(each, (SetNrHugepages, SetNrOvercommit))]
    if any(isinstance(each, Demote) for each in operations):
        first, *others = (scenario.pool, *(scenario.pools or ()))
        pages += [first.pages + other.pages * other.page_bytes // first.page_bytes for other in others]
    needed = len(str(max(pages))) + 2
    counters = (max(6, needed), max(5, needed), max(5, needed), max(5, needed))
    rest = width - MARGIN - OUTCOME - sum(counters) - _GAPS
    spelled = [spell(each) for each in islice(operations, _STEPS_MEASURED)]
    longest_word = max((len(word) for text in spelled for word in text.split()), default=0)
    least_operation = max(_LEAST_OPERATION, len(HANGING) + longest_word)
    names, pages_mapped = _mappings(operations)
    if rest - least_operation < max(_LEAST_STRIP, names + min(_LEAST_PAGES, pages_mapped)):
        return Columns(max(_LEAST_OPERATION, rest), counters, 0)
    strip = max(_LEAST_STRIP, min(names + pages_mapped, rest * 3 // 5))
    operation = max(least_operation, min(max(map(len, spelled), default=0), rest - strip))
    return Columns(operation, counters, rest - operation)


def _mappings(operations: Sequence[Operation]) -> tuple[int, int]:
    """Columns that the longest name of a mapping needs with a blank behind it, and the pages of the largest one."""
    mapped = [each for each in operations if isinstance(each, (Mmap, Shmget))]
    pages = max((each.pages or 0 for each in mapped), default=0)
    return max((len(f"{each.map} ") for each in operations if isinstance(each, (Mmap, Shmat))), default=0), pages
