"""What there is to know of a session beside its answers: the machine behind it."""

from collections.abc import Callable
from typing import Protocol

from hugeresv.calls.names import Names
from hugeresv.kernels.model.session import ModelSession
from hugeresv.kernels.protocol import MappingView, Session
from hugeresv.model.machine import Key, Machine
from hugeresv.scenario.scn_words import write_name


class Insight(Protocol):
    """Sees the whole machine of one session."""

    def machine(self) -> Machine:
        """The machine as it is now, its processes, mounts and cgroups under their names in the scenario."""
        ...

    def view(self, proc: str, mapping: str) -> MappingView | None:
        """The mapping as the last `machine` has it; None when there is no such mapping."""
        ...

    def name(self, process: Key, address: int) -> tuple[str, int] | None:
        """The mapping at an address as scenarios call it, and where it starts: of several the one placed last there."""
        ...


Seer = Callable[[Session], Insight | None]
"""Gives insight into a session; None: there is none to be had."""


class ModelInsight:
    """A model has its machine at hand."""

    def __init__(self, session: ModelSession) -> None:
        self._session = session

    def machine(self) -> Machine:
        """The session's own, not a copy."""
        return self._session.machine

    def view(self, proc: str, mapping: str) -> MappingView | None:
        """See `Insight`."""
        return self._session.view(proc, mapping)

    def name(self, process: Key, address: int) -> tuple[str, int] | None:
        """See `Insight`."""
        return mapping_at(str(process), address, self._session.names)


def model_insight(session: Session) -> Insight | None:
    """Insight into models alone."""
    return ModelInsight(session) if isinstance(session, ModelSession) else None


def mapping_at(process: str, address: int, names: Names) -> tuple[str, int] | None:
    """Which of a process's mappings is at an address, and where it starts; see `Insight.name`."""
    found = None
    for name, binding in names.processes.get(process, {}).items():
        inside = binding.start <= address < binding.start + binding.extent_bytes
        if inside and (found is None or binding.start >= found[1]):
            found = f"{write_name(process)}.{write_name(name)}", binding.start
    return found
