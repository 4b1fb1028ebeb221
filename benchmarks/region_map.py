"""Time per operation of RegionMap beside the kernel's linked list in C, at 1 to 1,000,000 fragments.

Both get the same operations at random positions, and must give the same answers. There are two lists: one whose nodes
lie in memory in the order of the list, as after touches in order in a fresh kernel, and one whose nodes are scattered.
Needs a C compiler: `cc`, or what the variable CC names.
"""

import ctypes
import os
import random
import shutil
import subprocess
import sys
import tempfile
from array import array
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from time import process_time

from hugeresv.model.region_map import RegionMap

SOURCE = Path(__file__).with_name("region_list.c")

OPERATIONS = {1: 60_000, 100: 60_000, 10_000: 6_000, 1_000_000: 300}
"""How many of each kind, by fragments: fewer where the list needs milliseconds for one."""

CHG, ADD, COUNT, DELETE = range(4)
Operation = tuple[int, int, int]
"""Kind, from, to."""


class RegionList:
    """The list of region_list.c."""

    def __init__(self, library: ctypes.CDLL, regions: list[tuple[int, int]], order: list[int]) -> None:
        """`order`: which region's node lies first in memory, which comes next, and so on."""
        self.library = library
        self.head = ctypes.c_void_p(library.list_new())
        boundaries, nodes = array("q", chain.from_iterable(regions)), array("q", order)
        library.list_fill(self.head, address(boundaries), address(nodes), ctypes.c_int64(len(order)))

    def run(self, operations: list[Operation]) -> tuple[float, list[int]]:
        """Carry out all operations; seconds of CPU time, and their answers."""
        packed = array("q", chain.from_iterable(operations))
        answers = array("q", bytes(8 * len(operations)))
        seconds = self.library.list_run(self.head, address(packed), ctypes.c_int64(len(operations)), address(answers))
        return seconds, answers.tolist()

    def boundaries(self) -> tuple[int, ...]:
        """From, to, from, to, … in order."""
        regions = self.library.list_regions(self.head, None, ctypes.c_int64(0))
        boundaries = array("q", bytes(16 * regions))
        self.library.list_regions(self.head, address(boundaries), ctypes.c_int64(regions))
        return tuple(boundaries)

    def free(self) -> None:
        """Give the memory back; the list is gone."""
        self.library.list_free(self.head)


def address(numbers: "array[int]") -> ctypes.c_void_p:
    """Where an array's numbers begin."""
    return ctypes.c_void_p(numbers.buffer_info()[0])


def compiled(compiler: str, folder: Path) -> ctypes.CDLL:
    """region_list.c as a shared library."""
    library = folder / "region_list.so"
    subprocess.run(
        [compiler, "-std=c11", "-D_POSIX_C_SOURCE=199309L", "-O2", "-shared", "-fPIC", "-o", library, SOURCE],
        check=True,
    )
    loaded = ctypes.CDLL(str(library))
    loaded.list_new.restype = ctypes.c_void_p
    loaded.list_run.restype = ctypes.c_double
    loaded.list_regions.restype = ctypes.c_int64
    return loaded


def faults(rng: random.Random, pages: int) -> list[Operation]:
    """A fault at one page, a hole punched at another: about as many fragments remain."""
    fault, hole = rng.randrange(pages), rng.randrange(pages)
    return [(CHG, fault, fault + 1), (ADD, fault, fault + 1), (DELETE, hole, hole + 1)]


def page_counts(rng: random.Random, pages: int) -> list[Operation]:
    """Whether a page is represented: what a fault asks."""
    page = rng.randrange(pages)
    return [(COUNT, page, page + 1)]


def range_counts(rng: random.Random, pages: int) -> list[Operation]:
    """How many pages of a range of any length are: what unmapping asks."""
    f, t = sorted((rng.randrange(pages), rng.randrange(pages)))
    return [(COUNT, f, t)]


WORKLOADS: dict[str, Callable[[random.Random, int], list[Operation]]] = {
    "chg, add, delete a page": faults,
    "count a page": page_counts,
    "count a range": range_counts,
}


def run(region_map: RegionMap, operations: list[Operation]) -> tuple[float, list[int]]:
    """The same for a RegionMap as `RegionList.run`."""
    methods = (region_map.chg, region_map.add, region_map.count, region_map.delete)
    calls = [(methods[kind], f, t) for kind, f, t in operations]
    start = process_time()
    answers = [method(f, t) for method, f, t in calls]
    return process_time() - start, answers


def compare(library: ctypes.CDLL, fragments: int) -> Iterator[tuple[str, list[float]]]:
    """For each workload the microseconds an operation of RegionMap, of the list in order, and of the scattered one.

    AssertionError if they disagree.
    """
    pages = 4 * fragments
    regions = [(f, f + 2) for f in range(0, pages, 4)]
    rng = random.Random(fragments)
    in_order = list(range(fragments))
    scattered = rng.sample(in_order, fragments)
    region_map = RegionMap(regions)
    lists = [RegionList(library, regions, order) for order in (in_order, scattered)]
    for name, draw in WORKLOADS.items():
        operations: list[Operation] = []
        while len(operations) < OPERATIONS[fragments]:
            operations += draw(rng, pages)
        seconds, answers = run(region_map, operations)
        times = [seconds]
        for region_list in lists:
            seconds, their_answers = region_list.run(operations)
            assert answers == their_answers, f"{name}: the answers differ at {fragments} fragments"
            times.append(seconds)
        yield name, [1e6 * seconds / len(operations) for seconds in times]
    for region_list in lists:
        assert region_map.key() == region_list.boundaries(), f"the regions differ at {fragments} fragments"
        region_list.free()


def main() -> int:
    """Print the table; 3 without a compiler."""
    name = os.environ.get("CC", "cc")
    compiler = shutil.which(name)
    if compiler is None:
        print(f"no C compiler {name!r}: install one (Debian: apt-get install gcc) or name it in CC", file=sys.stderr)
        return 3
    print("Microseconds an operation, at random positions; every answer is compared. The lists are C, -O2.")
    print()
    header = f"{'RegionMap':>10} {'list in order':>14} {'scattered':>11} {'in order / map':>15} {'scattered / map':>16}"
    print(f"{'fragments':>10}  {'operation':24} {header}")
    with tempfile.TemporaryDirectory() as folder:
        library = compiled(compiler, Path(folder))
        for fragments in OPERATIONS:
            for workload, (ours, in_order, scattered) in compare(library, fragments):
                times = f"{ours:10.2f} {in_order:14.3f} {scattered:11.3f}"
                print(
                    f"{fragments:10,}  {workload:24} {times} {in_order / ours:15.2f} {scattered / ours:16.2f}",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
