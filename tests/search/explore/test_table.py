"""The tables: learned from the real machine, and equal to it."""

from contextlib import ExitStack
from typing import Any

import pytest

pytest.importorskip("numpy", reason="tables need numpy")

from hugeresv.errors import UnsupportedError
from hugeresv.model.machine import Machine
from hugeresv.model.presets import PRESETS
from hugeresv.scenario import operation as op
from hugeresv.search.explore import explore, rows, table
from hugeresv.search.explore.bound import USUAL, Bound
from hugeresv.search.explore.bounded_model import PossibleCall
from hugeresv.search.explore.explore import search
from hugeresv.search.explore.learn import Ground, Learned, LookedAt, learn
from hugeresv.search.explore.learners import learners
from hugeresv.search.explore.numbers import Layout
from hugeresv.search.explore.result import Exploration
from hugeresv.search.explore.rows import Aspect, Rows
from hugeresv.search.explore.table import TableSearch

MORE = (*USUAL, "read", "dontneed")


def explored(engine: str, kernel: str, bound: Bound) -> Exploration:
    return search([kernel], bound, engine=engine, symmetric=False).run()


@pytest.mark.parametrize(
    ("kernel", "bound"),
    [
        ("7.3", Bound(3, 2)),
        ("ideal", Bound(2, 1, 1, processes=1, operations=(*MORE, "remove", "truncate", "allocate", "noreserve"))),
        ("7.3", Bound(1, 1, overcommit=1, operations=(*MORE, "resize"))),
        ("6.12", Bound(2, 2, processes=1, overcommit=1, operations=(*MORE, "mremap"))),
        ("ideal", Bound(2, 2, processes=1, overcommit=1, operations=(*MORE, "mremap"))),
        ("ideal", Bound(3, 1, 1, size=3, operations=MORE)),
        ("6.12", Bound(2, 1, cgroup_max=1, cgroup_rsvd_max=2, operations=(*USUAL, "cgroup_move"))),
        ("7.3", Bound(1, 0, 1, cgroup_max=1, operations=("mmap", "fork", "exit", "punch", "cgroup_move", "allocate"))),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value.operations[6:]) or "usual",
)
def test_both_engines_agree(kernel: str, bound: Bound) -> None:
    """Level by level the same states and transitions, and a finding after as many operations.

    Catches: a row that is used where something else holds than where it was learned. A mount's files have names, and of
    these the plain engine also tells apart in which order they were mapped: there only the verdict is compared.
    """
    plain, tabled = (explored(engine, kernel, bound) for engine in ("plain", "table"))
    assert (plain.finding is None) == (tabled.finding is None)
    if plain.finding and tabled.finding:
        assert plain.finding.operations == tabled.finding.operations
        names = [{violation.name for violation in each.finding.violations} for each in (plain, tabled) if each.finding]
        assert names[0] & names[1]
    elif not bound.has_mount:
        assert plain.levels == tabled.levels
        assert plain.reached == tabled.reached


@pytest.mark.parametrize("kernel", ["5.10", "6.18", "2008", "count-in-vma"])
def test_both_engines_find_the_same(kernel: str) -> None:
    """The shortest history of every kernel is as long. Catches: a rule of an old kernel that a table gets wrong."""
    bound = Bound(3, 2)
    plain, tabled = (explored(engine, kernel, bound).finding for engine in ("plain", "table"))
    assert (plain and plain.operations) == (tabled and tabled.operations)


def test_states_are_those_that_spin_counts() -> None:
    """74,880 states and 1,060,430 transitions: SPIN 6.5.2 on the model that benchmarks.explore writes in Promela.

    With symmetry there are fewer, and the same depth. Catches: a table that loses a state only where there are many.
    """
    bound = Bound(4, 2, 2)
    whole = explored("table", "ideal", bound)
    assert (whole.states, whole.transitions) == (74_880, 1_060_430)
    half = search(["ideal"], bound, engine="table").run()
    assert half.symmetry == 2
    assert whole.states // 2 < half.states < whole.states * 0.52
    assert half.depth == whole.depth


def test_a_defect_is_found_through_the_table() -> None:
    """6.18's four operations. Catches: a violation that is seen while a row is learned, and forgotten."""
    found = TableSearch(PRESETS["6.18"], Bound(4, 2)).run()
    assert found.finding is not None
    assert found.finding.operations == 4
    assert [violation.name for violation in found.finding.violations] == ["I1"]


@pytest.mark.parametrize("where", ["processes", "dask"])
def test_rows_can_be_learned_elsewhere(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """In processes, and on a Dask cluster, the same is learned. Catches: a task that needs more than it carries."""
    monkeypatch.setattr(table, "_WORTH_SPREADING", 1)
    with ExitStack() as stack:
        if where == "dask":
            distributed = pytest.importorskip("distributed", reason="Dask is optional")
            scheduler = stack.enter_context(
                distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None)
            ).scheduler_address
        else:
            scheduler = None
        executor = stack.enter_context(learners(2, scheduler))
        assert executor is not None
        found = search(["ideal"], Bound(3, 2), engine="table", executor=executor).run()
    assert found.elsewhere > 0
    here = search(["ideal"], Bound(3, 2), engine="table").run()
    assert (found.states, found.transitions) == (here.states, here.transitions)


