"""How long `hugeresv status` looks at a busy host, beside reading every smaps; the host is built first.

1,000 processes have 100 ordinary mappings each, half of them with pages, and 100 of them two mappings of huge pages
more, which take no page and no promise (NORESERVE), so that the pool may be empty. The ways to find these processes are
measured one by one. Each figure is the quickest of three.
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

from hugeresv.sources.proc.files import read_bytes
from hugeresv.sources.proc.observe import observe_host
from hugeresv.sources.proc.procmap_query import query_hugetlb

PROCESSES = 1000
HOLDERS = 100
MAPPINGS = 100
HUGE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000 | 0x40000  # MAP_NORESERVE, MAP_HUGETLB
HUGE_BYTES = 2 << 20


def main() -> int:
    """Print a table; 3 where this machine has no huge pages of 2 MiB."""
    if not Path("/sys/kernel/mm/hugepages/hugepages-2048kB").is_dir():
        print("this kernel has no huge pages of 2 MiB")
        return 3
    with busy_host() as pids:
        own = [*pids]
        rows = {
            "every smaps, read": lambda: read_all(own, "smaps"),
            "every numa_maps, read": lambda: read_all(own, "numa_maps"),
            "every maps, read": lambda: read_all(own, "maps"),
            "PROCMAP_QUERY of every process": lambda: sum(
                len(query_hugetlb(f"/proc/{pid}/maps", HUGE_BYTES) or ()) for pid in own
            ),
            "the whole of hugeresv status": lambda: len(observe_host().holders),
        }
        slowest = 0.0
        for name, look in rows.items():
            elapsed = min(seconds(look) for _ in range(3))
            slowest = slowest or elapsed
            print(f"{name:34} {elapsed * 1e3:9.1f} ms  {slowest / elapsed:6.1f} times as fast as smaps")
        for name in ("every smaps, read", "the whole of hugeresv status"):
            print(f"{name:34} {peak_bytes(rows[name]) / 1e6:9.2f} MB at most")
    return 0


def seconds(look: Callable[[], int]) -> float:
    """Time of one look."""
    start = time.perf_counter()
    look()
    return time.perf_counter() - start


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
def busy_host() -> Iterator[list[int]]:
    """Processes that do nothing, until the block is left; they end with this one, too."""
    pids: list[int] = []
    try:
        for number in range(PROCESSES):
            ready, done = os.pipe()
            pid = os.fork()
            if pid == 0:
                _be_a_process(done, holds=number < HOLDERS)
            pids.append(pid)
            os.close(done)
            os.read(ready, 1)
            os.close(ready)
        yield pids
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _be_a_process(done: int, *, holds: bool) -> None:
    libc = ctypes.CDLL(None)
    libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    kept = []
    for number in range(MAPPINGS):
        protection = mmap.PROT_READ | (mmap.PROT_WRITE if number % 2 else 0)  # neighbours differ, and are not merged
        kept.append(mmap.mmap(-1, 1 << 16, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, protection))
        if number % 2:
            kept[-1][0] = 1
    if holds:
        kept += [mmap.mmap(-1, 2 * HUGE_BYTES, HUGE, mmap.PROT_READ) for _ in range(2)]
    os.write(done, b"r")
    signal.pause()


if __name__ == "__main__":
    sys.exit(main())
