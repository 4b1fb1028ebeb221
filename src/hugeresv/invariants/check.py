"""The catalogue of invariants, and `check`, which holds a machine against all of them.

Those of a moment are here. I4 and I12 are about a step (`steps`), I11 about the end (`ending`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hugeresv.invariants.cgroups import charges_are_held, reservations_are_paid_once
from hugeresv.invariants.pool import (
    nodes_add_up,
    pages_are_on_their_nodes,
    pool_is_free_or_in_use,
    reserved_pages_are_free,
)
from hugeresv.invariants.references import map_is_held_by_its_vmas
from hugeresv.invariants.reservations import promises_can_be_kept, sum_of_promises
from hugeresv.invariants.subpools import minimum_is_promised_once, minimum_is_there, usage_is_what_is_out
from hugeresv.invariants.violation import Violation
from hugeresv.ledger.census import Census
from hugeresv.ledger.promise import Naming, nameless
from hugeresv.model.hstate import HState
from hugeresv.model.machine import Machine


@dataclass(frozen=True, slots=True)
class Invariant:
    """A property of a machine between two operations; `disagreements` has a message for whatever contradicts it."""

    name: str
    title: str
    disagreements: Callable[[Census], Iterator[str]]


INVARIANTS = (
    Invariant("I1", "resv_huge_pages is the sum of all promises", sum_of_promises),
    Invariant("I2", "reserved pages are free pages", reserved_pages_are_free),
    Invariant("I3", "every page of the pool is free or in use", pool_is_free_or_in_use),
    Invariant("I6", "a mount's usage is its pages in use and its promises", usage_is_what_is_out),
    Invariant("I7", "a mount's minimum is in use or in reserve", minimum_is_there),
    Invariant("I8", "a promise can be kept", promises_can_be_kept),
    Invariant("I9", "a cgroup's counters are what is charged to it", charges_are_held),
    Invariant("I10", "a reservation map is held by its VMAs", map_is_held_by_its_vmas),
    Invariant("I20", "a mount's minimum is promised once", minimum_is_promised_once),
    Invariant("I21", "a reservation is charged once", reservations_are_paid_once),
    Invariant("I13", "a pool is the sum of its nodes", nodes_add_up),
    Invariant("I14", "a node's pages are free or in use", pages_are_on_their_nodes),
)


def check(machine: Machine, naming: Naming = nameless, of: HState | None = None) -> list[Violation]:
    """Every violation in the order of the catalogue, with mappings called by `naming`; or those of one pool.

    Takes time in proportion to all that is mapped and present.
    """
    census = Census(machine, naming, of)
    return [
        Violation(invariant.name, invariant.title, message)
        for invariant in INVARIANTS
        for message in invariant.disagreements(census)
    ]
