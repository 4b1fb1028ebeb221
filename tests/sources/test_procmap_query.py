"""PROCMAP_QUERY against maps: the same mappings, of this process. They take no page and no promise (NORESERVE)."""

import mmap
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hugeresv.sources.proc import procmap_query
from hugeresv.sources.proc.maps import parse_maps
from hugeresv.sources.proc.procmap_query import query_hugetlb, query_page_bytes

PAGE = 2 << 20
NORESERVE, HUGETLB = 0x4000, 0x40000
MFD_HUGE_2MB = os.MFD_HUGETLB | 21 << 26
MAPS = "/proc/self/maps"
NAMES = ["plain", "a\nb c", "\udcff\x1b", "x" * 200]

pytestmark = [
    pytest.mark.skipif(
        not Path("/sys/kernel/mm/hugepages/hugepages-2048kB").is_dir(), reason="no huge pages of 2 MiB here"
    ),
    pytest.mark.skipif(query_hugetlb(MAPS, PAGE) is None, reason="no PROCMAP_QUERY (6.11) here"),
]


@pytest.fixture
def memfds() -> Iterator[list[int]]:
    """Files of two huge pages, empty."""
    descriptors = [os.memfd_create(name, MFD_HUGE_2MB) for name in NAMES]
    for descriptor in descriptors:
        os.ftruncate(descriptor, 2 * PAGE)
    yield descriptors
    for descriptor in descriptors:
        os.close(descriptor)


def test_it_answers_what_maps_shows(memfds: list[int]) -> None:
    """PROCMAP_QUERY finds the mappings of huge pages that maps shows, field by field.

    Catches: a field taken for another, a mapping that is passed over because it is next to one, ordinary memory found.
    """
    kept = [mmap.mmap(-1, PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NORESERVE | HUGETLB, mmap.PROT_READ)]
    kept += [mmap.mmap(-1, PAGE, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | NORESERVE | HUGETLB) for _ in range(2)]
    kept += [
        mmap.mmap(descriptor, PAGE, flags | NORESERVE, mmap.PROT_READ, offset=offset)
        for descriptor in memfds
        for flags in (mmap.MAP_SHARED, mmap.MAP_PRIVATE)
        for offset in (0, PAGE)
    ]
    kept.append(mmap.mmap(-1, PAGE))
    with Path(__file__).open("rb") as file:
        kept.append(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    found = query_hugetlb(MAPS, PAGE)
    maps = Path(MAPS).read_bytes().split(b"\n")[:-1]
    for each in kept:
        each.close()
    assert found is not None
    assert {size for _, size in found} == {PAGE}
    assert len({mapping.inode for mapping, _ in found}) == 3 + len(NAMES)
    assert [mapping for mapping, _ in found] == parse_maps(maps, {mapping.start for mapping, _ in found})
    device = os.fstat(memfds[0]).st_dev  # that of all these files, and of no ordinary memfd
    lines = [line for line in maps if f" {os.major(device):02x}:{os.minor(device):02x} ".encode() in line]
    assert len(lines) == len({mapping.start for mapping, _ in found})


def test_a_mapping_that_has_gone_has_no_page_size() -> None:
    """It may go between two reads. Catches: the size of what lies there now, or behind it."""
    anonymous = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NORESERVE | HUGETLB
    with mmap.mmap(-1, PAGE, anonymous, mmap.PROT_READ):
        found = query_hugetlb(MAPS, PAGE)
        assert found is not None
        ((mapping, size),) = found
        assert query_page_bytes(MAPS, mapping) == size == PAGE
    assert query_page_bytes(MAPS, mapping) is None
    with mmap.mmap(-1, PAGE, anonymous, mmap.PROT_READ):  # at the same place
        assert query_page_bytes(MAPS, mapping) is None


def test_a_name_is_not_taken_for_an_escape() -> None:
    """A name with a backslash is kept as it is.

    Catches: a backslash in a name, which maps shows as it shows a newline.
    """
    descriptor = os.memfd_create("a\\012b", MFD_HUGE_2MB)
    os.ftruncate(descriptor, PAGE)
    with mmap.mmap(descriptor, PAGE, mmap.MAP_SHARED | NORESERVE, mmap.PROT_READ):
        names = [mapping.name for mapping, _ in query_hugetlb(MAPS, PAGE) or ()]
    os.close(descriptor)
    assert "/memfd:a\\012b (deleted)" in names


def test_a_name_that_is_too_long_hides_nothing(memfds: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """A mapping whose name does not fit the buffer is found without its whole name.

    Catches: a file so deep in folders that its process cannot be looked at.
    """
    monkeypatch.setattr(procmap_query, "_LONGEST_NAME", 30)
    maps = [mmap.mmap(descriptor, PAGE, mmap.MAP_SHARED | NORESERVE, mmap.PROT_READ) for descriptor in memfds]
    names = [mapping.name for mapping, _ in query_hugetlb(MAPS, PAGE) or ()]
    for each in maps:
        each.close()
    assert len(names) == len(NAMES)
    assert min(names) == ""
    assert "/memfd:plain (deleted)" in names
