"""A guest with two NUMA nodes: its memory says on which node a page is, and what policies there are."""

from collections.abc import Callable
from contextlib import ExitStack

import pytest

from hugeresv.auditing.audit import audit_target
from hugeresv.auditing.guest import GuestAuditor
from hugeresv.invariants.check import check
from hugeresv.kernels.grammar import parse_behaviour
from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.kernels.guest.session import GuestSession
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.ledger.machine import observe_machine
from hugeresv.model.machine import Machine
from hugeresv.outcome import Outcome
from hugeresv.play.insight import model_insight
from hugeresv.scenario.scn_format import parse_scn

PROGRAM = """\
pool 2M nr=4+5
pool 1G nr=1+0
cgroup k max=3 1G.rsvd_max=1

a  set_mempolicy bind nodes=1
a  mmap m 2 private
a  touch m 0+2
b  set_mempolicy interleave nodes=0,1
b  mmap n 3 shared
b  touch n 0+3
b  mmap p 2 private
b  mbind p 0+1 preferred nodes=1
b  touch p 0+1
c  set_mempolicy preferred_many nodes=0,1
c  mmap q 1 private
c  mbind q 0+1 local
d  cgroup_move k
d  mmap g 1 private page_size=1G
d  mmap h 1 private
d  touch h 0
d  move_pages h 0 node=1
"""


def places(machine: Machine) -> object:
    """The nodes of all pages, policies of processes that map some and of their mappings, cgroups; and what is wrong."""
    found = []
    for name, process in machine.processes.items():
        if not process.mm.vmas:
            continue  # memory shows a process by its mappings
        policies = [process.policy, *(vma.policy for vma in process.mm.vmas)]
        private = [folio.nid for vma in process.mm.vmas if not vma.shared for _, folio in vma.present()]
        shared = [folio.nid for vma in process.mm.vmas if vma.inode for folio in vma.inode.page_cache.values()]
        found.append((name, [policy and policy[:2] for policy in policies], private, shared))
    seen = observe_machine(machine)
    by_node = [sorted(counters.by_node.items()) for k in machine.cgroups.values() for counters in k.counters.values()]
    charged = [[each for each in pages if each[1]] for pages in by_node]
    return sorted(found, key=str), seen.pools, seen.cgroups, charged, [each.name for each in check(machine)]


@pytest.mark.parametrize("name", ["6.1", "7.x"])
def test_nodes_and_policies_are_read(guests: Callable[[str], GuestKernel], name: str) -> None:
    """After every step pages are on the nodes, policies have the modes and nodes, and cgroups count, as in the model.

    Catches: all pages taken for node 0, so that I14 is violated; a mode that is another's; a mask read as a number; a
    cgroup's counters, limits or pages by node that are of another page size.
    """
    guest = guests(name)
    pytest.importorskip("drgn")
    scenario = parse_scn(PROGRAM, "nodes.scn")
    model = ModelKernel(parse_behaviour(guest.expectation_names[-2]))
    with ExitStack() as stack:
        beginning = scenario.pool, scenario.cgroups, scenario.pools or ()
        known, read = stack.enter_context(model.start(*beginning)), stack.enter_context(guest.start(*beginning))
        of_model, of_guest = model_insight(known), GuestAuditor()(read)
        assert of_model is not None
        for number, step in enumerate(scenario.steps, 1):
            assert known.apply(step.operation) == read.apply(step.operation)
            assert places(of_guest.machine()) == places(of_model.machine()), f"after step {number}, {step.operation}"


REACH = """\
pool 2M nr=3+4
pool 1G nr=0+0
cgroup k

a  mmap m 1 private
a  cgroup_move k
   cpuset_set k mems=0
b  set_cpu 1
b  mmap n 2 shared
b  touch n 0
b  mbind n 0+2 bind nodes=1
c  set_mempolicy bind nodes=1
c  mmap q 1 private
"""


@pytest.mark.parametrize("name", ["6.12"])
def test_what_a_process_can_reach(guests: Callable[[str], GuestKernel], name: str) -> None:
    """A cpuset, a policy of the task and one of a mapping leave nodes, and the free pages there are counted.

    The page that is in use is on node 1, where b's CPU is. Catches: a cpuset that is not read; a policy of a mapping
    taken for the task's; the CPU's node of another process.
    """
    guest = guests(name)
    pytest.importorskip("drgn")
    scenario = parse_scn(REACH, "reach.scn")
    with guest.start(scenario.pool, scenario.cgroups) as session:
        assert isinstance(session, GuestSession)
        for step in scenario.steps:
            assert session.apply(step.operation).outcome is Outcome.OK, step.operation
        audit = audit_target(session.memory.path)
        pids = {pid: name for name, pid in session.pids.items()}
    found = [
        (pids[each.process.pid], each.vma is not None, each.mems, each.nodes, each.free(audit.hstates)[2 << 20])
        for each in audit.reaches
    ]
    assert sorted(found) == [
        ("a", False, (0,), (0,), 3),
        ("b", False, (0, 1), (0, 1), 6),
        ("b", True, (0, 1), (1,), 3),
        ("c", False, (0, 1), (1,), 3),
    ]
    assert {each.node for each in audit.reaches if pids[each.process.pid] == "b"} == {1}
