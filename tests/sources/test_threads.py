"""A process whose first thread has ended, while others go on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hugeresv.sources.proc.page_walks import PageWalks
from hugeresv.sources.proc.processes import ProcessReader
from hugeresv.sources.proc.snapshot import Descent

NORESERVE = 0x4000
MFD_HUGE_2MB = os.MFD_HUGETLB | 21 << 26

pytestmark = pytest.mark.skipif(
    not Path("/sys/kernel/mm/hugepages/hugepages-2048kB").is_dir(), reason="no huge pages of 2 MiB here"
)

WITHOUT_ITS_FIRST_THREAD = """
import ctypes, mmap, os, sys, threading
flags, noreserve = map(int, sys.argv[1:])
file = os.memfd_create("kept", flags)
os.ftruncate(file, 1 << 21)
kept = mmap.mmap(file, 1 << 21, mmap.MAP_SHARED | noreserve)
first = threading.main_thread().native_id
def wait():
    while open(f"/proc/{first}/stat").read().rpartition(")")[2].split()[0] != "Z":
        pass
    print(first, flush=True)
    sys.stdin.read()
    os._exit(0)
threading.Thread(target=wait).start()
ctypes.CDLL(None).pthread_exit(0)
"""


@pytest.mark.parametrize("queried", [True, False])
def test_a_process_whose_first_thread_has_ended(queried: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process whose first thread has ended is read by another thread.

    Catches: its empty files in /proc, by which what it holds is taken for a leak.
    """
    if not queried:
        monkeypatch.setattr("hugeresv.sources.proc.processes.query_hugetlb", lambda *_: None)
    words = [sys.executable, "-c", WITHOUT_ITS_FIRST_THREAD, *map(str, (MFD_HUGE_2MB, NORESERVE))]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == f"{running.pid}\n"
        descriptor = os.memfd_create("any", MFD_HUGE_2MB)
        reader = ProcessReader("/proc", {os.fstat(descriptor).st_dev: 2 << 20}, (), 2048, PageWalks(None), live=True)
        os.close(descriptor)
        record = reader.read_opened(running.pid, reader.read(running.pid))
        assert record is not None
        reader.read_flags(record)
        running.communicate()
    assert (record.pid, record.parent, record.descent) == (running.pid, os.getpid(), Descent.EXECUTED)
    assert [mapping.name for mapping in record.mappings] == ["/memfd:kept (deleted)"]
    assert record.noreserve == frozenset({record.mappings[0].start})
    assert {name for name, _ in record.opened} == {"/memfd:kept (deleted)"}
    assert len(record.statuses) == 1
