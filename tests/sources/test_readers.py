"""Files of /proc and /sys, one reader at a time."""

from pathlib import Path

import pytest

from hugeresv.ledger.observation import Kind, NodePool
from hugeresv.sources.proc.cgroups import hierarchies, own_cgroup, read_cgroup
from hugeresv.sources.proc.identity import kind_of
from hugeresv.sources.proc.mountinfo import MountInfo
from hugeresv.sources.proc.mounts import mount_limits
from hugeresv.sources.proc.pools import read_pools
from hugeresv.sources.proc.segments import resident_pages
from hugeresv.sources.proc.sysvipc import SegmentRecord, parse_segments
from tests.sources.trees import add_pool

PAGE = 2 << 20


def segment(size_pages: float, resident_bytes: int) -> SegmentRecord:
    return SegmentRecord("ipc:[1]", 7, 5, int(size_pages * PAGE), 0, resident_bytes)


@pytest.mark.parametrize(
    ("size_pages", "resident_bytes", "pages"),
    [
        (4, 2 * PAGE, (2, 2, 2)),
        (4, 2 * PAGE * 512, (2, 2, 2)),
        (4, 4 * PAGE, (4, 4, 4)),
        (2.5, 3 * PAGE, (3, 3, 3)),
        (2000, 1024 * PAGE, (2, 1024, 1024)),
        (4, 5 * PAGE, None),
        (4, 4096, None),
        (4, 0, (0, 0, 0)),
    ],
)
def test_resident_bytes_of_a_segment_are_huge_pages(
    size_pages: float, resident_bytes: int, pages: tuple[int, int, int] | None
) -> None:
    """From 6.7 on rss is 512 times too large; where both readings are possible, both are bounds.

    Catches: a full segment that is taken for one of ordinary pages, a reading that does not fit the segment.
    """
    assert resident_pages(segment(size_pages, resident_bytes), PAGE) == pages


def test_a_key_is_an_unsigned_word() -> None:
    """The kernel prints keys signed, ipcs and ftok(3) show words. Catches: 'key -0x1'."""
    (found,) = parse_segments("       key      shmid size nattch rss\n        -1 3 4194304 1 0\n", "ipc:[1]")
    assert (found.key, found.id, found.size_bytes, found.attached) == (0xFFFFFFFF, 3, 4194304, 1)


def test_pools_have_signed_counters_and_nodes(tmp_path: Path) -> None:
    """The smallest page size is first, a wrapped counter negative. Catches: one counter of a node read as another."""
    add_pool(tmp_path, 1 << 20, nr=1)
    add_pool(tmp_path, 2048, nr=9, free=8, resv=(1 << 64) - 7, surplus=2, nr_overcommit=5)
    for number in (10, 2):
        node = tmp_path / f"sys/devices/system/node/node{number}/hugepages/hugepages-2048kB"
        node.mkdir(parents=True)
        for value, name in enumerate(("nr", "free", "surplus"), number):
            (node / f"{name}_hugepages").write_text(f"{value}\n")
    small, large = read_pools(f"{tmp_path}/sys")
    assert (large.page_size_kB, large.total, large.nodes) == (1 << 20, 1, ())
    assert (small.total, small.free, small.rsvd, small.surp, small.overcommit) == (9, 8, -7, 2, 5)
    assert small.nodes == (NodePool(2, 2, 3, 4), NodePool(10, 10, 11, 12))


def test_the_controller_may_be_of_either_version(tmp_path: Path) -> None:
    """Version 2, alone or beside version 1, or version 1. Catches: a hierarchy that is not looked at."""
    roots = [tmp_path / "fs/cgroup", tmp_path / "fs/cgroup/unified", tmp_path / "fs/cgroup/hugetlb"]
    for root in roots:
        root.mkdir(parents=True, exist_ok=True)
    assert hierarchies(str(tmp_path)) == [str(roots[2])]
    for root in roots[:2]:
        (root / "cgroup.controllers").touch()
    assert hierarchies(str(tmp_path)) == list(map(str, roots))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("0::/b\n", "/b"),
        ("5:hugetlb,cpu:/a\n0::/b\n", "/a"),
        ("0::/b\n5:cpu,hugetlb:/a:x\n", "/a:x"),
        ("5:cpu:/a\n", None),
        ("", None),
    ],
)
def test_a_process_is_charged_in_the_hierarchy_of_the_controller(text: str, path: str | None) -> None:
    """Version 1 has the controller where it is named, else version 2. Catches: the path of another hierarchy."""
    assert own_cgroup(text) == path


def test_limits_of_both_versions(tmp_path: Path) -> None:
    """`max`, and a number near 2^63, are no limit; bytes are whole pages. Catches: a limit nobody has set."""
    two = {"max": "max", "current": str(2 * PAGE), "rsvd.max": str(5 * PAGE - 1), "rsvd.current": str(3 * PAGE)}
    one = {
        "limit_in_bytes": "9223372036852678656",
        "usage_in_bytes": str(2 * PAGE),
        "rsvd.limit_in_bytes": str(5 * PAGE - 1),
        "rsvd.usage_in_bytes": str(3 * PAGE),
    }
    for version, files in (("1", one), ("2", two)):
        directory = tmp_path / version
        directory.mkdir()
        for name, text in files.items():
            (directory / f"hugetlb.2MB.{name}").write_text(f"{text}\n")
        known = {path.name for path in directory.iterdir()}
        found = read_cgroup(str(directory), "/c", 2048, known)
        assert found is not None
        assert (found.max_pages, found.rsvd_max_pages, found.usage_pages, found.rsvd_pages) == (None, 4, 2, 3)
        assert read_cgroup(str(directory), "/c", 1 << 20, known) is None


@pytest.mark.parametrize(
    ("options", "limits"),
    [
        ({"pagesize": "2M", "size": "8192K", "min_size": "4096K"}, (PAGE, 4, 2)),
        ({"pagesize": "1024M", "size": "2097152K"}, (1 << 30, 2, None)),
        ({}, (PAGE, None, None)),
    ],
)
def test_limits_of_a_mount_are_in_its_pages(
    options: dict[str, str], limits: tuple[int, int | None, int | None]
) -> None:
    """The kernel shows bytes with a unit. Catches: limits in bytes, in kB, or in pages of the default size."""
    assert mount_limits(MountInfo("/m", 31, "hugetlbfs", "none", options), PAGE) == limits


@pytest.mark.parametrize(
    ("name", "device", "kind"),
    [
        ("/memfd:x", 31, Kind.FILE),
        ("/memfd:x (deleted)", 16, Kind.MEMFD),
        ("/SYSV00000000 (deleted)", 16, Kind.SYSV),
        ("/anon_hugepage (deleted)", 16, Kind.SHARED_ANONYMOUS),
        ("/x", 16, Kind.FILE),
    ],
)
def test_the_kind_of_a_file(name: str, device: int, kind: Kind) -> None:
    """By the mount that it is on, then by the kernel's name. Catches: a file on a mount that is called like a memfd."""
    assert kind_of(name, device, {31}) is kind
