"""Time per operation of RegionMap beside the kernel's linked list in C, at 1 to 1,000,000 fragments.

Both get the same operations at random positions, and must give the same answers. The list's nodes lie in memory in the
order of the list, which favours it. Needs a C compiler: `cc`, or what the variable CC names.
"""

import ctypes
import os
import random
import shutil
import subprocess
import sys
import tempfile
from array import array
from itertools import chain
from pathlib import Path
from time import perf_counter

from hugeresv.model.region_map import RegionMap

SOURCE = Path(__file__).with_name("region_list.c")

ROUNDS = {1: 40_000, 100: 40_000, 10_000: 4_000, 1_000_000: 200}
"""Rounds of operations by fragments: fewer where the list needs milliseconds for one."""

CHG, ADD, COUNT, DELETE = range(4)
Operation = tuple[int, int, int]
"""Kind, from, to."""


class RegionList:
    """The list of region_list.c."""

    def __init__(self, library: ctypes.CDLL, regions: list[tuple[int, int]]) -> None:
        self.library = library
        self.head = ctypes.c_void_p(library.list_new())
        for f, t in regions:
            library.list_append(self.head, ctypes.c_int64(f), ctypes.c_int64(t))

    def run(self, operations: list[Operation]) -> tuple[float, list[int]]:
        """Carry out all operations; seconds, and their answers."""
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


def operations(fragments: int, rounds: int) -> list[Operation]:
    """What faults, unmaps and punched holes ask, at random pages; the number of fragments stays about the same."""
    rng = random.Random(fragments)
    pages = 4 * fragments
    result: list[Operation] = []
    for _ in range(rounds):
        fault, hole = rng.randrange(pages), rng.randrange(pages)
        f, t = sorted((rng.randrange(pages), rng.randrange(pages)))
        result += (CHG, fault, fault + 1), (ADD, fault, fault + 1), (COUNT, f, t), (DELETE, hole, hole + 1)
    return result


def run(region_map: RegionMap, operations: list[Operation]) -> tuple[float, list[int]]:
    """The same for a RegionMap as `RegionList.run`."""
    methods = (region_map.chg, region_map.add, region_map.count, region_map.delete)
    calls = [(methods[kind], f, t) for kind, f, t in operations]
    start = perf_counter()
    answers = [method(f, t) for method, f, t in calls]
    return perf_counter() - start, answers


def main() -> int:
    """Print the table. 1 if the two disagree, 3 without a compiler."""
    name = os.environ.get("CC", "cc")
    compiler = shutil.which(name)
    if compiler is None:
        print(f"no C compiler {name!r}: install one (Debian: apt-get install gcc) or name it in CC", file=sys.stderr)
        return 3
    print("Microseconds an operation: chg, add, count, delete in equal parts, at random pages.")
    print("count takes a range of any length, the others one page.")
    print()
    print(f"{'fragments':>10} {'operations':>11} {'RegionMap':>11} {'C list -O2':>11} {'C list / RegionMap':>19}")
    with tempfile.TemporaryDirectory() as folder:
        library = compiled(compiler, Path(folder))
        for fragments, rounds in ROUNDS.items():
            ops = operations(fragments, rounds)
            regions = [(f, f + 2) for f in range(0, 4 * fragments, 4)]
            region_map, region_list = RegionMap(regions), RegionList(library, regions)
            ours, our_answers = run(region_map, ops)
            theirs, their_answers = region_list.run(ops)
            same = our_answers == their_answers and region_map.key() == region_list.boundaries()
            region_list.free()
            if not same:
                print(f"at {fragments} fragments the two do not answer the same", file=sys.stderr)
                return 1
            micro = 1e6 / len(ops)
            print(f"{fragments:10,} {len(ops):11,} {ours * micro:11.2f} {theirs * micro:11.2f} {theirs / ours:19.2f}")
    print()
    print("Every answer and the regions at the end were the same for both.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
