"""`hugeresv status` for people: pools, nodes, holders, cgroups, the rest, what could not be read, warnings, notes."""

from collections.abc import Sequence

from hugeresv.holders.finding import Finding
from hugeresv.holders.headroom import available_in, by_path, lineage_of
from hugeresv.holders.host import Status
from hugeresv.ledger.observation import CgroupUse, Holder, Observation, PoolUse, Unreadable
from hugeresv.ledger.reconcile import CgroupRest
from hugeresv.plain import count_of
from hugeresv.reports.holders import Shown, print_holders
from hugeresv.reports.listing import print_listing
from hugeresv.reports.printable import one_line
from hugeresv.reports.screen import Screen
from hugeresv.units import format_bytes

_POOL = ("SIZE", "TOTAL", "FREE", "RSVD", "SURP", "OVERCOMMIT", "AVAILABLE")
_NODE = ("NODE", "SIZE", "TOTAL", "FREE", "SURP")
_CGROUP = ("SIZE", "MAX", "USED", "RSVD.MAX", "RSVD", "AVAILABLE", "UNACCOUNTED", "CGROUP")


def show_status(screen: Screen, status: Status, shown: Shown, *, alone: bool = False) -> None:
    """Write all of it, or the holders alone."""
    holders = [holder for holder in status.observation.holders if not holder.empty]
    if alone:
        if holders:
            print_holders(screen, holders, shown)
        return
    _pools(screen, status.observation, shown)
    _nodes(screen, status.observation, shown)
    screen.line()
    if holders:
        print_holders(screen, holders, shown)
        _legend(screen, holders)
    elif status.unselected:
        others = count_of(status.unselected, "other", "does")
        screen.line(f"No holder matches ({others} not).")
    else:
        screen.line("No visible process or file holds huge pages.")
    _cgroups(screen, status, shown)
    _rest(screen, status, in_bytes=shown.in_bytes)
    _notes(screen, status)


def _legend(screen: Screen, holders: Sequence[Holder]) -> None:
    """How far the numbers can be relied upon."""
    notes = []
    if any(not holder.certain for holder in holders):
        notes.append("~ is an estimate: the true number lies in the brackets.")
    if any(holder.assumed for holder in holders):
        notes.append("Numbers that only the counters show assume that the kernel counts right.")
    if notes:
        screen.line()
        screen.paragraph(" ".join(notes), dim=True)


def _pools(screen: Screen, observation: Observation, shown: Shown) -> None:
    """The pools that are used. Where none is, all of them."""
    held = {holder.page_size_kB for holder in observation.holders}
    used = [pool for pool in observation.pools if pool.page_size_kB in held or not _is_empty(pool)]
    rows = []
    for pool in used or observation.pools:
        size = pool.page_size_kB << 10
        counts = (pool.total, pool.free, pool.rsvd, pool.surp, pool.overcommit, pool.available)
        rows.append([format_bytes(size), *_numbers(counts, size, shown)])
    print_listing(screen, _POOL, rows, names=(), headings=shown.headings)


def _is_empty(pool: PoolUse) -> bool:
    return not (pool.total or pool.free or pool.rsvd or pool.surp or pool.overcommit)


def _nodes(screen: Screen, observation: Observation, shown: Shown) -> None:
    """Where there is more than one node: what each has."""
    rows = []
    for pool in observation.pools:
        size = pool.page_size_kB << 10
        if len(pool.nodes) > 1 and not _is_empty(pool):
            rows += [
                [str(each.node), format_bytes(size), *_numbers((each.total, each.free, each.surp), size, shown)]
                for each in pool.nodes
            ]
    if rows:
        screen.line()
        print_listing(screen, _NODE, rows, names=(), headings=shown.headings)


def _cgroups(screen: Screen, status: Status, shown: Shown) -> None:
    """Those that have pages, or may have some. One that may have none and has none is only counted."""
    observation = status.observation
    index = by_path(observation.cgroups)
    pools = {pool.page_size_kB: pool for pool in observation.pools}
    rests = {(rest.path, rest.page_size_kB): rest for rest in status.cgroup_rests}
    worth = [cgroup for cgroup in observation.cgroups if _has_or_may(cgroup)]
    rows = []
    for cgroup in worth:
        size = cgroup.page_size_kB << 10
        available = available_in(lineage_of(cgroup, index), pools[cgroup.page_size_kB])
        counts = (cgroup.max_pages, cgroup.usage_pages, cgroup.rsvd_max_pages, cgroup.rsvd_pages, available)
        rest = _unaccounted(rests.get((cgroup.path, cgroup.page_size_kB)), size if shown.in_bytes else 1)
        rows.append([format_bytes(size), *_numbers(counts, size, shown), rest, cgroup.path])
    if rows:
        screen.line()
        print_listing(screen, _CGROUP, rows, names=("CGROUP",), headings=shown.headings)
    if rows and len(worth) < len(observation.cgroups):
        others = len(observation.cgroups) - len(worth)
        screen.line(f"{count_of(others, 'other cgroup', 'has')} no huge pages and may have none.")


def _unaccounted(rest: CgroupRest | None, unit: int) -> str:
    """What was charged and has no visible holder: of what was reserved, where the kernel counts that."""
    if rest is None:
        return "-"
    low, high = rest.usage if rest.rsvd is None else rest.rsvd
    return f"{low * unit}" if low == high else f"~ ({low * unit}-{high * unit})"


def _has_or_may(cgroup: CgroupUse) -> bool:
    return any((cgroup.usage_pages, cgroup.rsvd_pages, cgroup.max_pages, cgroup.rsvd_max_pages))


def _numbers(counts: Sequence[int | None], size: int, shown: Shown) -> list[str]:
    return ["-" if count is None else str(count * size if shown.in_bytes else count) for count in counts]


def _rest(screen: Screen, status: Status, *, in_bytes: bool) -> None:
    for row in status.unexplained:
        if row.reserved_pages or row.used_pages:
            unit = row.page_size_kB << 10 if in_bytes else 1
            screen.line()
            screen.paragraph(
                f"Unaccounted for, {format_bytes(row.page_size_kB << 10)} {'in bytes' if in_bytes else 'pages'}: "
                f"{row.reserved_pages * unit} reserved, {row.used_pages * unit} used",
                bold=True,
            )


def _notes(screen: Screen, status: Status) -> None:
    """What was not read is of no matter where the holders have all that is counted, and no file seems to be unused."""
    unread = [] if status.explained and not status.warnings else status.observation.unreadable
    if unread:
        screen.line()
    for each in unread:
        screen.paragraph(f"Not read: {one_line(each.what)}: {each.why}{_settle(each)}", "  ", first="")
    for finding in sorted(status.warnings, key=lambda each: each.note):
        screen.line()
        _finding(screen, finding)


def _settle(unreadable: Unreadable) -> str:
    return f" ({unreadable.settle})" if unreadable.settle else ""


def _finding(screen: Screen, finding: Finding) -> None:
    """What it is, what to do, and the command in a line of its own that is not broken."""
    style = {} if finding.note else {"fg": "red" if finding.wrong else "yellow"}
    kind = "Note" if finding.note else "Warning"
    screen.paragraph(f"{kind}: {one_line(finding.text)}", "  ", first="", **style)
    if finding.remedy:
        screen.paragraph(one_line(finding.remedy), "  ")
    if finding.command:
        screen.line(f"    {one_line(finding.command)}")
