"""How the cost of an operation grows with fragments, mappings and processes, and memory with what is touched.

Prints microseconds per operation at growing sizes; each row's last column is its ratio to the smallest size of the same
run.
"""

import time
import tracemalloc
from collections.abc import Callable, Iterable
from random import Random

from hugeresv.kernels.grammar import parse_kernel
from hugeresv.kernels.protocol import Session
from hugeresv.scenario.operation import Exit, Fork, Mmap, Munmap, Operation, Touch
from hugeresv.scenario.scenario import Pool

POOL = Pool(2048, 5_000_000)
SAMPLE = 2_000


def microseconds(session: Session, operations: Iterable[Operation]) -> float:
    """Time per operation."""
    calls = list(operations)
    begin = time.perf_counter()
    for call in calls:
        session.apply(call)
    return (time.perf_counter() - begin) / len(calls) * 1e6


def fragments(size: int) -> float:
    """Touches between `size` consumed pages, none of which touch each other."""
    session = parse_kernel("6.18").start(POOL)
    session.apply(Mmap("p", "m", "private", pages=4 * size + 4))
    microseconds(session, (Touch("p", "m", "write", 4 * page) for page in range(size)))
    places = [4 * page + 2 for page in Random(size).sample(range(size), min(size, SAMPLE))]
    return microseconds(session, (Touch("p", "m", "write", page) for page in places))


def mappings(size: int) -> float:
    """Touches and unmappings among `size` mappings of one process."""
    session = parse_kernel("6.18").start(POOL)
    microseconds(session, (Mmap("p", f"m{number}", "private", pages=2) for number in range(size)))
    names = [f"m{number}" for number in Random(size).sample(range(size), min(size, SAMPLE))]
    calls = [call for name in names for call in (Touch("p", name, "write", 0), Munmap("p", name, pages=2))]
    return microseconds(session, calls)


def processes(size: int) -> float:
    """Writes of children among `size` processes that share one mapping, and their exits."""
    session = parse_kernel("6.18").start(POOL)
    session.apply(Mmap("p", "m", "private", pages=2))
    session.apply(Touch("p", "m", "write", 0))
    microseconds(session, (Fork("p", f"c{number}") for number in range(size)))
    names = [f"c{number}" for number in Random(size).sample(range(size), min(size, SAMPLE))]
    return microseconds(session, [call for name in names for call in (Touch(name, "m", "write", 0), Exit(name))])


def memory(touched: int) -> float:
    """Bytes of the model per touched page, in a mapping of 4 TiB."""
    pages = (4 << 40) // (2 << 20)
    touches = [Touch("p", "m", "write", page) for page in Random(touched).sample(range(pages), touched)]
    tracemalloc.start()
    session = parse_kernel("6.18").start(POOL)
    session.apply(Mmap("p", "m", "private", pages=pages))
    for touch in touches:
        session.apply(touch)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return used / touched


def table(title: str, unit: str, measure: Callable[[int], float], sizes: Iterable[int]) -> None:
    """One curve."""
    print(f"\n{title}\n{'size':>12}{unit:>14}{'ratio':>8}")
    first = None
    for size in sizes:
        value = measure(size)
        first = first or value
        print(f"{size:12,}{value:14.2f}{value / first:8.2f}")


def main() -> None:
    """Measure and print."""
    table("touch among fragments", "us/operation", fragments, (100, 1_000, 10_000, 100_000, 1_000_000))
    table("touch and munmap among mappings", "us/operation", mappings, (10, 100, 1_000, 10_000))
    table("write and exit among processes", "us/operation", processes, (10, 100, 1_000))
    table("memory, touched pages of 4 TiB at random", "bytes/page", memory, (1_000, 10_000, 100_000))


if __name__ == "__main__":
    main()
