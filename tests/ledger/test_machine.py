"""The ledger of a model's machine."""

from hypothesis import given

from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.ledger.machine import observe_machine
from hugeresv.ledger.observation import Kind, NodePool
from hugeresv.ledger.reconcile import unexplained
from hugeresv.model.presets import IDEAL, PRESETS
from hugeresv.scenario.operation import (
    Exit,
    Fork,
    Memfd,
    Mmap,
    Mount,
    Mremap,
    Munmap,
    OpenFile,
    Operation,
    Shmat,
    Shmget,
    Touch,
)
from hugeresv.scenario.scenario import Pool
from hugeresv.scenario.scn_format import parse_scn
from tests.machines import History, histories, play, pools, start

TWO_POOLS = """\
pool 2M nr=2+3
pool 1G nr=1+0

a  mmap m 3 private
a  touch m 0+2
a  mmap n 1 private page_size=1G
"""


def played(behaviour: str, *operations: Operation) -> tuple[list[tuple[Kind, int, int]], tuple[int, int]]:
    """Kind, reserved and used pages of each holder, and the unexplained rest."""
    session = ModelKernel(PRESETS[behaviour]).start(Pool(2048, 20, 0), None)
    for operation in operations:
        assert session.apply(operation).outcome == "ok"
    seen = observe_machine(session.machine)
    (rest,) = unexplained(seen)
    holders = [(each.kind, each.reserved.best, each.used.best) for each in seen.holders]
    return holders, (rest.reserved_pages, rest.used_pages)


def test_a_page_shared_after_fork_counts_once() -> None:
    """A page that parent and child share counts once, a copy for itself.

    Catches: pages counted for each process; a child's copy not counted.
    """
    start = Mmap("a", "p", "private", pages=4), Touch("a", "p", "write", page=0), Touch("a", "p", "write", page=1)
    assert played("ideal", *start, Fork("a", "b")) == ([(Kind.PRIVATE, 2, 2)], (0, 0))
    assert played("ideal", *start, Fork("a", "b"), Touch("b", "p", "write", page=0)) == (
        [(Kind.PRIVATE, 2, 3)],
        (0, 0),
    )


def test_a_page_of_the_file_is_not_the_private_mapping_s() -> None:
    """A page of the file that a private mapping reads is the file's.

    Catches: a page that a private mapping only reads, counted twice.
    """
    both = (
        Memfd("m"),
        Mmap("a", "s", "shared", pages=3, file="m"),
        Touch("a", "s", "write", page=0),
        Mmap("a", "p", "private", pages=3, file="m"),
        Touch("a", "p", "read", page=0),
    )
    assert played("ideal", *both) == ([(Kind.PRIVATE, 3, 0), (Kind.MEMFD, 2, 1)], (0, 0))


def test_a_leak_is_the_rest() -> None:
    """Reservations that 6.18 forgets in mremap of a part have no holder.

    Catches: reservations that mremap of a part forgets on 6.18, given to a mapping that does not have them.
    """
    leak = (
        Mmap("a", "p", "private", pages=5),
        Mremap("a", "p", page=0, pages=2, new_pages=2, move_to="x", maymove=True),
    )
    assert played("6.18", *leak) == ([(Kind.PRIVATE, 2, 0)], (3, 0))
    assert played("6.18", *leak, Munmap("a", "p", page=2, pages=3), Exit("a")) == ([], (3, 0))


def test_a_segment_keeps_its_pages_without_a_process() -> None:
    """A segment that no process has attached is a holder. Catches: a holder that is looked for among mappings only."""
    segment = Shmget("a", "s", pages=3), Shmat("a", "s", "m"), Touch("a", "m", "write", page=0), Exit("a")
    assert played("ideal", *segment) == ([(Kind.SYSV, 2, 1)], (0, 0))


def test_a_file_is_known_by_where_it_is() -> None:
    """A file on a mount is a file, one on the kernel's own mount a memfd, one that mmap made is anonymous memory.

    Catches: a kind that leads nowhere, or a minimum that is promised to nobody.
    """
    files = (
        Mount("m", min_size_pages=4),
        OpenFile("f", "m"),
        Mmap("a", "f", "shared", pages=3, file="f"),
        Memfd("d"),
        Mmap("a", "d", "shared", pages=2, file="d"),
        Mmap("a", "s", "shared", pages=1),
    )
    expected = [(Kind.MOUNT_MINIMUM, 1, 0), (Kind.FILE, 3, 0), (Kind.MEMFD, 2, 0), (Kind.SHARED_ANONYMOUS, 1, 0)]
    assert played("ideal", *files) == (expected, (0, 0))


def test_the_pieces_of_a_mapping_are_promised_once() -> None:
    """A mapping with a hole has two pieces and one reservation map. Catches: a promise that each piece repeats."""
    holed = Mmap("a", "p", "private", pages=5), Munmap("a", "p", page=2, pages=1)
    assert played("ideal", *holed) == ([(Kind.PRIVATE, 4, 0)], (0, 0))


@given(pools, histories)
def test_nothing_is_unexplained_on_ideal(pool: Pool, history: History) -> None:
    """On ideal the holders add up to the counters after every step of any history.

    Catches: a page or a promise that is in no holder, or in two.
    """
    session = start(IDEAL, pool)
    for operation, _ in play(session, history):
        seen = observe_machine(session.machine)
        (row,) = unexplained(seen)
        assert not any(row[1:]), operation
        assert all(holder.certain for holder in seen.holders)


def test_each_pool_has_its_holders_and_its_nodes() -> None:
    """Pages of 1 GiB and of 2 MiB in one machine are holders of their own pools.

    Catches: a holder of the one size that is counted with the other.
    """
    scenario = parse_scn(TWO_POOLS, "two-pools.scn")
    with ModelKernel(IDEAL).start(scenario.pool, None, scenario.pools or ()) as session:
        for step in scenario.steps:
            assert session.apply(step.operation).outcome == "ok"
        seen = observe_machine(session.machine)
    held = {(each.page_size_kB, each.kind, each.reserved.best, each.used.best) for each in seen.holders}
    assert held == {(2048, Kind.PRIVATE, 1, 2), (1 << 20, Kind.PRIVATE, 1, 0)}
    assert [(rest.reserved_pages, rest.used_pages) for rest in unexplained(seen)] == [(0, 0), (0, 0)]
    assert [pool.nodes for pool in seen.pools] == [
        (NodePool(0, 2, 0, 0), NodePool(1, 3, 3, 0)),
        (NodePool(0, 1, 1, 0), NodePool(1, 0, 0, 0)),
    ]
