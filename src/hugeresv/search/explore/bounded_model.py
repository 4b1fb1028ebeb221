"""A bound on the real model: the machine at the start, and its operations as calls that can be made again and again.

A mapping has the same address in every history, so that histories that lead to the same state lead to the same machine.
A process that has nothing mapped, and is in no cgroup, is as good as none: it is taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from hugeresv.calls.call import Call
from hugeresv.calls.names import FIRST_ADDRESS, Binding, Names
from hugeresv.calls.resolve import resolve
from hugeresv.errors import InputError
from hugeresv.kernels.model.calls import carry_out
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.model.session import ModelSession
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.machine import Machine
from hugeresv.model.process import Process
from hugeresv.outcome import OK, Outcome
from hugeresv.scenario import operation as op
from hugeresv.scenario.scenario import Scenario, Step
from hugeresv.search.explore.bound import SHARED, Bound
from hugeresv.search.explore.places import PLACES


class Demand(NamedTuple):
    """A condition of an operation: of one process, or (`proc` None) of what belongs to none."""

    proc: str | None
    holds: Callable[[Machine], bool]


class PossibleCall(NamedTuple):
    """One operation: its call, and what must be so that it stands for something."""

    operation: op.Operation
    call: Call
    needs: tuple[Demand, ...]

    def ready(self, machine: Machine) -> bool:
        """Whether it can be made now."""
        return all(need.holds(machine) for need in self.needs)


class BoundedModel:
    """A bound under one behaviour."""

    def __init__(self, behaviour: Behaviour, bound: Bound) -> None:
        """Raises InputError where the bound cannot be prepared: a mount that the pool has no pages for."""
        self.bound = bound
        self.behaviour = behaviour
        session = _prepared(behaviour, bound)
        self._machine = session.machine
        for name in list(self._machine.processes):
            settle(self._machine, name)
        self.page_bytes = bound.start.page_bytes
        self.moves = tuple(
            PossibleCall(each, self._call(each, session.names), tuple(self._needs(each))) for each in bound.moves()
        )

    def start(self) -> Machine:
        """A machine at the start."""
        return self._machine.copy()

    def apply(self, machine: Machine, move: PossibleCall) -> Outcome:
        """Make the move, which is ready; the machine is changed in place."""
        returned = carry_out(machine, move.call)
        if move.call.task is not None:
            settle(machine, move.call.task)
        return returned[0] if isinstance(returned, tuple) else returned

    def scenario(self, path: Sequence[PossibleCall], title: str) -> Scenario:
        """A history as a scenario. A process that is as good as none ends before another gets its name."""
        steps = list(self.bound.preparation)
        named = {step.operation.proc for step in steps if isinstance(step.operation, op.Ftruncate)}
        for move in path:
            operation = move.operation
            if isinstance(operation, op.Fork):
                if operation.child in named:
                    steps.append(Step(op.Exit(operation.child)))
                named.add(operation.child)
            if move.call.task is not None:
                named.add(move.call.task)
            steps.append(Step(operation))
            if isinstance(operation, op.Exit):
                named.discard(operation.proc)
        return Scenario(self.bound.start, tuple(steps), title=title, cgroups=self.bound.cgroups)

    def _call(self, operation: op.Operation, prepared: Names) -> Call:
        """The call, where everything that it may name is there, and the next mapping goes where it belongs."""
        goes_to = {op.Mmap: "map", op.Mremap: "move_to"}.get(type(operation))
        next_address = PLACES[getattr(operation, goes_to)] if goes_to else FIRST_ADDRESS
        names = Names(self.page_bytes, self.bound.cgroups, next_address=next_address)
        names.files, names.mounts = prepared.files, prepared.mounts
        bindings = {
            name: Binding(PLACES[name], pages * self.page_bytes, name == SHARED, self.page_bytes)
            for name, pages in self.bound.mappings.items()
        }
        child = operation.child if isinstance(operation, op.Fork) else None
        names.processes = {proc: bindings for proc in self.bound.names if proc != child}
        return resolve(operation, names)

    def _needs(self, operation: op.Operation) -> Iterator[Demand]:
        """When an operation stands for something: its process, pages and place are there, or free."""
        match operation:
            case op.Mmap():
                yield self._free(operation.proc, operation.map, operation.length(self.page_bytes))
            case op.Mremap():
                yield self._mapped(operation)
                assert operation.move_to is not None
                yield self._free(operation.proc, operation.move_to, self.bound.pages * self.page_bytes)
            case op.Touch():
                yield self._mapped(op.Munmap(operation.proc, operation.map, operation.page, 1))
            case op.Span():
                yield self._mapped(operation)
            case op.Fork():
                yield Demand(operation.proc, lambda m: operation.proc in m.processes)
                yield Demand(operation.child, lambda m: operation.child not in m.processes)
            case op.Exit():
                yield Demand(operation.proc, lambda m: operation.proc in m.processes)
            case op.CgroupMove():
                yield Demand(operation.proc, lambda m: not _is_in(m.processes.get(operation.proc), m, operation.cgroup))
            case _:
                yield Demand(None, _of_no_process(operation))

    def _mapped(self, span: op.Span) -> Demand:
        """The first page of a range is mapped, and the last: else it would be a shorter range."""
        start = PLACES[span.map] + span.start(self.page_bytes)
        ends = start, start + span.length(self.page_bytes) - self.page_bytes

        def holds(machine: Machine) -> bool:
            process = machine.processes.get(span.proc)
            return process is not None and all(process.mm.find(address) is not None for address in ends)

        return Demand(span.proc, holds)

    def _free(self, proc: str, mapping: str, length: int) -> Demand:
        """Nothing is mapped where a mapping would be."""
        start = PLACES[mapping]

        def holds(machine: Machine) -> bool:
            process = machine.processes.get(proc)
            return process is None or not process.mm.overlapping(start, start + length)

        return Demand(proc, holds)


def settle(machine: Machine, name: str) -> None:
    """Take a process away that is as good as none."""
    process = machine.processes.get(name)
    if process is not None and not process.mm.vmas and process.cgroup is None:
        del machine.processes[name]


def _prepared(behaviour: Behaviour, bound: Bound) -> ModelSession:
    session = ModelKernel(behaviour).start(bound.start, bound.cgroups)
    for step in bound.preparation:
        outcome = session.apply(step.operation).outcome
        if outcome is not OK:
            raise InputError(f"{step.operation.op} is {outcome} on {behaviour.name}: this bound cannot be prepared")
    return session


def _of_no_process(operation: op.Operation) -> Callable[[Machine], bool]:
    """Operations on files and on the pool: those that may change something."""
    match operation:
        case op.Fallocate():
            page, wants_page = operation.page or 0, operation.mode == "punch"
            return lambda m: (page in m.files[operation.file].page_cache) == wants_page
        case op.Ftruncate():
            return lambda m: m.files[operation.file].i_size != operation.pages
        case op.SetNrHugepages():
            return lambda m: m.hstate.nr_huge_pages - m.hstate.surplus_huge_pages != operation.n
        case op.SetNrOvercommit():
            return lambda m: m.hstate.nr_overcommit_huge_pages != operation.n
    return lambda _machine: True


def _is_in(process: Process | None, machine: Machine, cgroup: str) -> bool:
    return process is not None and process.cgroup is machine.cgroups[cgroup]
