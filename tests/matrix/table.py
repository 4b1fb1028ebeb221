"""The matrix as a table for docs/kernels.md."""

from collections.abc import Sequence

from tests.matrix.column import Column

HEADINGS = (
    "guest", "release", "behaviour", "scenarios", "answers and audits", "differences", "steps with an untrue ledger",
    "seconds a scenario",
)  # fmt: skip


def markdown(columns: Sequence[Column], date: str) -> str:
    """A row a kernel."""
    rows = [HEADINGS, ("---",) * len(HEADINGS), *(_row(column) for column in columns)]
    return f"Run on {date}:\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(column: Column) -> tuple[str, ...]:
    return (
        f"`{column.kernel}`",
        column.release,
        f"`{column.behaviour}`",
        str(len(column.seconds)),
        str(column.steps) + ("" if column.audited else ", counters only"),
        str(len(column.differences)),
        str(column.untrue) if column.audited else "-",
        f"{column.median_seconds:.2f}",
    )
