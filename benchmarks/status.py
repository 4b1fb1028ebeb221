"""What `hugeresv status` costs beside reading every smaps, in four situations; each host is built first.

Ordinary processes have 100 mappings each, half of them with pages. Holders have mappings of huge pages more, which take
no page and no promise (NORESERVE), so that the pool may be empty. Each figure is CPU time, the least of three.
"""

import ctypes
import mmap
import os
import signal
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from hugeresv.sources.proc.files import read_bytes
from hugeresv.sources.proc.observe import observe_host
from hugeresv.sources.proc.procmap_query import query_hugetlb

MAPPINGS = 100
HUGE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000 | 0x40000  # MAP_NORESERVE, MAP_HUGETLB
HUGE_BYTES = 2 << 20


class Situation(NamedTuple):
    """A host: how many processes it has, how many of them are holders, with how many huge mappings each."""

    name: str
    processes: int
    holders: int
    huge_mappings: int


SITUATIONS = (
    Situation("1,000 processes, nobody has huge pages: what a scrape finds mostly", 1000, 0, 0),
    Situation("1,000 processes, 100 of them with 2 huge mappings each", 1000, 100, 2),
    Situation("10 processes with 1,000 huge mappings each", 10, 10, 1000),
    Situation("100 processes with 1,000 huge mappings each", 100, 100, 1000),
)


def main() -> int:
    """Print a table for each situation; 3 where this machine has no huge pages of 2 MiB."""
    if not Path("/sys/kernel/mm/hugepages/hugepages-2048kB").is_dir():
        print("this kernel has no huge pages of 2 MiB")
        return 3
    for situation in SITUATIONS:
        print(situation.name)
        with busy_host(situation) as pids:
            measure([*pids])
    return 0


def measure(pids: list[int]) -> None:
    """Print how ways to find huge pages compare on the host as it is."""
    rows = {
        "every smaps, read": lambda: read_all(pids, "smaps"),
        "every numa_maps, read": lambda: read_all(pids, "numa_maps"),
        "every maps, read": lambda: read_all(pids, "maps"),
        "PROCMAP_QUERY of every process": lambda: sum(
            len(query_hugetlb(f"/proc/{pid}/maps", HUGE_BYTES) or ()) for pid in pids
        ),
        "the whole of hugeresv status": lambda: len(observe_host().holders),
    }
    smaps = 0.0
    for name, look in rows.items():
        spent = min(seconds(look) for _ in range(3))
        smaps = smaps or spent
        print(f"  {name:34} {spent * 1e3:9.1f} ms  {spent / smaps:6.2f} of the time of every smaps")
    for name in ("every smaps, read", "the whole of hugeresv status"):
        print(f"  {name:34} {peak_bytes(rows[name]) / 1e6:9.2f} MB at most")


def seconds(look: Callable[[], int]) -> float:
    """CPU time of one look."""
    start = time.process_time()
    look()
    return time.process_time() - start


def peak_bytes(look: Callable[[], int]) -> int:
    """The most memory that one look has at a time."""
    tracemalloc.start()
    look()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def read_all(pids: list[int], name: str) -> int:
    """Bytes of one file of every process."""
    total = 0
    for pid in pids:
        with suppress(FileNotFoundError):  # a kernel without numa_maps
            total += len(read_bytes(f"/proc/{pid}/{name}"))
    return total


@contextmanager
def busy_host(situation: Situation) -> Iterator[list[int]]:
    """Processes that do nothing, until the block is left; they end with this one, too."""
    pids: list[int] = []
    try:
        for number in range(situation.processes):
            ready, done = os.pipe()
            pid = os.fork()
            if pid == 0:
                _be_a_process(done, situation.huge_mappings if number < situation.holders else 0)
            pids.append(pid)
            os.close(done)
            os.read(ready, 1)
            os.close(ready)
        yield pids
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _be_a_process(done: int, huge_mappings: int) -> None:
    libc = ctypes.CDLL(None)
    libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    kept = []
    for number in range(MAPPINGS):
        protection = mmap.PROT_READ | (mmap.PROT_WRITE if number % 2 else 0)  # neighbours differ, and are not merged
        kept.append(mmap.mmap(-1, 1 << 16, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, protection))
        if number % 2:
            kept[-1][0] = 1
    kept += [mmap.mmap(-1, 2 * HUGE_BYTES, HUGE, mmap.PROT_READ) for _ in range(huge_mappings)]
    os.write(done, b"r")
    signal.pause()


if __name__ == "__main__":
    sys.exit(main())
