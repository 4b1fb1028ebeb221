"""Why a mapping may find no page although the ledger is right: full pools, files left behind, limits of cgroups."""

from collections.abc import Iterator, Sequence

from hugeresv.ledger.observation import CgroupUse, Holder, Kind, Observation, Pool
from hugeresv.ledger.reconcile import holders_of
from hugeresv.status.finding import Finding
from hugeresv.units import format_bytes


def room_warnings(observation: Observation) -> Iterator[Finding]:
    """All of them."""
    for pool in observation.pools:
        yield from _promised(pool)
        yield from _overcommit(pool)
        if not observation.partial:
            yield from _left_behind(pool, holders_of(observation, pool))
    for cgroup in observation.cgroups:
        yield from _cgroup(cgroup)


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
