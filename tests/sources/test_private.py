"""Who of several processes owns the promise of a private mapping."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hugeresv.ledger.observation import Kind
from hugeresv.sources.proc.identity import file_of
from hugeresv.sources.proc.maps import Mapping, read_details
from hugeresv.sources.proc.page_walks import PageWalks
from hugeresv.sources.proc.private import private_holdings
from hugeresv.sources.proc.processes import ProcessReader
from hugeresv.sources.proc.snapshot import Descent, FileStatus, ProcessRecord

PAGE = 2 << 20
MAPPING = Mapping(1 << 30, (1 << 30) + 6 * PAGE, shared=False, offset=0, device=16, inode=7, name="/anon_hugepage")


def process(pid: int, *, started: float, made: float | None, pages: list[int]) -> ProcessRecord:
    """A process that maps six pages of a file made at a time, and has these."""
    record = ProcessRecord(pid, pid, 1, started, "x", "u", None, "ipc:[1]")
    record.mappings, record.page_bytes = [MAPPING], {MAPPING.start: PAGE}
    if made is not None:
        record.statuses[MAPPING.start] = FileStatus(16, 7, PAGE, 6 * PAGE, 0, made)
    record.noreserve = frozenset()
    record.anonymous[MAPPING.start] = pages
    return record


@pytest.mark.parametrize(
    ("ages", "parents", "reserved", "why"),
    [
        ([(100.0, 100.5)], {}, (5, 5, 5), "made by the process itself: certain"),
        ([(101.0, 100.5)], {}, (0, 0, 5), "made before it began: inherited, unless the clock was set meanwhile"),
        ([(100.0, 100.0)], {}, (0, 5, 5), "too close to tell, and nobody else: taken for the owner"),
        ([(100.0, None)], {}, (0, 5, 5), "the file cannot be asked"),
        ([(100.0, 100.0), (100.0, 100.0)], {1: 2, 2: 0}, (0, 4, 4), "the parent is the owner, though it comes second"),
        ([(100.0, 100.0), (100.0, 100.0)], {1: 3, 3: 2, 2: 0}, (0, 4, 4), "a grandparent"),
        ([(101.0, 100.5), (100.0, 100.5)], {}, (4, 4, 4), "strangers by now: the older one made it"),
    ],
)
def test_the_owner(
    ages: list[tuple[float, float | None]], parents: dict[int, int], reserved: tuple[int, int, int], why: str
) -> None:
    """The owner of a private mapping is the oldest process that did not get it by fork.

    Catches: a child of fork that is given its parent's promise.
    """
    members = [
        (process(pid, started=started, made=made, pages=[9, *range(1, pid)]), [MAPPING])
        for pid, (started, made) in enumerate(ages, 1)
    ]
    found, used, _ = private_holdings(members, parents, anonymous=True)
    assert tuple(found) == reserved, why
    assert tuple(used) == (len(ages), len(ages), len(ages))


@pytest.mark.parametrize(
    ("descent", "reserved", "firm"),
    [(Descent.EXECUTED, (5, 5, 5), True), (Descent.FORKED, (0, 5, 5), False), (Descent.ORPHANED, (0, 0, 5), True)],
)
def test_a_mapping_as_old_as_its_process(descent: Descent, reserved: tuple[int, int, int], firm: bool) -> None:
    """Where age does not tell an owner from a child, the promise is a range, or firm by descent.

    Catches: a child of a dead parent that hides a leak of as many pages; a program of its own whose promise is doubted.
    """
    record = process(1, started=100.0, made=100.0, pages=[9])
    record.descent = descent
    found, _, is_firm = private_holdings([(record, [MAPPING])], {}, anonymous=True)
    assert (tuple(found), is_firm) == (reserved, firm)


FAMILY = """
import os, time
def child(then):
    ready, done = os.pipe()
    pid = os.fork()
    if pid == 0:
        then(done)
        os.close(done)
        os._exit(0)
    os.close(done)
    return pid, os.read(ready, 99).decode()
def orphan(done):
    pid = os.fork()
    if pid == 0:
        time.sleep(99)
    os.write(done, str(pid).encode())
def forked(done):
    os.write(done, b"ready")
    time.sleep(99)
def daemon(done):
    if os.fork() == 0:
        os.setsid()
        os.write(done, str(os.getpid()).encode())
        time.sleep(99)
