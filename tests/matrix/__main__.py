# ruff: noqa: T201
"""The model beside real kernels: every scenario on each, every step audited in the kernel's memory.

    python -m tests.matrix [--write] [KERNEL ...]

KERNEL is the NAME of guest:NAME, one that can be fetched or a path; without any, those of docs/kernels.md. On a 32-bit
kernel the split scenarios are run, as they were for the patch of June 2008, without audit. With --write the table goes
into docs/kernels.md. Exit status 1 where model and kernel differ, 3 where a kernel cannot be had.
"""

import sys
import time
from pathlib import Path

from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest.fetch import fetch
from hugeresv.kernels.guest.images import find_image
from hugeresv.kernels.guest.stock import STOCK
from tests.matrix.column import Column, run, scenario_files
from tests.matrix.table import markdown

DOCUMENT = Path(__file__).parents[2] / "docs/kernels.md"
BEGIN, END = "<!-- matrix -->\n", "<!-- end of matrix -->\n"
KERNELS = ("5.10", "6.1", "6.12", "7.x", "6.1-i386")
SPLITS = ("split",)


def main() -> int:
    """Run what was asked for."""
    write = "--write" in sys.argv[1:]
    names = [word for word in sys.argv[1:] if word != "--write"] or KERNELS
    columns = []
    for name in names:
        try:
            columns.append(_column(name))
        except UnavailableError as error:
            print(f"{name}: {error}")
            return 3
    table = markdown(columns, time.strftime("%Y-%m-%d"))
    print(table)
    if write:
        text = DOCUMENT.read_text()
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        DOCUMENT.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")
    for column in columns:
        for difference in column.differences:
            print(f"{column.kernel}: {difference}")
    return 1 if any(column.differences for column in columns) else 0


def _column(name: str) -> Column:
    if name in STOCK and not _is_here(name):
        fetch(name, print)
    audited = find_image(name).architecture.name == "amd64"
    files = scenario_files(() if audited else SPLITS)
    column = None
    for number, column in enumerate(run(name, files, audited=audited), 1):
        print(f"\r{column.kernel} {column.release}: {number} of {len(files)} scenarios", end="", flush=True)
    print()
    assert column is not None
    return column


def _is_here(name: str) -> bool:
    try:
        find_image(name)
    except UnavailableError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
