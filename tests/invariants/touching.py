"""I8 in full: touch every promised page of a copy, and see whether it comes."""

from hugeresv.invariants.violation import Violation
from hugeresv.ledger.census import Census
from hugeresv.ledger.promise import FilePromise, MappingPromise, as_ranges, ranges_text, unconsumed
from hugeresv.model.address_space import AddressSpace
from hugeresv.model.fault import hugetlb_fault
from hugeresv.model.machine import Machine
from hugeresv.model.process import Process
from hugeresv.model.vma import Vma
from hugeresv.outcome import Outcome

NOBODY = Process(AddressSpace(), None)
"""Who touches: in no cgroup."""


def check_by_touching(machine: Machine) -> list[Violation]:
    """I8: for every offset in L(m) - C(m) or R(i) - P(i) a touch succeeds, all of them one after the other.

    The touches are charged to no cgroup, whose limits are no business of a promise, and leave out what lies beyond the
    end of its file. `machine` stays as it is; takes time in proportion to all that is promised.
    """
    census = Census(machine.copy())
    violations = []
    for promise in census.promises:
        refused: list[int] = []
        if isinstance(promise, MappingPromise):
            refused = _touch_mapping(census.machine, promise)
        elif isinstance(promise, FilePromise):
            refused = _touch_file(census.machine, promise)
        if refused:
            message = f"{promise}: touched one after the other, these get no page: {ranges_text(as_ranges(refused))}"
            violations.append(Violation("I8", "a promise can be kept", message))
    return violations


def _touch_mapping(machine: Machine, promise: MappingPromise) -> list[int]:
    """Write to every promised page of a private mapping; the indices that get none."""
    refused = []
    for vma in promise.vmas:
        limit = vma.inode.i_size if vma.inode is not None else 0
        for first, end in list(unconsumed(vma)):
            refused += [
                index
                for index in range(first, min(end, limit))
                if hugetlb_fault(machine, NOBODY, vma, vma.address_of(index), write=True) is not Outcome.OK
            ]
    return refused


def _touch_file(machine: Machine, promise: FilePromise) -> list[int]:
    """Write to every promised page of a file, as if all of it were mapped shared; the indices that get none."""
    inode, shift = promise.inode, promise.inode.hstate.page_shift
    everywhere = Vma(AddressSpace(), 0, inode.i_size << shift, inode=inode, shared=True)
    refused = []
    for first, end in list(promise.ranges()):
        refused += [
            index
            for index in range(first, min(end, inode.i_size))
            if hugetlb_fault(machine, NOBODY, everywhere, index << shift, write=True) is not Outcome.OK
        ]
    return refused
