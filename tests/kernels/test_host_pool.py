"""A pool is lent only if nobody uses it, and comes back as it was. Its files are ordinary ones here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hugeresv.errors import UnavailableError
from hugeresv.kernels.host import pool as pool_module
from hugeresv.kernels.host.pool import HugePool, lost_pages


class Sysfs:
    """The directory of a pool."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write(nr=3, free=3, resv=0, surplus=0, nr_overcommit=2)

    def write(self, **pages: int) -> None:
        for name, number in pages.items():
            (self.root / f"{name}_hugepages").write_text(f"{number}\n")

    def read(self, name: str) -> int:
        return int((self.root / f"{name}_hugepages").read_text())


@pytest.fixture
def sysfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sysfs:
    """Three free pages, up to two surplus."""
    monkeypatch.delenv("HUGERESV_LOST_PAGES", raising=False)
    monkeypatch.setattr(
        pool_module, "directory", lambda _, root="": str(tmp_path / "none") if "node" in root else str(tmp_path)
    )
    return Sysfs(tmp_path)


@pytest.fixture
def pool(sysfs: Sysfs) -> Iterator[HugePool]:
    huge = HugePool(2048)
    yield huge
    huge.close()


def test_size_and_overcommit_come_back(pool: HugePool, sysfs: Sysfs) -> None:
    """What a scenario wrote is undone. Catches: a pool that stays as the scenario left it, or an overcommit of 0."""
    saved = pool.save()
    assert (list(saved.nr_by_node.values()), saved.nr_overcommit) == ([3], 2)
    pool.set_nr(7)
    pool.set_nr_overcommit(5)
    assert (sysfs.read("nr"), sysfs.read("nr_overcommit")) == (7, 5)
    pool.restore(saved)
    assert (sysfs.read("nr"), sysfs.read("nr_overcommit")) == (3, 2)


@pytest.mark.parametrize(
    "used",
    [{"free": 2}, {"resv": 1}, {"surplus": 1}, {"resv": (1 << 64) - 1}],
    ids=["in use", "reserved", "surplus", "wrapped"],
)
def test_a_pool_in_use_is_not_lent(pool: HugePool, sysfs: Sysfs, used: dict[str, int]) -> None:
    """Pages in use, promises and surplus are somebody's. Catches: a pool that is resized under its user."""
    sysfs.write(**used)
    with pytest.raises(UnavailableError, match="is in use"):
        pool.save()


@pytest.mark.parametrize(
    ("free", "resv", "leaking"), [(3, 0, False), (3, 2, True), (3, (1 << 64) - 2, True), (2, 1, False)]
)
def test_reservations_of_nobody_are_a_leak(pool: HugePool, sysfs: Sysfs, free: int, resv: int, leaking: bool) -> None:
    """Where every page is free nobody has a promise. Catches: somebody's promises that are healed away."""
    sysfs.write(free=free, resv=resv)
    assert pool.is_leaking() == leaking
    assert abs(pool.counters()[2]) <= 2


def test_lost_pages_are_left_out(sysfs: Sysfs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 5 pages 2 are lost for good: 3 are the pool, and a write adds them. Catches: a constant that is not one."""
    sysfs.write(nr=5)
    monkeypatch.setenv("HUGERESV_LOST_PAGES", "2048:2")
    huge = HugePool(2048)
    assert huge.counters() == (3, 3, 0, 0)
    saved = huge.save()
    huge.set_nr(4)
    assert sysfs.read("nr") == 6
    huge.restore(saved)
    assert sysfs.read("nr") == 5
    huge.close()
    assert lost_pages(1 << 20) == 0
    monkeypatch.setenv("HUGERESV_LOST_PAGES", "two")
    with pytest.raises(UnavailableError, match="HUGERESV_LOST_PAGES=two: expected"):
        lost_pages(2048)


def test_a_pool_that_cannot_grow_is_refused(pool: HugePool, sysfs: Sysfs) -> None:
    """A kernel that finds no memory makes fewer pages and says nothing. Catches: a scenario on a smaller pool."""
    sysfs.write(nr=3, free=2)
    with pytest.raises(UnavailableError, match="cannot be made 3 free pages: total=3 free=2"):
        pool.reset(3, 2)
