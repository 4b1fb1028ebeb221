"""Reference counts against the references."""

from collections.abc import Iterator

from hugeresv.ledger.census import Census
from hugeresv.plain import count_of


def map_is_held_by_its_vmas(census: Census) -> Iterator[str]:
    """I10: a private reservation map has as many references as VMAs point to it.

    The kernel's adds_in_progress and its cache of regions, which the same invariant bounds, are not modelled.
    """
    for resv_map, vmas in census.map_users.items():
        if resv_map.refs != len(vmas):
            pieces = " ".join(f"{vma.vm_start:#x}-{vma.vm_end:#x}" for vma in vmas)
            refs, users = count_of(resv_map.refs, "reference"), count_of(len(vmas), "VMA")
            yield f"a reservation map has {refs}, but is used by {users}: {pieces}"