dead, orphan = child(orphan)
os.waitpid(dead, 0)
alive, _ = child(forked)
dead, daemon = child(daemon)
os.waitpid(dead, 0)
print(os.getpid(), alive, orphan, daemon, flush=True)
time.sleep(99)
"""
"""A program with a child that lives, one whose parent has ended, and a daemon."""


@pytest.mark.parametrize(
    ("descent", "place", "reserved"),
    [
        (Descent.FORKED, 0, (5, 5, 10)),
        (Descent.FORKED, 1 << 40, (5, 10, 10)),
        (Descent.EXECUTED, 0, (10, 10, 10)),
    ],
    ids=["at the same place", "elsewhere", "another program"],
)
def test_a_child_with_its_parents_file(descent: Descent, place: int, reserved: tuple[int, int, int]) -> None:
    """A child may have mapped the same file by itself, and then owns a promise of its own.

    At its parent's place it probably has a copy; elsewhere it has not; a program of its own copies nothing. Catches: a
    promise of a child's that nobody has, and that is called leaked.
    """
    parent, child = (process(pid, started=100.0, made=None, pages=[pid]) for pid in (1, 2))
    parent.descent, child.descent = Descent.EXECUTED, descent
    its = replace(MAPPING, start=MAPPING.start + place, end=MAPPING.end + place)
    child.page_bytes, child.anonymous = {its.start: PAGE}, {its.start: [2]}
    found, _, firm = private_holdings([(parent, [MAPPING]), (child, [its])], {2: 1, 1: 0}, anonymous=False)
    assert (tuple(found), firm) == (reserved, False)


def test_descent() -> None:
    """A process whose parent has died is told from one that init started.

    Catches: a child of a dead parent that passes for one of init's own; a daemon that passes for such a child.
    """
    with subprocess.Popen([sys.executable, "-c", FAMILY], stdout=subprocess.PIPE, start_new_session=True) as program:
        assert program.stdout is not None
        pids = [int(word) for word in program.stdout.readline().split()]
        reader = ProcessReader("/proc", {}, (), 2048, PageWalks(None), live=True)
        found = [reader._identity(f"/proc/{pid}", pid, pid).descent for pid in pids]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
    assert found == [Descent.EXECUTED, Descent.FORKED, Descent.ORPHANED, Descent.FORKED]


def test_pages_that_cannot_be_told_apart_are_a_range() -> None:
    """Without physical page numbers, two processes with three pages each have three to six.

    Catches: pages counted twice, or once, as if it were known.
    """
    members = [(process(pid, started=1, made=9, pages=[-1, -2, -3]), [MAPPING]) for pid in (1, 2)]
    assert tuple(private_holdings(members, {2: 1}, anonymous=True)[1]) == (3, 3, 6)


def test_segments_of_two_namespaces_are_two() -> None:
    """Segments of two IPC namespaces are two, though both have the inode number 0.

    Catches: one of them taken for the other.
    """
    segment = Mapping(0, PAGE, shared=True, offset=0, device=17, inode=0, name="/SYSV00000000 (deleted)")
    files = set()
    for ipc in ("ipc:[1]", "ipc:[2]"):
        record = process(1, started=1, made=None, pages=[])
        record.ipc = ipc
        files.add(file_of(record, segment, ()))
    assert [file.kind for file in files] == [Kind.SYSV, Kind.SYSV]


@pytest.mark.parametrize("chunk_bytes", [1, 300, 1 << 14])
def test_smaps_is_read_to_the_last_mapping_of_huge_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk_bytes: int
) -> None:
    """Flags are found at whatever place in smaps, and nothing is read behind the last mapping asked for.

    Catches: flags of a mapping that lies behind many others; an entry that is read in two pieces.
    """
    monkeypatch.setattr("hugeresv.sources.proc.maps._CHUNK_BYTES", chunk_bytes)
    head = "{:x}-{:x} rw-p 00000000 00:00 0\nKernelPageSize: {} kB\nShared_Hugetlb: 0 kB\nPrivate_Hugetlb: 0 kB\n"
    starts = range(1 << 30, (1 << 30) + 999 * 4096, 4096)
    texts = [f"{head.format(start, start + 4096, 4)}VmFlags: rd wr".ljust(255) + "\n" for start in starts]
    texts.append(head.format(1 << 40, 1 << 41, 2048) + "VmFlags: rd ht nr\n")
    (tmp_path / "smaps").write_text("".join(texts))
    details = read_details(str(tmp_path / "smaps"), 1 << 40)
    assert [(start, detail.noreserve, detail.page_bytes) for start, detail in details.items()] == [
        (1 << 40, True, PAGE)
    ]


def test_an_owner_whose_pages_cannot_be_counted_has_bounds() -> None:
    """Of six pages of which none can be told present or absent, none to six are still promised; six is the estimate.

    Catches: a lower bound that is the estimate.
    """
    record = process(1, started=100.0, made=100.0, pages=[])
    record.anonymous.clear()
    record.descent = Descent.EXECUTED
    found, used, firm = private_holdings([(record, [MAPPING])], {}, anonymous=True)
    assert (tuple(found), tuple(used), firm) == ((0, 6, 6), (0, 0, 6), True)
