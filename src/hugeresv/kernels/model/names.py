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

_FIRST_ADDRESS = GUARD_BYTES


@dataclass(slots=True)
class Mapping:
    """An address by name. `reach_bytes`: how far from `address` the mapping ever reached."""

    address: int
    reach_bytes: int


@dataclass(slots=True)
class NamedProcess:
    """A process with its mappings by name."""

    task: Process
    mappings: dict[str, Mapping] = field(default_factory=dict)
    next_address: int = _FIRST_ADDRESS

    def free_address(self, length: int) -> int:
        """An address with room for `length` bytes and the guard on both sides; beyond the address space if there is none."""
        room = align_up(length, GUARD_BYTES) + GUARD_BYTES
        if self.next_address + room <= TASK_SIZE:
            return self.next_address
        return self._first_gap(self.task.mm, room)

    def bind(self, name: str, address: int, length: int) -> None:
        """`name` stands for `address` from now on."""
        self.mappings[name] = Mapping(address, length)
        if address >= self.next_address:
            self.next_address = align_up(address + length, GUARD_BYTES) + GUARD_BYTES

    def mapping(self, name: str, process: str) -> Mapping:
        """The mapping of that name. ScenarioError if the process has none."""
        found = self.mappings.get(name)
        if found is None:
            known = ", ".join(sorted(self.mappings)) or "none"
            raise ScenarioError(f"process {process!r} has no mapping {name!r}; it has: {known}")
        return found

    def fork(self, task: Process) -> NamedProcess:
        """The same names for a child."""
        return NamedProcess(
            task, {n: Mapping(m.address, m.reach_bytes) for n, m in self.mappings.items()}, self.next_address
        )

    @staticmethod
    def _first_gap(mm: AddressSpace, room: int) -> int:
        address = _FIRST_ADDRESS
        for vma in mm.vmas:
            if vma.vm_start - address >= room:
                break
            address = max(address, align_up(vma.vm_end, GUARD_BYTES) + GUARD_BYTES)
        return address
