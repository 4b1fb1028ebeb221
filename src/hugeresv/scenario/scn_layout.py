"""The canonical layout of `.scn` operations: which steps share a line, and the columns of all lines."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

from hugeresv.scenario.scenario import Json
from hugeresv.scenario.scn_expectation import write_expectations
from hugeresv.scenario.scn_form import WITHOUT_PROC, form_of
from hugeresv.scenario.scn_header import HEADERS
from hugeresv.scenario.scn_operation import MOST_TOUCHES, write_operation, write_step_options
from hugeresv.scenario.scn_words import as_comment, write_name

_WIDEST_ACTOR = 18
_NARROWEST_LINE = 29
_WIDEST_LINE = 64
"""Columns with the blanks behind them. What is wider stands out rather than push everything else to the right."""

_SCATTERED_TOUCHES = 16
"""How many pages a line may name one by one."""

_SILENT = {"step", "op", "proc", "map", "access", "page", "note"}
"""The keys that a touch may have and still share its line with the next."""


class Row(NamedTuple):
    """The parts of a line, and the comment lines above it."""

    comment: list[str]
    actor: str
    operation: str
    expectation: str


def group(steps: Sequence[dict[str, Json]]) -> Iterator[list[dict[str, Json]]]:
    """The steps that share a line: touches that differ only in their page, with nothing said in between."""
    together: list[dict[str, Json]] = []
    for raw in steps:
        if together and not _continues(together, raw):
            yield together
            together = []
        together.append(raw)
    if together:
        yield together


def _continues(together: Sequence[dict[str, Json]], raw: dict[str, Json]) -> bool:
    last = together[-1]
    page, after = last.get("page"), raw.get("page")
    if raw["op"] != "touch" or not isinstance(page, int) or not isinstance(after, int):
        return False
    if any(last.get(key) != raw.get(key) for key in ("op", "proc", "map", "access")):
        return False
    if not last.keys() <= _SILENT or "note" in raw:
        return False
    return len(together) < _SCATTERED_TOUCHES or (after == page + 1 and len(together) < MOST_TOUCHES)


def as_row(steps: Sequence[dict[str, Json]]) -> Row:
    """The line of steps that `group` put together."""
    note = steps[0].get("note")
    comment = as_comment(note) if isinstance(note, str) else []
    raw = {key: value for key, value in steps[-1].items() if key != "note"}
    if comment is None:
        raw["note"] = note
    actor, operation = as_words(raw, [cast(int, step["page"]) for step in steps if "page" in step])
    return Row(comment or [], actor, " ".join([operation, *write_step_options(raw)]), write_expectations(raw))


def as_words(raw: dict[str, Json], pages: Sequence[int]) -> tuple[str, str]:
    """The process of an operation, which may be none, and the words that follow; `pages`: of a touch."""
    form = form_of(str(raw["op"]))
    actor = write_name(str(raw["proc"]), *WITHOUT_PROC, *HEADERS) if "proc" in raw else ""
    return actor, write_operation(form, raw, pages)


def arrange(rows: Sequence[Row]) -> Iterator[str]:
    """The lines of all rows in aligned columns; a blank line comes first and above every comment."""
    actors = [f"{row.actor}  " if row.actor else "" for row in rows]
    indent = _column(actors, _WIDEST_ACTOR)
    lines = [f"{actor:{indent}}{row.operation}  " for actor, row in zip(actors, rows, strict=True)]
    answering = [line for line, row in zip(lines, rows, strict=True) if row.expectation]
    width = max(_column(answering, _WIDEST_LINE), _NARROWEST_LINE)
    for at, (line, row) in enumerate(zip(lines, rows, strict=True)):
        if at == 0 or row.comment:
            yield ""
        yield from row.comment
        yield f"{line:{width}}{row.expectation}".rstrip()


def _column(parts: Sequence[str], widest: int) -> int:
    """The width of a column that all parts fit into, but for those that are wider than `widest`."""
    return max((len(part) for part in parts if len(part) <= widest), default=0)
