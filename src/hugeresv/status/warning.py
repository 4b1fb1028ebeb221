"""What is wrong with the ledger, in plain words and with the remedy."""

from collections.abc import Iterator, Sequence

from hugeresv.ledger.observation import Observation, Pool
from hugeresv.ledger.reconcile import Unexplained
from hugeresv.status.finding import Finding
from hugeresv.status.room import room_warnings
from hugeresv.units import format_bytes


def warnings_of(observation: Observation, rest: Sequence[Unexplained]) -> list[Finding]:
    """All warnings, the ledger's own first, and notes."""
    warnings: list[Finding] = []
    for pool, row in zip(observation.pools, rest, strict=True):
        warnings += _wrapped(pool)
        warnings += _reserved_rest(pool, row, partial=observation.partial)
        warnings += _used_rest(pool, row, partial=observation.partial)
    warnings += room_warnings(observation)
    return warnings


def _wrapped(pool: Pool) -> Iterator[Finding]:
    if pool.rsvd < 0 or pool.rsvd > pool.free:
        shown = f"{pool.rsvd} (the kernel prints {pool.rsvd % (1 << 64)})" if pool.rsvd < 0 else f"{pool.rsvd}"
        yield Finding(
            "counter-wrapped",
            f"{_size(pool)}: {shown} pages are counted as reserved, with {pool.free} free. A kernel bug has "
            "miscounted; allocations will fail or promises break. Restart the host when you can.",
            wrong=True,
        )


def _reserved_rest(pool: Pool, row: Unexplained, *, partial: bool) -> Iterator[Finding]:
    pages, possible = row.reserved_pages, row.possible_pages
    if pages == 0:
        return
    if partial:
        text = f"{_size(pool)}: {abs(pages)} reserved pages are not explained. Not all could be read: run as root."
        yield Finding("rsvd-unexplained", text)
    elif pages < 0:
        text = f"{_size(pool)}: the kernel counts {-pages} reserved pages fewer than its users were promised"
        unless = f", unless holders marked ~ have up to {-possible} fewer, as a hole punched in a file leaves them"
        bug = "A kernel bug: one of them will find no page."
        yield Finding("rsvd-missing", f"{text}{unless if possible else ''}. {bug}", wrong=True)
    else:
        text = f"{_size(pool)}: {pages} reserved pages belong to nobody that can be seen"
        unless = f", unless holders marked ~ have up to {possible} more" if possible else ""
        yield Finding(
            "rsvd-leaked",
            f"{text}{unless}. Leaked by a kernel bug, they are lost to new mappings until the host restarts; make up "
            f"for them with {_grow(pool, pages)}.",
            wrong=True,
        )


def _used_rest(pool: Pool, row: Unexplained, *, partial: bool) -> Iterator[Finding]:
    pages = row.used_pages
    if pages == 0:
        return
    if partial:
        yield Finding(
            "used-unexplained",
            f"{_size(pool)}: {abs(pages)} used pages are not explained. Not everything could be read: run as root to "
            "know more.",
        )
    elif pages < 0:
        yield Finding("used-missing", f"{_size(pool)}: holders have {-pages} pages more than are in use.", wrong=True)
    else:
        yield Finding(
            "used-unexplained",
            f"{_size(pool)}: {pages} pages are in use by nobody that can be seen: lost by a kernel bug, pinned by a "
            "device, or in a file that is in flight between processes. Make up for them with "
            f"{_grow(pool, pages)}.",
            wrong=True,
        )


def _grow(pool: Pool, pages: int) -> str:
    path = f"/sys/kernel/mm/hugepages/hugepages-{pool.page_size_kB}kB/nr_hugepages"
    return f"`echo {pool.total + pages} > {path}`"


def _size(pool: Pool) -> str:
    return f"{format_bytes(pool.page_size_kB << 10)} pages"
