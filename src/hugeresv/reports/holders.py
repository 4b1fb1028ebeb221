"""The holders of `hugeresv status` as a table, one by one or as sums."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from hugeresv.holders.grouping import GroupSum, add, families, sums
from hugeresv.holders.names import program_of
from hugeresv.ledger.observation import Holder, Pages
from hugeresv.reports.listing import print_listing
from hugeresv.reports.screen import Screen
from hugeresv.units import format_bytes

_PROCESSES_SHOWN = 3

COLUMNS: dict[str, Callable[[Holder], str]] = {
    "SIZE": lambda holder: format_bytes(holder.page_size_kB << 10),
    "KIND": lambda holder: holder.kind,
    "RESERVED": lambda holder: pages_text(holder.reserved),
    "USED": lambda holder: pages_text(holder.used),
    "HELD": lambda holder: format_bytes((holder.reserved.best + holder.used.best) * holder.page_size_kB << 10),
    "PIDS": lambda holder: _some([str(process.pid) for process in holder.processes]),
    "USER": lambda holder: _some(list(dict.fromkeys(process.user for process in holder.processes))),
    "CGROUP": lambda holder: holder.cgroup or "-",
    "NAME": lambda holder: holder.name,
    "COMMAND": lambda holder: program_of(holder.processes[0].command) if holder.processes else "-",
    "ARGS": lambda holder: holder.processes[0].command if holder.processes else "-",
}
"""What a holder can be shown by; RESERVED and USED are in pages, HELD is both in bytes, ARGS the command line."""

SHOWN = ("SIZE", "KIND", "RESERVED", "USED", "HELD", "PIDS", "NAME", "COMMAND")
_NAMES = ("PIDS", "USER", "CGROUP", "NAME", "COMMAND", "ARGS")
_BYTES: dict[str, Callable[[Holder], int]] = {
    "RESERVED": lambda holder: holder.reserved.best,
    "USED": lambda holder: holder.used.best,
    "HELD": lambda holder: holder.reserved.best + holder.used.best,
}

SORT_KEYS: dict[str, Callable[[Holder], tuple[int, str]]] = {
    "reserved": lambda holder: (-holder.reserved.best * holder.page_size_kB, holder.name),
    "used": lambda holder: (-holder.used.best * holder.page_size_kB, holder.name),
    "held": lambda holder: (-(holder.reserved.best + holder.used.best) * holder.page_size_kB, holder.name),
    "kind": lambda holder: (0, holder.kind),
    "name": lambda holder: (0, holder.name),
    "pid": lambda holder: (min((process.pid for process in holder.processes), default=0), holder.name),
}
"""Orders of the holders; numbers are the largest first."""

_SUM_TITLES = {"process": ("PID", "COMMAND"), "user": ("USER",), "cgroup": ("CGROUP",), "file": ("NAME", "KIND")}


class Shown(NamedTuple):
    """How holders are shown.

    columns   of COLUMNS
    sort      one of SORT_KEYS
    in_bytes  exact bytes where there otherwise are pages
    by        sums instead of holders: one of status.grouping.GROUPINGS
    each      every holder has a row of its own; else families have one
    """

    columns: Sequence[str] = SHOWN
    sort: str = "held"
    headings: bool = True
    in_bytes: bool = False
    by: str | None = None
    each: bool = False


def print_holders(screen: Screen, holders: Sequence[Holder], shown: Shown) -> None:
    """Write them, or their sums."""
    if shown.by is not None:
        _print_sums(screen, holders, shown)
        return
    found = holders if shown.each else sorted(families(holders), key=SORT_KEYS[shown.sort])
    rows = [[_cell(column, holder, in_bytes=shown.in_bytes) for column in shown.columns] for holder in found]
    print_listing(screen, shown.columns, rows, names=_NAMES, headings=shown.headings)


def _print_sums(screen: Screen, holders: Sequence[Holder], shown: Shown) -> None:
    """A row for each sum, and one for each page size that counts every holder once."""
    assert shown.by is not None
    titles = _SUM_TITLES[shown.by]
    found = sums(holders, shown.by)
    rows = [_sum_row(each, (each.key or "-", each.detail)[: len(titles)], in_bytes=shown.in_bytes) for each in found]
    for size in dict.fromkeys(holder.page_size_kB for holder in holders):
        of_size = [holder for holder in holders if holder.page_size_kB == size]
        total = GroupSum(size, "", "", add(h.reserved for h in of_size), add(h.used for h in of_size), 0)
        if shown.headings:
            rows.append(_sum_row(total, ("(all)", "")[: len(titles)], in_bytes=shown.in_bytes))
    heads = ("SIZE", "RESERVED", "USED", "HELD", "SHARED", *titles)
    print_listing(screen, heads, rows, names=titles, headings=shown.headings)


def _sum_row(each: GroupSum, names: Sequence[str], *, in_bytes: bool) -> list[str]:
    size = each.page_size_kB << 10
    held = (each.reserved.best + each.used.best) * size
    if in_bytes:
        numbers = [str(pages * size) for pages in (each.reserved.best, each.used.best)]
        numbers += [str(held), str(each.shared_pages * size)]
    else:
        shared = format_bytes(each.shared_pages * size) if each.shared_pages else "-"
        numbers = [pages_text(each.reserved), pages_text(each.used), format_bytes(held), shared]
    return [format_bytes(size), *numbers, *names]


def _cell(column: str, holder: Holder, *, in_bytes: bool) -> str:
    if in_bytes and column in _BYTES:
        return str(_BYTES[column](holder) * holder.page_size_kB << 10)
    return COLUMNS[column](holder)


def pages_text(pages: Pages) -> str:
    """A number, or an estimate with its bounds."""
    return str(pages.best) if pages.exact else f"~{pages.best} ({pages.min}-{pages.max})"


def _some(names: Sequence[str]) -> str:
    more = len(names) - _PROCESSES_SHOWN
    return ",".join(names[:_PROCESSES_SHOWN]) + (f" +{more}" if more > 0 else "") or "-"
