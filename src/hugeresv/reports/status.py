"""`hugeresv status` for people: pools, holders, the rest, what could not be read, warnings."""

from collections.abc import Callable, Sequence

from hugeresv.ledger.observation import Holder, Pages
from hugeresv.reports.listing import one_line, print_listing
from hugeresv.reports.screen import Screen
from hugeresv.status.host import Status
from hugeresv.units import format_bytes

_PROCESSES_SHOWN = 3

COLUMNS: dict[str, Callable[[Holder], str]] = {
    "SIZE": lambda holder: format_bytes(holder.page_size_kB << 10),
    "KIND": lambda holder: holder.kind,
    "RESERVED": lambda holder: _pages(holder.reserved),
    "USED": lambda holder: _pages(holder.used),
    "HELD": lambda holder: format_bytes((holder.reserved.best + holder.used.best) * holder.page_size_kB << 10),
    "PIDS": lambda holder: _some([str(process.pid) for process in holder.processes]),
    "USER": lambda holder: _some(list(dict.fromkeys(process.user for process in holder.processes))),
    "CGROUP": lambda holder: holder.cgroup or "-",
    "NAME": lambda holder: holder.name,
    "COMMAND": lambda holder: holder.processes[0].command if holder.processes else "-",
}
"""What a holder can be shown by; RESERVED and USED are in pages, HELD is both in bytes."""

SHOWN = ("SIZE", "KIND", "RESERVED", "USED", "HELD", "PIDS", "NAME", "COMMAND")
_POOL = ("SIZE", "TOTAL", "FREE", "RSVD", "SURP", "OVERCOMMIT", "AVAILABLE")
_NAMES = ("PIDS", "USER", "CGROUP", "NAME", "COMMAND")
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


def show_status(screen: Screen, status: Status, columns: Sequence[str], *, headings: bool, in_bytes: bool) -> None:
    """Write all of it. `in_bytes`: exact bytes where there otherwise are pages."""
    _pools(screen, status, headings=headings, in_bytes=in_bytes)
    screen.line()
    if status.observation.holders:
        _holders(screen, status.observation.holders, columns, headings=headings, in_bytes=in_bytes)
    elif status.unselected:
        screen.line(f"Holders that were not asked for: {status.unselected}; others: none.")
    else:
        screen.line("Nobody that can be seen holds huge pages.")
    for row in status.unexplained:
        if row.reserved_pages or row.used_pages:
            unit = row.page_size_kB << 10 if in_bytes else 1
            screen.line()
            screen.paragraph(
                f"Unexplained, {format_bytes(row.page_size_kB << 10)} {'in bytes' if in_bytes else 'pages'}: "
                f"{row.reserved_pages * unit} reserved, {row.used_pages * unit} used",
                bold=True,
            )
    _notes(screen, status)


def _pools(screen: Screen, status: Status, *, headings: bool, in_bytes: bool) -> None:
    rows = []
    for pool in status.observation.pools:
        size = pool.page_size_kB << 10
        counts = (pool.total, pool.free, pool.rsvd, pool.surp, pool.overcommit, pool.available)
        rows.append([format_bytes(size), *(str(count * size if in_bytes else count) for count in counts)])
    print_listing(screen, _POOL, rows, names=(), headings=headings)


def _holders(
    screen: Screen, holders: Sequence[Holder], columns: Sequence[str], *, headings: bool, in_bytes: bool
) -> None:
    rows = [[_cell(column, holder, in_bytes=in_bytes) for column in columns] for holder in holders]
    print_listing(screen, columns, rows, names=_NAMES, headings=headings)
    if any(not holder.certain for holder in holders):
        screen.line()
        screen.paragraph("~ an estimate: /proc does not tell, and it may be anything in the range given.", dim=True)


def _cell(column: str, holder: Holder, *, in_bytes: bool) -> str:
    if in_bytes and column in _BYTES:
        return str(_BYTES[column](holder) * holder.page_size_kB << 10)
    return COLUMNS[column](holder)


def _notes(screen: Screen, status: Status) -> None:
    if status.observation.unreadable:
        screen.line()
    for each in status.observation.unreadable:
        screen.paragraph(f"Not read: {one_line(each.what)}: {each.why}", "  ", first="")
    if status.warnings:
        screen.line()
    for warning in status.warnings:
        style = {"fg": "red"} if warning.wrong else {"fg": "yellow"}
        screen.paragraph(f"Warning: {one_line(warning.text)}", "  ", first="", **style)


def _pages(pages: Pages) -> str:
    return str(pages.best) if pages.exact else f"~{pages.best} ({pages.min}-{pages.max})"


def _some(names: Sequence[str]) -> str:
    more = len(names) - _PROCESSES_SHOWN
    return ",".join(names[:_PROCESSES_SHOWN]) + (f" +{more}" if more > 0 else "") or "-"
