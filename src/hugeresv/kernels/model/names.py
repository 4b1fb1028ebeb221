"""What a scenario calls things, and where they are in a machine.

Names belong here, not to the machine: processes, and per process the mappings, each of which stands for an address.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hugeresv.errors import ScenarioError
from hugeresv.model.address_space import TASK_SIZE, AddressSpace
from hugeresv.model.base_page import align_up
from hugeresv.model.process import Process

GUARD_BYTES = 1 << 30
"""What is free around a mapping that was not placed over another."""


@dataclass(slots=True)
class Mapping:
    """An address by name. `reach_bytes`: how far from `address` the mapping ever reached."""

    address: int
    reach_bytes: int


@dataclass(slots=True)
class Addresses:
    """Places for mappings, each given out once: where one process moves a mapping to is free in every other.

    That matters: a kernel that takes a page at its owner's address (`steal_at_owner_address`) must not find another's
    there by chance.
    """

    next_address: int = GUARD_BYTES

    def free(self, mm: AddressSpace, length: int) -> int:
        """An address with room for `length` bytes and the guards; beyond the address space if there is none."""
        room = 2 * align_up(length, GUARD_BYTES) + GUARD_BYTES
        if self.next_address + room <= TASK_SIZE:
            return self.next_address
        return _first_gap(mm, room)

    def take(self, address: int, length: int) -> None:
        """What `free` answered is in use from now on, and as much again behind it, for ranges that reach beyond."""
        self.next_address = max(self.next_address, align_up(address + 2 * length, GUARD_BYTES) + GUARD_BYTES)


def _first_gap(mm: AddressSpace, room: int) -> int:
    """The lowest address of this address space with `room` bytes free and the guard before them."""
    address = GUARD_BYTES
    for vma in mm.vmas:
        if vma.vm_start - address >= room:
            break
        address = max(address, align_up(vma.vm_end, GUARD_BYTES) + GUARD_BYTES)
    return address


@dataclass(slots=True)
class NamedProcess:
    """A process with its mappings by name."""

    task: Process
    addresses: Addresses
    mappings: dict[str, Mapping] = field(default_factory=dict)

    def free_address(self, length: int) -> int:
        """A place for a new mapping of `length` bytes."""
        return self.addresses.free(self.task.mm, length)

    def bind(self, name: str, address: int, length: int) -> None:
        """`name` stands for `address` from now on."""
        self.mappings[name] = Mapping(address, length)
        self.addresses.take(address, length)

    def mapping(self, name: str, process: str) -> Mapping:
        """The mapping of that name. ScenarioError if the process has none."""
        found = self.mappings.get(name)
        if found is None:
            known = ", ".join(sorted(self.mappings)) or "none"
            raise ScenarioError(f"process {process!r} has no mapping {name!r}; it has: {known}")
        return found

    def fork(self, task: Process) -> NamedProcess:
        """The same names for a child."""
        mappings = {name: Mapping(m.address, m.reach_bytes) for name, m in self.mappings.items()}
        return NamedProcess(task, self.addresses, mappings)
