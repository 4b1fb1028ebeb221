"""How costs grow: each row is measured at a size n and at 10n; prints both, their ratio, and what the ratio should be.

`python -m benchmarks.scale [WORD]` measures only the rows that have WORD in them. To watch another cost, add a `Row` to
a table under benchmarks/growth.
"""

import sys

from benchmarks.growth import model, runs, sessions
from benchmarks.growth.row import Row

ROWS: tuple[Row, ...] = (*model.ROWS, *sessions.ROWS, *runs.ROWS)


def main(word: str = "") -> None:
    """Measure and print."""
    print(f"{'what':50}{'n':>14}{'at n':>12}{'at 10n':>12}  {'unit':12}{'ratio':>7}  goal")
    for row in ROWS:
        if word in row.what:
            print(f"{row.what:50}{row.n:14,}", end="", flush=True)
            small, large = row.measure(row.n), row.measure(10 * row.n)
            print(f"{small:12,.1f}{large:12,.1f}  {row.unit:12}{large / small:7.1f}  {row.goal}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:2])
