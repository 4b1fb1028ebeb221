"""`status` as a picture: each pool as an area that is divided among those that hold its pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hugeresv.holders.grouping import families
from hugeresv.holders.headroom import available_in, by_path, lineage_of
from hugeresv.holders.host import Status
from hugeresv.holders.names import program_of
from hugeresv.ledger.observation import Holder, Pages, PoolUse
from hugeresv.plain import agree, count_of
from hugeresv.reports.holders import pages_text
from hugeresv.reports.html.page import page
from hugeresv.reports.html.treemap import Box, divided
from hugeresv.reports.printable import printable
from hugeresv.reports.steps import UNSIGNED
from hugeresv.units import format_bytes

WIDTH, HEIGHT, HEAD = 1200, 300, 22
"""Of a pool's picture, in the units of the drawing; HEAD is above the areas."""

_TONES = 6
_COLUMN = 7.6
"""The width of a character, about, in bold."""
_LINE = 16


class Share(NamedTuple):
    """A part of the pool: pages of one holder, or of none. `kind` is how it is drawn."""

    kind: str
    pages: int
    name: str
    detail: str = ""
    number: int | None = None
    estimated: bool = False


class DrawnShare(NamedTuple):
    """A share where it is drawn, with as much text as there is room for."""

    share: Share
    box: Box
    lines: Sequence[str]

    @property
    def tone(self) -> int:
        """Which of the holders' colours."""
        return (self.share.number or 0) % _TONES


class Column(NamedTuple):
    """All areas of one heading: used, promised or free."""

    x: float
    heading: str
    areas: Sequence[DrawnShare]


class PoolPicture(NamedTuple):
    """A pool with everything that is said of it."""

    pool: PoolUse
    size: str
    columns: Sequence[Column]
    holders: Sequence[tuple[int, Holder]]
    wrapped: str | None
    summary: str


def status_page(status: Status, *, each: bool = False) -> str:
    """The whole page; `each`: an area for each holder, also for many of one family."""
    identity = status.identity
    return page(
        "status.html.jinja",
        ("base.css", "status.css"),
        "",
        title=f"Huge pages of {identity.host or 'a host'}",
        status=status,
        pools=[_picture(status, pool, each=each) for pool in status.observation.pools if _is_of_interest(status, pool)],
        cgroups=list(_cgroups(status)),
        width=WIDTH,
        height=HEIGHT,
        head=HEAD,
        pages_text=pages_text,
        detail_of=detail_of,
        of_kind=_OF_KIND,
    )


_OF_KIND = {
    "used": "in use",
    "promised": "promised, not yet taken",
    "unaccounted": "unaccounted for: counted, and no visible holder has it",
    "free": "free",
}


def _is_of_interest(status: Status, pool: PoolUse) -> bool:
    used = [each for each in status.observation.pools if each.total or each.overcommit or each.rsvd]
    return not used or pool in used


def _picture(status: Status, pool: PoolUse, *, each: bool) -> PoolPicture:
    mine = [holder for holder in status.observation.holders if holder.page_size_kB == pool.page_size_kB]
    mine = [holder for holder in (mine if each else families(mine)) if not holder.empty]
    holders = list(enumerate(sorted(mine, key=lambda holder: -(holder.reserved.best + holder.used.best)), 1))
    rest = next(row for row in status.unexplained if row.page_size_kB == pool.page_size_kB)
    unit = pool.page_size_kB << 10
    used = _shares("used", pool.total - pool.free, [(n, h, h.used) for n, h in holders], rest.used_pages)
    promised = _shares("promised", pool.rsvd, [(n, h, h.reserved) for n, h in holders], rest.reserved_pages)
    free = max(pool.free - sum(share.pages for share in promised), 0)
    parts = [("used", used), ("promised", promised), ("free", [Share("free", free, "free")] if free else [])]
    wrapped = f"resv_hugepages has wrapped: the kernel prints {pool.rsvd} as {pool.rsvd + UNSIGNED}"
    summary = f"{count_of(pool.total, 'page')} of {format_bytes(unit)}: " + ", ".join(
        f"{sum(share.pages for share in shares)} {name}" for name, shares in parts
    )
    return PoolPicture(
        pool, format_bytes(unit), list(_columns(parts, unit)), holders, wrapped if pool.rsvd < 0 else None, summary
    )


