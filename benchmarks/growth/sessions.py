"""Growth of what a session does around each step of the model: names, places for mappings, readings."""

from benchmarks.growth.bench import Bench
from benchmarks.growth.row import Row
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.model.presets import PRESETS
from hugeresv.outcome import Outcome
from hugeresv.scenario.operation import CgroupMove, Fork, Mmap, Mount, Touch
from hugeresv.scenario.scenario import Cgroup, Pool

SAMPLE = 200
PLACES = 65_000
"""About so many mappings of a page fit into an address space with a GiB between them."""


def touches(bench: Bench) -> float:
    """Microseconds a touch, each of a page that is promised."""
    bench.do(Mmap("p", "touched", "private", pages=SAMPLE))
    return bench.median(Touch("p", "touched", "write", page) for page in range(SAMPLE))


def touch_among_mounts(n: int) -> float:
    """Touches with `n` mounts that have a size limit."""
    bench = Bench()
    bench.do(*(Mount(f"m{number}", 4, 1) for number in range(n)))
    return touches(bench)


def touch_among_cgroups(n: int) -> float:
    """Touches in one of `n` cgroups."""
    bench = Bench()
    cgroups = {f"g{number}": Cgroup(1_000_000) for number in range(n)}
    bench.session = ModelKernel(PRESETS["6.18"]).start(Pool(2048, 5_000_000), cgroups)
    bench.machine = bench.session.machine
    bench.do(CgroupMove("p", "g1"))
    return touches(bench)


def mmap_where_all_places_are_taken(n: int) -> float:
    """An mmap after `n` that found no place any more."""
    bench = Bench()
    full = (Mmap("p", "m", "private", pages=1, noreserve=True) for _ in range(PLACES))
    bench.do(*full)
    apply = bench.session.apply
    refused = Mmap("p", "m", "private", pages=1, noreserve=True)
    while apply(refused).outcome is Outcome.OK:
        pass
    for _ in range(n):
        apply(refused)
    return 1e6 * sum(bench.seconds(refused, Outcome.ENOMEM) for _ in range(SAMPLE)) / SAMPLE


def fork_among_processes(n: int) -> float:
    """A fork after `n` others of the same parent."""
    bench = Bench()
    bench.do(Mmap("p", "m", "private", pages=1))
    bench.do(*(Fork("p", f"c{number}") for number in range(n)))
    return bench.median(Fork("p", f"d{number}") for number in range(SAMPLE))


ROWS = (
    Row("touch, n mounts", "us", "flat", 100, touch_among_mounts),
    Row("touch, n cgroups", "us", "flat", 100, touch_among_cgroups),
    Row("mmap that finds no place, the n-th", "us", "flat", 3_000, mmap_where_all_places_are_taken),
    Row("fork among n processes", "us", "flat", 100, fork_among_processes),
)
