"""A guest with two NUMA nodes: its memory says on which node a page is, and what policies there are."""

from collections.abc import Callable
from contextlib import ExitStack

import pytest

from hugeresv.auditing.guest import GuestAuditor
from hugeresv.invariants.check import check
from hugeresv.kernels.grammar import parse_behaviour
from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.ledger.machine import observe_machine
from hugeresv.model.machine import Machine
from hugeresv.play.insight import model_insight
from hugeresv.scenario.scn_format import parse_scn

PROGRAM = """\
pool 2M nr=4+4

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
"""


def places(machine: Machine) -> object:
    """The nodes of all pages and the policies of processes that map some and of their mappings; and what is wrong."""
    found = []
    for name, process in machine.processes.items():
        if not process.mm.vmas:
            continue  # memory shows a process by its mappings
        policies = [process.policy, *(vma.policy for vma in process.mm.vmas)]
        private = [folio.nid for vma in process.mm.vmas if not vma.shared for _, folio in vma.present()]
        shared = [folio.nid for vma in process.mm.vmas if vma.inode for folio in vma.inode.page_cache.values()]
        found.append((name, [policy and policy[:2] for policy in policies], private, shared))
    return sorted(found, key=str), observe_machine(machine).pools, [each.name for each in check(machine)]


@pytest.mark.parametrize("name", ["6.1", "7.x"])
def test_nodes_and_policies_are_read(guests: Callable[[str], GuestKernel], name: str) -> None:
    """After every step pages are on the nodes, and policies have the modes and nodes, that the model has.

    Catches: all pages taken for node 0, so that I14 is violated; a mode that is another's; a mask read as a number.
    """
    guest = guests(name)
    pytest.importorskip("drgn")
    scenario = parse_scn(PROGRAM, "nodes.scn")
    model = ModelKernel(parse_behaviour(guest.expectation_names[-2]))
    with ExitStack() as stack:
        known = stack.enter_context(model.start(scenario.pool))
        read = stack.enter_context(guest.start(scenario.pool))
        of_model, of_guest = model_insight(known), GuestAuditor()(read)
        assert of_model is not None
        for number, step in enumerate(scenario.steps, 1):
            assert known.apply(step.operation) == read.apply(step.operation)
            assert places(of_guest.machine()) == places(of_model.machine()), f"after step {number}, {step.operation}"
