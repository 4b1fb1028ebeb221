"""The hugetlb controller's counters against what they are charged for."""

from collections import Counter
from collections.abc import Iterator

from hugeresv.ledger.census import Census, PoolCensus
from hugeresv.model.hugetlb_cgroup import HugetlbCgroup
from hugeresv.plain import are, count_of


def charges_are_held(census: Census) -> Iterator[str]:
    """I9: a cgroup's counters are the charges of it and of everything below it, removed cgroups included.

    rsvd = lengths of owners' private VMAs + regions of files' reservation maps + pages without a reservation, as far as
    charged to it; usage = pages in use charged to it.
    """
    if census.machine.cgroups:
        for pool in census.pools:
            yield from _charges_of(census, pool)


def _charges_of(census: Census, pool: PoolCensus) -> Iterator[str]:
    """The same, of the pages of one pool."""
    usage, mapped, regions, pages = (Counter[HugetlbCgroup]() for _ in range(4))
    for resv_map, vmas in census.map_users.items():
        if vmas[0].page_shift == pool.hstate.page_shift:
            _charge(mapped, resv_map.cgroup, sum(vma.end_index - vma.first_index for vma in vmas))
    for inode in census.files:
        if inode.hstate is pool.hstate:
            for cgroup, paid in inode.resv_map.charged.items():
                _charge(regions, cgroup, paid.total_pages)
    for folio in pool.folios:
        _charge(usage, folio.cgroup, 1)
        _charge(pages, folio.cgroup_rsvd, 1)
    for key, cgroup in census.machine.cgroups.items():
        counted = cgroup.of(pool.hstate)
        if counted.usage != usage[cgroup]:
            charged = f"{count_of(usage[cgroup], 'page')} in use {are(usage[cgroup])} charged to it"
            yield f"{pool.where}usage of cgroup {key!r} is {counted.usage}, but {charged}"
        rsvd = mapped[cgroup] + regions[cgroup] + pages[cgroup]
        if counted.rsvd != rsvd:
            yield (
                f"{pool.where}rsvd of cgroup {key!r} is {counted.rsvd}, but {rsvd} is charged to it"
                f" ({counted.rsvd - rsvd:+d}): private mappings {mapped[cgroup]}, regions of files {regions[cgroup]},"
                f" pages {pages[cgroup]}"
            )


def pages_by_node(census: Census) -> Iterator[str]:
    """A part of I13: on each node a cgroup counts its own pages in use there (hugetlb.*.numa_stat)."""
    for pool in census.pools if census.machine.cgroups else ():
        if not pool.hstate.is_numa:
            continue
        found = Counter((folio.cgroup, folio.nid) for folio in pool.folios)
        for key, cgroup in census.machine.cgroups.items():
            by_node = cgroup.of(pool.hstate).by_node
            for nid in pool.hstate.nodes if by_node else ():
                pages, there = by_node.get(nid, 0), found[cgroup, nid]
                if pages != there:
                    in_use = f"{count_of(there, 'page')} of it {are(there)} in use there"
                    yield f"{pool.where}cgroup {key!r} counts {pages} on node {nid}, but {in_use}"


def reservations_are_paid_once(census: Census) -> Iterator[str]:
    """I21: where a cgroup pays for a region of a file, no cgroup pays for the reservation of a page in it as well."""
    if not census.machine.cgroups:
        return
    for inode, name in census.files.items():
        for paid in inode.resv_map.charged.values():
            twice = [index for index, folio in inode.page_cache.items() if folio.cgroup_rsvd and index in paid]
            if twice:
                yield f"{name} has reservations that are charged as a region and as a page: indices {sorted(twice)}"


def _charge(charges: Counter[HugetlbCgroup], cgroup: HugetlbCgroup | None, pages: int) -> None:
    """Charge a cgroup and all above it."""
    while cgroup is not None:
        charges[cgroup] += pages
        cgroup = cgroup.parent
