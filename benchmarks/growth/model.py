"""Growth of the model: pages present, mappings of a process and of a file, processes, and ranges of any length."""

from collections.abc import Callable
from functools import partial
from random import Random

from benchmarks.growth.bench import Bench, memory_bytes, microseconds
from benchmarks.growth.row import Row
from hugeresv.invariants.check import check
from hugeresv.ledger.lost import lost_reservations
from hugeresv.ledger.machine import observe_machine
from hugeresv.model.region_map import RegionMap
from hugeresv.outcome import Outcome
from hugeresv.scenario.operation import (
    Exit,
    Fallocate,
    Fork,
    Ftruncate,
    Madvise,
    Memfd,
    Mlock,
    Mmap,
    Mount,
    Munmap,
    OpenFile,
    Shmat,
    Shmdt,
    Shmget,
    Touch,
)

SAMPLE = 200


def touched(n: int, spread: int = 1) -> Bench:
    """A private mapping with `n` pages present, every `spread`-th one."""
    bench = Bench()
    bench.do(Mmap("p", "m", "private", pages=spread * n + 1))
    bench.do(*(Touch("p", "m", "write", spread * page) for page in range(n)))
    return bench


def sample(n: int) -> list[int]:
    """Up to SAMPLE numbers below `n`, in any order; the same ones every time."""
    return Random(n).sample(range(n), min(n, SAMPLE))


def touch_among_fragments(n: int) -> float:
    """Touches between consumed pages none of which touch each other."""
    bench = touched(n, spread=4)
    return bench.median(Touch("p", "m", "write", 4 * page + 2) for page in sample(n))


