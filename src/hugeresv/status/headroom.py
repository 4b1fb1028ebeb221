"""What a new mapping of a process in a cgroup can still have."""

from collections.abc import Sequence

from hugeresv.ledger.observation import CgroupUse, Pool


def lineage_of(cgroup: CgroupUse, cgroups: Sequence[CgroupUse]) -> list[CgroupUse]:
    """It and those above it, of the same page size. All their limits hold."""
    path = f"{cgroup.path.rstrip('/')}/"
    above = [each for each in cgroups if path.startswith(f"{each.path.rstrip('/')}/")]
    return [each for each in above if each.page_size_kB == cgroup.page_size_kB]


def available_in(lineage: Sequence[CgroupUse], pool: Pool) -> int:
    """Pages that can be reserved and then touched without a limit being met, those promised to others in it kept."""
    rooms = [pool.available]
    for cgroup in lineage:
        if cgroup.rsvd_max_pages is not None and cgroup.rsvd_pages is not None:
            rooms.append(cgroup.rsvd_max_pages - cgroup.rsvd_pages)
        if cgroup.max_pages is not None:
            rooms.append(cgroup.max_pages - max(cgroup.usage_pages, cgroup.rsvd_pages or 0))
    return max(0, min(rooms))
