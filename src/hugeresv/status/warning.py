"""What an operator should know, in plain words and with the remedy."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hugeresv.ledger.observation import CgroupUse, Holder, Kind, Observation, Pool
from hugeresv.ledger.reconcile import Unexplained, holders_of
from hugeresv.units import format_bytes


class Finding(NamedTuple):
    """`code` is for programs, `text` for people. `wrong`: the ledger itself is."""

    code: str
    text: str
    wrong: bool = False


def warnings_of(observation: Observation, rest: Sequence[Unexplained]) -> list[Finding]:
    """All of them, the ledger's own first."""
    warnings: list[Finding] = []
    for pool, row in zip(observation.pools, rest, strict=True):
        warnings += _wrapped(pool)
        warnings += _reserved_rest(pool, row, partial=observation.partial)
        warnings += _used_rest(pool, row, partial=observation.partial)
    for pool in observation.pools:
        warnings += _promised(pool)
        warnings += _overcommit(pool)
        if not observation.partial:
            warnings += _left_behind(pool, holders_of(observation, pool))
    warnings += [warning for cgroup in observation.cgroups for warning in _cgroup(cgroup)]
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


def _promised(pool: Pool) -> Iterator[Finding]:
    if pool.total and pool.free and pool.rsvd >= pool.free:
        yield Finding(
            "all-promised",
            f"{_size(pool)}: all {pool.free} free pages are promised: a new mapping gets ENOMEM"
            f"{' unless overcommit finds memory' if pool.overcommit > pool.surp else ''}. Add pages with "
            f"{_grow(pool, 1)} or more, or stop a holder.",
        )


def _overcommit(pool: Pool) -> Iterator[Finding]:
    if pool.surp:
        yield Finding(
            "overcommit-in-use",
            f"{_size(pool)}: {pool.surp} of {pool.total} pages are surplus, above the configured number: they go "
            f"back to the kernel when freed and may not be found again. Keep them with {_grow(pool, 0)}.",
        )


def _left_behind(pool: Pool, holders: Sequence[Holder]) -> Iterator[Finding]:
    files = [h for h in holders if h.kind in {Kind.FILE, Kind.SYSV} and not h.processes and h.used.min + h.reserved.min]
    for holder in files:
        remedy = "ipcrm -m ID" if holder.kind is Kind.SYSV else "rm"
        yield Finding(
            "unused-file",
            f"{_size(pool)}: no process uses {holder.name}, which has {holder.used.best} pages in use and "
            f"{holder.reserved.best} reserved. If nobody needs it, remove it ({remedy}).",
        )


def _cgroup(cgroup: CgroupUse) -> Iterator[Finding]:
    most, rsvd_most = cgroup.max_pages, cgroup.rsvd_max_pages
    if most is not None and (rsvd_most is None or most < rsvd_most):
        allowed = "is not limited" if rsvd_most is None else f"may be {rsvd_most} pages"
        yield Finding(
            "cgroup-limits",
            f"cgroup {cgroup.path}, {format_bytes(cgroup.page_size_kB << 10)} pages: usage is limited to {most} pages, "
            f"but what is reserved {allowed}: mmap succeeds, and touching the pages kills with SIGBUS. Set "
            "hugetlb.*.rsvd.max to the same as hugetlb.*.max.",
        )


def _grow(pool: Pool, pages: int) -> str:
    path = f"/sys/kernel/mm/hugepages/hugepages-{pool.page_size_kB}kB/nr_hugepages"
    return f"`echo {pool.total + pages} > {path}`"


def _size(pool: Pool) -> str:
    return f"{format_bytes(pool.page_size_kB << 10)} pages"