def dontneed_a_page(n: int) -> float:
    """MADV_DONTNEED of one page, which then is touched again."""
    bench = touched(n)
    return bench.median([Madvise("p", "m", n // 2, 1, advice="dontneed")] * SAMPLE, Touch("p", "m", "write", n // 2))


def munmap_a_page(n: int) -> float:
    """munmap of one page, at most every second one."""
    bench = touched(n)
    return bench.median(Munmap("p", "m", 2 * page, 1) for page in sample(n // 2))


def touch_and_munmap_among_mappings(n: int) -> float:
    """Mappings of two pages in one process."""
    bench = Bench()
    bench.do(*(Mmap("p", f"m{number}", "private", pages=2) for number in range(n)))
    names = [f"m{number}" for number in sample(n)]
    touch = bench.median(Touch("p", name, "write", 0) for name in names)
    return touch + bench.median(Munmap("p", name, pages=2) for name in names)


def write_and_exit_among_processes(n: int) -> float:
    """Children that share one page with their parent."""
    bench = touched(1)
    bench.do(*(Fork("p", f"c{number}") for number in range(n)))
    names = [f"c{number}" for number in sample(n)]
    write = bench.median(Touch(name, "m", "write", 0) for name in names)
    return write + bench.median(map(Exit, names))


def file_with_mappings(n: int, pages: int = 1) -> Bench:
    """A file of `n` pages, each of which a private mapping of `pages` pages begins at."""
    bench = Bench()
    bench.do(Memfd("f"), Ftruncate("p", "f", n + pages))
    bench.do(
        *(Mmap("p", f"m{page}", "private", pages=pages, file="f", offset=page, noreserve=True) for page in range(n))
    )
    return bench


def punch_a_page(n: int) -> float:
    """Holes of one page, each of which one mapping has."""
    bench = file_with_mappings(n)
    return bench.median(Fallocate("p", "f", page, 1, mode="punch") for page in sample(n))


def truncate_the_last_page(n: int) -> float:
    """ftruncate that takes the last page of the file, to which it then is given again."""
    bench = file_with_mappings(n)
    return bench.median([Ftruncate("p", "f", n)] * SAMPLE, Ftruncate("p", "f", n + 1))


def punch_what_all_map(n: int) -> float:
    """A hole of one page that `n` processes map, none of which has it."""
    bench = Bench()
    bench.do(Memfd("f"), Ftruncate("p", "f", 1), Mmap("p", "m", "private", pages=1, file="f", noreserve=True))
    bench.do(*(Fork("p", f"c{number}") for number in range(n)))
    return bench.median([Fallocate("p", "f", 0, 1, mode="punch")] * 10)


def steal(n: int) -> float:
    """The owner writes to a page that it shares with `n` children, when the pool is empty."""
    bench = Bench(3)
    bench.do(Mmap("p", "m", "private", pages=3), *(Touch("p", "m", "write", page) for page in range(3)))
    bench.do(*(Fork("p", f"c{number}") for number in range(n)))
    return bench.median(Touch("p", "m", "write", page) for page in range(3))


def fork_chain(n: int) -> Bench:
    """Every process forks the next."""
    bench = touched(1)
    names = ["p", *(f"c{number}" for number in range(n))]
    bench.do(*map(Fork, names, names[1:]))
    return bench


def fork_chain_memory(n: int) -> float:
    """Bytes a process of a chain in which each forks the next."""
    return memory_bytes(lambda: fork_chain(n)) / n


def memory_of_touched(n: int) -> float:
    """Bytes a touched page of a mapping of 4 TiB."""
    pages = (4 << 40) // (2 << 20)
    touches = [Touch("p", "m", "write", page) for page in Random(n).sample(range(pages), n)]

    def touch_them() -> Bench:
        bench = Bench()
        bench.do(Mmap("p", "m", "private", pages=pages), *touches)
        return bench

    return memory_bytes(touch_them) / n


def fallocate_all(n: int) -> float:
    """fallocate of `n` pages, of which the pool has four."""
    bench = Bench(4)
    bench.do(Memfd("f"))
    return 1e6 * bench.seconds(Fallocate("p", "f", 0, n, mode="alloc"), Outcome.ENOSPC)


def fallocate_again(n: int) -> float:
    """fallocate of `n` pages that are there."""
    bench = Bench(n)
    bench.do(Memfd("f"), Fallocate("p", "f", 0, n, mode="alloc"))
    return bench.median([Fallocate("p", "f", 0, n, mode="alloc")] * 3)


def locked_mmap(n: int) -> float:
    """A locked mapping of `n` pages without a reservation, of which the pool has four."""
    bench = Bench(4)
    return 1e6 * bench.seconds(Mmap("p", "m", "private", pages=n, noreserve=True, locked=True))


def mlock_again(n: int) -> float:
    """mlock of `n` pages that are there."""
    bench = touched(n)
    return bench.median([Mlock("p", "m", 0, n)] * 3)


def mlock_of_ordinary_memory(n: int) -> float:
    """mlock of `n` * 2 MiB of ordinary pages."""
    bench = Bench(4)
    bench.do(Mmap("p", "m", "private", pages=n, normal=True))
    return 1e6 * bench.seconds(Mlock("p", "m", 0, n))


def open_on_a_mount(n: int) -> float:
    """A file opened on a mount that has `n`."""
    bench = Bench()
    bench.do(Mount("mount"), *(OpenFile(f"f{number}", "mount") for number in range(n)))
    return bench.median(OpenFile(f"g{number}", "mount") for number in range(SAMPLE))


def shmdt_among_mappings(n: int) -> float:
    """A segment attached below `n` other mappings, which then is attached again elsewhere."""
    bench = Bench()
    bench.do(Shmget("p", "s", pages=1), *(Shmat("p", "s", f"s{number}") for number in range(n)))
    return bench.median(Shmdt("p", f"s{number}") for number in range(min(n, SAMPLE)))


def with_mounts(n: int) -> Bench:
    """`n` mounts with limits, with a file on each of which a page is there."""
    bench = Bench()
    bench.do(*(Mount(f"m{number}", 4, 1) for number in range(n)))
    bench.do(*(OpenFile(f"f{number}", f"m{number}") for number in range(n)))
    bench.do(*(Fallocate("p", f"f{number}", 0, 1, mode="alloc") for number in range(n)))
    return bench


def children(n: int) -> Bench:
    """A process with `n` children, which all have its page."""
    bench = touched(1)
    bench.do(*(Fork("p", f"c{number}") for number in range(n)))
    return bench


def of_machine(action: Callable[[Bench], object], make: Callable[[int], Bench], n: int) -> float:
    """What looks at the whole machine."""
    bench = make(n)
    return microseconds(lambda: action(bench))


def count_a_range(n: int) -> float:
    """RegionMap.count of ranges of any length, at `n` fragments."""
    region_map = RegionMap((f, f + 2) for f in range(0, 4 * n, 4))
    rng = Random(n)
    ranges = [sorted((rng.randrange(4 * n), rng.randrange(4 * n))) for _ in range(1000)]
    return microseconds(lambda: [region_map.count(f, t) for f, t in ranges]) / len(ranges)


def _key(bench: Bench) -> object:
    return bench.machine.key()


def _copy(bench: Bench) -> object:
    return bench.machine.copy()


def _check(bench: Bench) -> object:
    return check(bench.machine)


def _observe(bench: Bench) -> object:
    return observe_machine(bench.machine)


def _lost(bench: Bench) -> object:
    return lost_reservations(bench.machine, {})


ROWS = (
    Row("touch among n fragments", "us", "flat", 10_000, touch_among_fragments),
    Row("count a range among n fragments", "us", "flat", 1_000, count_a_range),
    Row("munmap of a page, n present", "us", "flat", 50, munmap_a_page),
    Row("MADV_DONTNEED of a page, n present", "us", "flat", 50, dontneed_a_page),
    Row("touch and munmap among n mappings", "us", "flat", 1_000, touch_and_munmap_among_mappings),
    Row("write and exit among n processes", "us", "flat", 100, write_and_exit_among_processes),
    Row("punch a page, n private mappings beside it", "us", "flat", 500, punch_a_page),
    Row("truncate a page, n private mappings before it", "us", "flat", 500, truncate_the_last_page),
    Row("punch a page of n private mappings", "us", "linear", 500, punch_what_all_map),
    Row("steal a page from n children", "us", "linear", 300, steal),
    Row("memory of a fork chain of n", "bytes/fork", "flat", 300, fork_chain_memory),
    Row("memory, n pages touched of 4 TiB", "bytes/page", "flat", 10_000, memory_of_touched),
    Row("fallocate n pages, pool of 4", "us", "flat", 400_000_000, fallocate_all),
    Row("fallocate n pages again", "us", "linear", 10_000, fallocate_again),
    Row("locked mmap of n pages, pool of 4", "us", "flat", 400_000, locked_mmap),
    Row("mlock of n * 2 MiB of ordinary pages", "us", "flat", 4_000, mlock_of_ordinary_memory),
    Row("open a file on a mount of n", "us", "flat", 1_000, open_on_a_mount),
    Row("shmdt among n mappings", "us", "linear", 1_000, shmdt_among_mappings),
    Row("mlock n pages again", "us", "linear", 10_000, mlock_again),
    *(
        Row(f"{what}, {where}", "us", "linear", n, partial(of_machine, action, make))
        for what, action in (("copy", _copy), ("key", _key), ("check", _check), ("observe", _observe))
        for where, n, make in (
            ("n pages present", 1_000, touched),
            ("n mappings of a file", 500, file_with_mappings),
            ("fork chain of n", 300, fork_chain),
            ("n mounts", 100, with_mounts),
        )
    ),
    Row("lost reservations, n children", "us", "linear", 300, partial(of_machine, _lost, children)),
)