def _shares(kind: str, counted: int, held: Sequence[tuple[int, Holder, Pages]], rest: int) -> list[Share]:
    """What the holders have, what none has, and what those have that were not asked for; the largest first."""
    shares = [
        Share(kind, pages.best, called(holder), detail_of(holder), number, not pages.exact)
        for number, holder, pages in held
        if pages.best
    ]
    if rest > 0:
        shares.append(Share("unaccounted", rest, "unaccounted for"))
    others = counted - sum(share.pages for share in shares)
    if others > 0 and counted > 0:
        shares.append(Share("other", others, "other holders, not selected"))
    return sorted(shares, key=lambda share: -share.pages)


def _columns(parts: Sequence[tuple[str, Sequence[Share]]], unit: int) -> Iterator[Column]:
    """Side by side, each as wide as its pages are many."""
    total = sum(share.pages for _, shares in parts for share in shares)
    x = 0.0
    for name, shares in parts:
        pages = sum(share.pages for share in shares)
        width = WIDTH * pages / total if total else 0
        if pages:
            boxes = divided(Box(x, HEAD, width, HEIGHT - HEAD), [share.pages for share in shares])
            areas = [DrawnShare(share, box, _lines(share, box, unit)) for share, box in zip(shares, boxes, strict=True)]
            heading = _fitting([f"{name} {pages}, {format_bytes(pages * unit)}", f"{name} {pages}", str(pages)], width)
            yield Column(x, heading, areas)
        x += width


def _lines(share: Share, box: Box, unit: int) -> list[str]:
    """Number and name, pages, bytes: as many lines as fit, each as long as fits."""
    number = f"{share.number}. " if share.number else ""
    pages, noun = f"{'~' if share.estimated else ''}{share.pages}", agree(share.pages, "page", "pages")
    wanted = [
        [f"{number}{share.name}", f"{number}{share.name[: _room(box) - len(number) - 1]}…", number.strip()],
        [f"{pages} {noun}, {format_bytes(share.pages * unit)}", f"{pages} {noun}", pages],
        [share.detail],
    ]
    rows = int((box.height - 6) // _LINE)
    return [text for texts in wanted[: max(rows, 0)] if (text := _fitting(texts, box.width - 10))]


def _room(box: Box) -> int:
    return max(int((box.width - 10) / _COLUMN), 1)


def _fitting(texts: Sequence[str], width: float) -> str:
    """The first that fits; empty where none does."""
    return next((text for text in texts if len(text) * _COLUMN <= width), "")


def called(holder: Holder) -> str:
    """A short name: of the program for memory that has no file, else of the file."""
    if holder.name.startswith("/"):
        return printable(holder.name.rpartition("/")[2])
    if holder.processes:
        return printable(f"{program_of(holder.processes[0].command)}, {holder.kind.value}")
    return printable(holder.name)


def detail_of(holder: Holder) -> str:
    """Its processes."""
    pids = [str(process.pid) for process in holder.processes]
    if not pids:
        return "no process"
    return f"PID {', '.join(pids[:3])}{f' and {len(pids) - 3} more' if len(pids) > 3 else ''}"


class CgroupRow(NamedTuple):
    """A cgroup's counters, limits, and what can still be reserved in it."""

    path: str
    size: str
    usage: int
    most: int | None
    rsvd: int | None
    rsvd_most: int | None
    available: int | None


def _cgroups(status: Status) -> Iterator[CgroupRow]:
    """Those that have pages, or may have a limited number."""
    index = by_path(status.observation.cgroups)
    pools = {pool.page_size_kB: pool for pool in status.observation.pools}
    for use in status.observation.cgroups:
        if any((use.usage_pages, use.rsvd_pages, use.max_pages, use.rsvd_max_pages)):
            size = format_bytes(use.page_size_kB << 10)
            available = available_in(lineage_of(use, index), pools[use.page_size_kB])
            yield CgroupRow(
                use.path, size, use.usage_pages, use.max_pages, use.rsvd_pages, use.rsvd_max_pages, available
            )
