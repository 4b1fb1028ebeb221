"""What lives on in a way that looks like a leak and is none: it ends without a restart."""

from collections.abc import Iterator

from hugeresv.holders.finding import Finding, sized
from hugeresv.holders.verdict import some_of
from hugeresv.ledger.observation import Holder, Kind, Observation
from hugeresv.plain import are, count_of


def lingering(observation: Observation) -> Iterator[Finding]:
    """Files of a hugetlbfs that is mounted nowhere, and minimums that were restored too early."""
    for mount in observation.mounts:
        on_it = [holder for holder in observation.holders if holder.place == mount.place]
        pages = sum(holder.used.best + holder.reserved.best for holder in on_it)
        if mount.keepers and pages:
            yield Finding(
                "detached-mount",
                f"{sized(mount)}: a hugetlbfs that is no longer mounted holds {count_of(pages, 'page')}. "
                f"It lives on as {some_of(mount.keepers)}.",
                remedy="When that ends, or goes elsewhere, its files are gone and the pages are free.",
            )
    for holder in observation.holders:
        early = _restored_early(holder)
        if early > 0:
            yield Finding(
                "minimum-restored",
                f"{sized(holder)}: {count_of(early, 'page')} of the minimum (min_size=) of {holder.name} "
                f"{are(early)} reserved again although the pages in use there satisfy it. The "
                "kernel restores a minimum too early.",
                remedy="No restart is needed: it ends when the file is removed or the hugetlbfs is unmounted.",
            )


def _restored_early(holder: Holder) -> int:
    """Pages of a minimum that are reserved, as the counters say, and should not be, as its files say."""
    if holder.kind is not Kind.MOUNT_MINIMUM or holder.seen_reserved is None or not holder.reserved.exact:
        return 0
    return holder.reserved.min - holder.seen_reserved.best
