"""Processes with many mappings of huge pages: what is not read of them at first, and when it is after all."""

import mmap
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hugeresv.kernels.host.kernel import HostKernel
from hugeresv.ledger.observation import Holder, Kind, Observation, Pages, PoolUse, exactly
from hugeresv.ledger.reconcile import settle
from hugeresv.scenario.operation import Fork, Mmap, Munmap, Operation, Shmat, Shmget, Touch
from hugeresv.sources.proc.maps import Detail, lines_of_devices, read_details
from hugeresv.sources.proc.observe import is_explained, observe_host
from hugeresv.sources.proc.page_walks import PageWalks
from hugeresv.sources.proc.processes import ProcessReader
from hugeresv.sources.proc.procmap_query import query_hugetlb
from hugeresv.sources.proc.read import read_snapshot
from hugeresv.sources.proc.snapshot import ProcessRecord, Snapshot
from tests.conftest import PAGE_SIZE_KB
from tests.kernels.conftest import pool

PAGE = 2 << 20
NORESERVE, HUGETLB = 0x4000, 0x40000
HUGE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NORESERVE | HUGETLB
MAPS = "/proc/self/maps"
MANY = 80

pytestmark = pytest.mark.skipif(
    not Path("/sys/kernel/mm/hugepages/hugepages-2048kB").is_dir(), reason="no huge pages of 2 MiB here"
)


@pytest.fixture
def many() -> Iterator[list[mmap.mmap]]:
    """More of them than are asked for one by one, in the process that runs the test."""
    kept = [mmap.mmap(-1, 2 * PAGE, HUGE, mmap.PROT_READ) for _ in range(MANY)]
    yield kept
    for each in kept:
        each.close()


def own_record(enough: Callable[[Snapshot], bool]) -> ProcessRecord:
    """What is read of this process."""
    (record,) = [each for each in read_snapshot("/proc", "/sys", enough=enough).processes if each.pid == os.getpid()]
    return record


@pytest.mark.skipif(query_hugetlb(MAPS, PAGE) is None, reason="no PROCMAP_QUERY (6.11) here")
def test_many_mappings_are_read_as_text_to_the_same_end(many: list[mmap.mmap]) -> None:
    """Huge pages of a file system not met before, ordinary files and devices between them.

    Catches: a device that is taken for one of huge pages, or the other way round.
    """
    memfd = os.memfd_create("m", os.MFD_HUGETLB | 21 << 26)
    os.ftruncate(memfd, PAGE)
    many.append(mmap.mmap(memfd, PAGE, mmap.MAP_SHARED | NORESERVE, mmap.PROT_READ))
    os.close(memfd)
    zero = os.open("/dev/zero", os.O_RDWR)
    many.append(mmap.mmap(zero, PAGE, mmap.MAP_PRIVATE))
    os.close(zero)
    reader = ProcessReader("/proc", {}, (), PAGE >> 10, PageWalks(None), live=True)
    record = reader.read(os.getpid())
    asked = query_hugetlb(MAPS, PAGE)
    assert record is not None
    assert asked is not None
    assert len(asked) == MANY + 1
    assert record.mappings == [mapping for mapping, _ in asked]
    assert record.page_bytes == {mapping.start: size for mapping, size in asked}


