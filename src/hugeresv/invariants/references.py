"""Reference counts against the references."""

from collections.abc import Iterator

from hugeresv.ledger.census import Census


def map_is_held_by_its_vmas(census: Census) -> Iterator[str]:
    """I10: a private reservation map has as many references as VMAs point to it.

    The kernel's adds_in_progress and its cache of regions, which the same invariant bounds, are not modelled.
    """
    for resv_map, vmas in census.map_users.items():
        if resv_map.refs != len(vmas):
            pieces = " ".join(f"{vma.vm_start:#x}-{vma.vm_end:#x}" for vma in vmas)
            yield f"a reservation map has {resv_map.refs} references, but is used by {len(vmas)} VMAs: {pieces}"