def test_auto_goes_on_where_the_table_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that has no place for something in the middle of a search is followed by the plain engine, which says so.

    What the table has found out is known until the plain engine has come as far. Catches: a search that ends with an
    error after minutes, and one that ends as if nothing were known.
    """

    def end_early(found: Exploration) -> None:
        known.append(len(running.found.levels))
        if found.engine != "plain" and len(found.levels) == 4:
            raise UnsupportedError("a page is mapped twice by one process; use --engine plain")

    told: list[str] = []
    known: list[int] = []
    running = search(["ideal"], Bound(4, 2), end_early, told.append)
    monkeypatch.setattr(explore, "_SMALL", 100)
    found = running.run()
    assert (found.engine, found.complete, found.states, found.transitions) == ("plain", True, 346, 3_090)
    assert [each.partition(":")[0] for each in told] == ["the table ends after histories of 4 operations"]
    assert known == sorted(known)


def test_auto_says_why_it_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large bound that has no table is explored by the plain engine, for a reason that is told before it begins.

    Catches: a search that takes a hundred times as long and does not say why.
    """
    monkeypatch.setattr(explore, "_SMALL", 100)
    told: list[str] = []
    bound = Bound(2, 2, processes=3, operations=("mmap", "touch", "exit", "munmap"))
    assert search(["ideal"], bound, tell=told.append).run().engine == "plain"
    assert told == ["the plain engine explores this bound: the table is for one or two processes"]


@pytest.mark.parametrize("compiled", [False, True])
def test_both_loops_agree(compiled: bool) -> None:
    """The compiled loop and numpy's count what SPIN counts. Catches: a case that one of them passes over."""
    if compiled:
        pytest.importorskip("numba", reason="the compiled loop is optional")
    found = TableSearch(PRESETS["ideal"], Bound(4, 2), symmetric=False, compiled=compiled).run()
    assert (found.states, found.transitions) == (346, 3_090)


def test_what_has_no_table_is_refused() -> None:
    """A bound that the tables do not cover is refused, with the engine that does.

    Catches: three processes in a table for two, limits that change though rows hold them fixed.
    """
    for bound in (Bound(processes=3), Bound(2, 1, overcommit=1, operations=(*USUAL, "overcommit"))):
        with pytest.raises(UnsupportedError, match="--engine plain"):
            explored("table", "ideal", bound)
    with pytest.raises(UnsupportedError, match="share a file"):
        explored("table", "6.18", Bound(operations=(*USUAL, "mremap")))


def test_a_part_that_needs_more_bits_gets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """With hardly a bit for each part at the start, the states are those that SPIN counts, and rows are not lost.

    A row at which a part outgrows its bits is learned again, and no other.
    Catches: a state whose parts run into each other, and a search that ends where numbers grow.
    """
    monkeypatch.setattr(rows, "LAYOUT", Layout(view=1, links=1, files=1, counters=1))
    search = TableSearch(PRESETS["ideal"], Bound(4, 2), symmetric=False)
    found = search.run()
    assert (found.states, found.transitions) == (346, 3_090)
    narrow = search.learned
    monkeypatch.undo()
    search = TableSearch(PRESETS["ideal"], Bound(4, 2), symmetric=False)
    search.run()
    assert search.learned <= narrow <= search.learned + sum(rows.LAYOUT)


def test_a_state_has_no_more_bits_than_there_are() -> None:
    """Bits are taken where they are not used, and refused where all are.

    Catches: a state of 64 bits and more, which would be another one.
    """
    layout, used = Layout(view=20, links=6, files=8, counters=9), Layout(view=19, links=6, files=8, counters=7)
    wider = layout.widened("links", used)
    assert wider is not None
    assert 2 * wider.view + wider.links + wider.files + wider.counters <= 63
    assert (wider.links, wider.view >= 19, wider.counters >= 7) == (8, True, True)
    assert layout.widened("links", layout) is None


def test_a_row_that_is_wrong_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that forgets what munmap gives back leads to counters that no real machine has.

    Catches: views and counters that are taken from the table alone.
    """

    def forgetful(here: Ground, machine: Machine, move: PossibleCall, known: LookedAt) -> Learned:
        learned = learn(here, machine, move, known)
        return learned._replace(changes=(0, 0, 0, 0)) if isinstance(move.operation, op.Munmap) else learned

    monkeypatch.setattr(table, "learn", forgetful)
    with pytest.raises(UnsupportedError, match="no table"):
        TableSearch(PRESETS["ideal"], Bound(2, 1)).run()


def test_transitions_are_stepped_on_the_real_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of a thousand transitions is compared, in states that are drawn. Catches: a check that is never made."""
    stepped = []
    real = Rows.after

    def counted(table: Rows, case: Aspect, row: int) -> Any:
        stepped.append(case)
        return real(table, case, row)

    monkeypatch.setattr(Rows, "after", counted)
    found = TableSearch(PRESETS["ideal"], Bound(5, 3)).run()
    assert len(stepped) >= found.transitions // 1000
    monkeypatch.setattr(Rows, "after", lambda _rows, _case, _row: (0, 0, 0, 0, 0))
    with pytest.raises(UnsupportedError, match="no table"):
        TableSearch(PRESETS["ideal"], Bound(5, 3)).run()
