"""A copied machine: equal, independent, and made without deep recursion."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hugeresv.invariants.check import check
from hugeresv.lab import Actor
from hugeresv.lab import start as start_table
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.hugetlb_cgroup import HugetlbCgroup
from hugeresv.model.machine import Machine
from hugeresv.model.presets import PRESETS
from hugeresv.scenario.scenario import Pool
from tests.machines import History, histories, play, pools, start
from tests.model.graph import is_value, parts

behaviours = st.sampled_from([PRESETS["6.18"], PRESETS["ideal"], PRESETS["count-in-vma"]])


def assert_twins(machine: Machine, copy: Machine) -> None:
    """Same shape; what is shared within one is shared within the other; and they have nothing in common."""
    twin: dict[int, Any] = {}
    todo = [(machine, copy)]
    while todo:
        one, other = todo.pop()
        assert type(one) is type(other)
        if is_value(one):
            assert one == other
        elif id(one) in twin:
            assert twin[id(one)] is other, f"{one} is shared in one machine and not in the other"
        else:
            twin[id(one)] = other
            todo += zip(parts(one), parts(other), strict=True)
    originals = set(twin)
    assert originals.isdisjoint(map(id, twin.values())), "a part of the machine is a part of its copy"
    assert len(set(map(id, twin.values()))) == len(twin), "two things were copied as one"


@settings(max_examples=100)
@given(behaviours, pools, histories)
def test_a_copy_has_the_same_shape_and_shares_nothing(behaviour: Behaviour, pool: Pool, history: History) -> None:
    """A copy has the same fields and references, and no mutable object in common with its original.

    Catches: a field that is not copied, a thing that is shared between the machines, or copied twice where it was
    shared.
    """
    session = start(behaviour, pool)
    for _ in play(session, history):
        pass
    for mount in session.machine.mounts.values():
        mount.inodes = [inode for inode in mount.inodes if inode.in_use]  # what is gone is not copied
    assert_twins(session.machine, session.machine.copy())


@settings(max_examples=100)
@given(behaviours, pools, histories, histories)
def test_what_happens_to_the_copy_does_not_happen_to_the_machine(
    behaviour: Behaviour, pool: Pool, before: History, after: History
) -> None:
    """Operations on a copy leave the machine's key as it was.

    Catches: a machine whose key is not its copy's, or that changes when its copy goes on.
    """
    session = start(behaviour, pool)
    for _ in play(session, before):
        pass
    machine = session.machine
    key = machine.key()
    session.machine = machine.copy()
    assert session.machine.key() == key
    for _ in play(session, after, "then-"):
        pass
    session.release()
    assert machine.key() == key
    assert machine.copy().key() == key


def test_a_thousand_processes_are_copied() -> None:
    """A machine with a long chain of processes or of cgroups is copied within the recursion limit.

    Catches: a copy that follows references from process to process, or from cgroup to cgroup, as deep as they go.
    """
    p = Actor("p0")
    session = start_table("6.18", 4)
    for operation in (p.mmap("a", 4), p.write("a", 0), p.write("a", 1)):
        session.apply(operation)
    for number in range(1, 1500):
        session.apply(Actor(f"p{number - 1}").fork(f"p{number}"))
    cgroup = HugetlbCgroup(None, session.machine.hstates)
    for _ in range(1500):
        cgroup = HugetlbCgroup(cgroup, session.machine.hstates)
    session.machine.cgroups["deepest"] = cgroup
    copy = session.machine.copy()
    assert copy.key() == session.machine.key()
    folios = {id(process.mm.page_table(21).get(process.mm.starts[0] >> 21)) for process in copy.processes.values()}
    assert len(folios) == 1, "the page that all share was copied more than once"
    assert not check(copy)


def test_a_hashable_key_that_is_no_identity() -> None:
    """A key consists of plain values alone.

    Catches: a key that holds an object of the machine: it would change with it, and be equal to nothing else's.
    """
    session = start_table("6.18", 4)
    session.apply(Actor("p").mmap("a", 2))
    todo = [session.machine.key()]
    while todo:
        part = todo.pop()
        if isinstance(part, tuple):
            todo += part
        else:
            assert is_value(part), f"{part!r} in a key"
    assert hash(session.machine.key()) == hash(session.machine.copy().key())


@pytest.mark.parametrize("name", ["nr_huge_pages", "resv_huge_pages", "nr_overcommit_huge_pages"])
def test_a_counter_makes_a_difference(name: str) -> None:
    """Machines that differ in one counter have different keys. Catches: a counter that is not part of the key."""
    one, other = start_table("6.18", 4).machine, start_table("6.18", 4).machine
    assert one.key() == other.key()
    setattr(other.hstate, name, getattr(other.hstate, name) + 1)
    assert one.key() != other.key()
