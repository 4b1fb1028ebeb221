"""Machines of two nodes: random histories of the fuzzer, and rules that no experiment of docs/kernel shows."""

import pytest

from hugeresv.invariants.check import check
from hugeresv.invariants.ending import check_end
from hugeresv.invariants.steps import check_step, levels
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.model.session import ModelSession
from hugeresv.lab import Actor
from hugeresv.model.hstate import Cursor, HState
from hugeresv.model.machine import Machine
from hugeresv.model.presets import IDEAL, PRESETS
from hugeresv.outcome import ENDINGS
from hugeresv.scenario import operation as op
from hugeresv.scenario.scenario import Cgroup, NodePages, Pool, Scenario
from hugeresv.search.fuzz.generate import Coverage, draw
from tests.model.test_copy import assert_twins

p = Actor("p")
_GROUP = Cgroup()


def drawn(kernel: str, number: int) -> Scenario:
    """A history on two nodes."""
    return draw(f"nodes:{number}", 40, PRESETS[kernel], Coverage(), nodes=2).scenario


def begun(scenario: Scenario, kernel: str) -> ModelSession:
    return ModelKernel(PRESETS[kernel]).start(scenario.pool, scenario.cgroups, scenario.pools or ())


def on(*nodes: int, kernel: str = "ideal", overcommit: int | None = None) -> ModelSession:
    """A pool with so many pages on each node."""
    pool = Pool(2048, nodes=tuple(NodePages(nr) for nr in nodes), nr_overcommit=overcommit)
    return ModelKernel(PRESETS[kernel]).start(pool)


def test_random_histories_on_nodes_never_make_ideal_violate_an_invariant() -> None:
    """Counters of nodes add up and are what is in use there, whatever moves, grows, shrinks or is demoted.

    Catches: a page that is counted off the node of whoever frees it, or a counter of a node that does not follow.
    """
    for number in range(60):
        scenario = drawn("ideal", number)
        with begun(scenario, "ideal") as session:
            for step in scenario.steps:
                before = levels(session.machine)
                session.apply(step.operation)
                assert not check_step(step.operation, before, levels(session.machine)), (number, step)
                assert not check(session.machine), (number, step)
            session.release()
            assert not check_end(session.machine), number


@pytest.mark.parametrize("kernel", ["6.1", "6.12", "7.3"])
def test_a_copy_of_a_machine_with_nodes_goes_on_alike(kernel: str) -> None:
    """A copy has the same shape and key, shares nothing, and answers what follows as the original does.

    Catches: cursors, policies, homes of pages or further pools that two machines have in common, or that get lost.
    """
    for number in range(25):
        scenario = drawn(kernel, number)
        with begun(scenario, kernel) as one, begun(scenario, kernel) as other:
            half = len(scenario.steps) // 2
            for step in scenario.steps[:half]:
                if one.apply(step.operation).outcome in ENDINGS:
                    break
                other.apply(step.operation)
            else:
                copy = one.machine.copy()
                assert_twins(one.machine, copy)
                assert copy.key() == one.machine.key() == other.machine.key()
                other.machine = copy
                for step in scenario.steps[half:]:
                    answer = one.apply(step.operation)
                    assert other.apply(step.operation) == answer, (number, step)
                    if answer.outcome in ENDINGS:
                        break
                assert copy.key() == one.machine.key()


def test_what_a_node_shows_makes_a_difference() -> None:
    """Two machines with the same sums, and pages on other nodes, or another cursor, have different keys.

    Catches: a key of the pool's counters alone.
    """
    one, other, turned = on(2, 1).machine, on(1, 2).machine, on(2, 1).machine
    assert one.key() != other.key()
    turned.hstate.to_alloc.next_nid = 1
    assert one.key() != turned.key()
    assert one.key() == on(2, 1).machine.key()


def test_a_node_that_is_not_there_has_no_turn() -> None:
    """Nodes may have any numbers: on nodes 0 and 8 pages are made on these, one after the other.

    Catches: a round of all numbers up to the highest.
    """
    cursor = Cursor(0)
    assert [cursor.find((0, 8), lambda _: True) for _ in range(4)] == [0, 8, 0, 8]
    machine = Machine(IDEAL, 2 << 20, {0: 1, 8: 1})
    assert machine.nearest == {0: (0, 8), 8: (8, 0)}


def test_pools_of_a_machine_are_on_the_same_nodes() -> None:
    """ValueError where they are not. Catches: a policy that leads to a node that a pool does not have."""
    with pytest.raises(ValueError, match="same nodes"):
        Machine(IDEAL, 2 << 20, {0: 1, 1: 1}, further=[HState(1 << 30, 1)])


def test_a_page_of_a_file_moves_with_whom_maps_it() -> None:
    """A page that two processes map stays, for all that one of them asks; what no page table maps is not there to move.

    Catches: a page that is found through the page cache, as a fault finds it.
    """
    q = Actor("q")
    session = on(2, 2)
    moved = op.MovePages("p", "a", 1, 0)
    for operation in (op.OpenFile("f"), p.shared("a", 1, file="f"), q.shared("b", 1, file="f"), q.write("b", 0)):
        session.apply(operation)
    assert session.apply(moved).outcome == "ENOENT"
    session.apply(p.read("a", 0))
    assert session.apply(moved).outcome == "EACCES"
    session.apply(q.munmap("b", 0, 1))
    answer = session.apply(moved)
    assert answer.outcome == "ok"
    assert answer.nodes is not None
    assert [node.free for node in answer.nodes] == [2, 1]


def test_a_cpuset_takes_policies_along() -> None:
    """A node of a policy is replaced by the one in its place in the new cpuset, for later pages too.

    Catches: a policy that goes on naming a node that the process may not use.
    """
    session = ModelKernel(IDEAL).start(Pool(2048, nodes=(NodePages(2), NodePages(2))), {"g": _GROUP})
    for operation in (op.CpusetSet("g", (0,)), p.into("g"), op.SetMempolicy("p", "bind", (0,)), p.mmap("a", 2)):
        session.apply(operation)
    session.apply(p.write("a", 0))
    session.apply(op.CpusetSet("g", (1,)))
    answer = session.apply(p.write("a", 1))
    assert answer.nodes is not None
    assert [node.free for node in answer.nodes] == [2, 0]


def test_a_pool_grows_where_the_writer_may_have_memory() -> None:
    """A write to nr_hugepages_mempolicy makes no page on a node outside the writer's cpuset: the next one has its turn.

    Catches: a growth that asks for the policy alone. 6.18.15 and 7.3.4 answer so.
    """
    session = ModelKernel(IDEAL).start(Pool(2048, nodes=(NodePages(0), NodePages(0))), {"g": _GROUP})
    for operation in (op.CpusetSet("g", (1,)), p.into("g")):
        session.apply(operation)
    answer = session.apply(op.SetNrHugepages(3, "p", mempolicy=True))
    assert answer.nodes is not None
    assert [node.total for node in answer.nodes] == [0, 3]