@pytest.mark.skipif(query_hugetlb(MAPS, PAGE) is None, reason="no PROCMAP_QUERY (6.11) here")
def test_without_queries_the_device_tells(many: list[mmap.mmap], monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 6.11 the text of maps finds the same mappings: the kernel's own file system of each page size is known.

    Catches: smaps read of every process that has huge pages, which takes three times as long; a name that looks like a
    device's number.
    """
    memfd = os.memfd_create("m", os.MFD_HUGETLB | 21 << 26)
    device = os.fstat(memfd).st_dev
    os.close(memfd)
    odd = os.memfd_create(f"x {os.major(device):02x}:{os.minor(device):02x} y")
    os.ftruncate(odd, PAGE)
    many.append(mmap.mmap(odd, PAGE))
    os.close(odd)
    asked = query_hugetlb(MAPS, PAGE)
    monkeypatch.setattr("hugeresv.sources.proc.processes.query_hugetlb", lambda *_: None)
    monkeypatch.setattr("hugeresv.sources.proc.processes.read_details", None)
    record = ProcessReader("/proc", {device: PAGE}, (), PAGE >> 10, PageWalks(None), live=True).read(os.getpid())
    assert record is not None
    assert asked is not None
    assert record.mappings == [mapping for mapping, _ in asked]
    assert set(record.page_bytes.values()) == {PAGE}


@pytest.mark.parametrize("size", [1, 7, 64, 1 << 14])
def test_lines_are_found_however_the_file_is_cut(size: int) -> None:
    """The lines of a device are found whole, wherever one read ends and the next begins.

    Catches: a line lost, doubled or cut where two reads meet.
    """
    lines = [b"%x000-%x000 rw-p 00000000 00:%02x 7 /f" % (place, place + 1, 10 + place % 3) for place in range(1, 40)]
    text = b"".join(line + b"\n" for line in lines)
    pieces = [text[place : place + size] for place in range(0, len(text), size)]
    assert list(lines_of_devices(pieces, [os.makedev(0, 11)])) == [line for line in lines if b" 00:0b " in line]


def test_flags_of_many_mappings_are_read_where_that_is_not_enough(
    many: list[mmap.mmap], monkeypatch: pytest.MonkeyPatch
) -> None:
    """smaps costs as much as all else. Catches: it is read although all is explained, or not although nothing is."""
    record = own_record(lambda _: False)
    assert not record.presumed
    assert len(record.noreserve or ()) == MANY
    walked: list[str] = []

    def read_and_note(path: str, last: int) -> dict[int, Detail]:
        walked.append(path)
        return read_details(path, last)

    monkeypatch.setattr("hugeresv.sources.proc.processes.read_details", read_and_note)
    record = own_record(lambda _: True)
    assert not [path for path in walked if f"/{os.getpid()}/" in path]  # a neighbour may be read
    assert record.presumed
    assert len(record.noreserve or ()) == MANY
    assert not record.statuses


def test_flags_of_few_mappings_are_read_in_any_case(many: list[mmap.mmap]) -> None:
    """The flags of a process with few mappings are read, whatever is explained without them.

    Catches: a promise that the kernel has lost goes unnoticed in an ordinary process, for it is presumed away.
    """
    while len(many) > MANY // 2:
        many.pop().close()
    assert not own_record(lambda _: True).presumed


PROMISED: dict[str, list[Operation]] = {
    "alone": [],
    "beside a page": [Mmap("b", "q", "private", pages=1), Touch("b", "q", "write", page=0)],
    "and a fork has a page of it": [Fork("a", "b"), Touch("b", "p", "read", page=3)],
    "beside a segment that could be promised as much": [
        Shmget("b", "s", pages=6, noreserve=True),
        Shmat("b", "s", "t"),
    ],
}


@pytest.mark.parametrize("name", PROMISED)
def test_promises_of_many_mappings_are_seen(host: HostKernel, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """An owner that has touched nothing, in a process that is large enough to be presumed to have none.

    Catches: a promise that is unexplained, or given to whoever could have it by the counters.
    """
    monkeypatch.setattr("hugeresv.sources.proc.processes._MANY", 0)
    with host.start(pool(40)) as session:
        session.apply(Mmap("a", "first", "private", pages=1, noreserve=True))
        time.sleep(0.1)  # by then it is clear that the process was there before what it maps now
        for operation in (Mmap("a", "p", "private", pages=6), *PROMISED[name]):
            session.apply(operation)
        reserved = {
            holder.kind: holder.reserved.best
            for holder in observe_host().holders
            if holder.page_size_kB == PAGE_SIZE_KB and holder.reserved.best
        }
    assert reserved == {Kind.PRIVATE: 6}


def test_pages_without_promises_are_found(host: HostKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two mappings with a hole between them, one page in the second by the process, one in the first by its child.

    Catches: a page that is given to the mapping before the hole, or to nobody; the parent left out of a file's holders.
    """
    monkeypatch.setattr("hugeresv.sources.proc.processes._MANY", 0)
    with host.start(pool(40)) as session:
        for operation in (
            Mmap("a", "p", "private", pages=6, noreserve=True),
            Munmap("a", "p", page=2, pages=1),
            Touch("a", "p", "write", page=3),
            Fork("a", "b"),
            Touch("b", "p", "write", page=0),
        ):
            session.apply(operation)
        (holder,) = [each for each in observe_host().holders if each.page_size_kB == PAGE_SIZE_KB]
    first, behind = sorted({(each.start, each.end) for each in holder.mappings})
    assert behind[0] - first[1] == PAGE
    assert (holder.reserved, holder.used) == (exactly(0), exactly(2))
    assert len(holder.processes) == 2


def test_what_the_counters_chose_confirms_nothing() -> None:
    """A segment that is promised between nothing and all that is counted, beside a process presumed to have none.

    Catches: the segment is said to have the promises of the process.
    """
    segment = Holder(2048, Kind.SYSV, "s", Pages(0, 6, 6), exactly(0))
    observation = settle(Observation((PoolUse(2048, 8, 8, 6, 0, 0),), (segment,)))
    assert observation.holders[0].reserved == exactly(6)
    assert is_explained(observation, trusted=False)
    assert not is_explained(observation, trusted=True)
