"""What a new mapping of a process in a cgroup can still have."""

import pytest

from hugeresv.holders.headroom import available_in, by_path, lineage_of
from hugeresv.ledger.observation import CgroupUse, PoolUse

POOL = PoolUse(2048, 50, 50, 0, 0, 0)


def cgroup(path: str, *, size_kB: int = 2048) -> CgroupUse:
    return CgroupUse(path, size_kB, 9, 9, 0, 0)


def test_the_limits_of_all_above_hold() -> None:
    """A cgroup is held to its own limits and those above it, for one page size.

    Catches: a neighbour whose path begins alike; limits of another page size.
    """
    root, pod, db = cgroup("/"), cgroup("/pod"), cgroup("/pod/db")
    others = [cgroup("/po"), cgroup("/pod/db2"), cgroup("/pod/db/below"), cgroup("/pod", size_kB=1 << 20)]
    assert lineage_of(db, by_path([root, pod, db, *others])) == [db, pod, root]


@pytest.mark.parametrize(
    ("use", "pages"),
    [
        (CgroupUse("/c", 2048, None, None, 3, 5), 50),
        (CgroupUse("/c", 2048, None, 9, 3, 5), 4),
        (CgroupUse("/c", 2048, 9, None, 3, 5), 4),
        (CgroupUse("/c", 2048, 9, None, 3, None), 6),
        (CgroupUse("/c", 2048, 9, None, 12, 5), 0),
    ],
)
def test_what_is_promised_to_others_in_it_is_kept(use: CgroupUse, pages: int) -> None:
    """Room below a limit is what neither is used nor promised. Catches: pages that are reserved and then not there."""
    assert available_in([use], POOL) == pages


def test_the_pool_is_a_limit_too() -> None:
    """Without limits the pool decides. Catches: more room than there are pages."""
    assert available_in([CgroupUse("/c", 2048, 99, 99, 0, 0)], POOL) == 50
