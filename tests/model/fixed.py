"""Histories at fixed addresses, so that different ones can lead to the same machine."""

from collections.abc import Sequence

from hugeresv.answer import Answer
from hugeresv.errors import ScenarioError
from hugeresv.kernels.model.session import ModelSession
from hugeresv.lab import Actor, start
from hugeresv.scenario import operation as op
from hugeresv.scenario.scenario import Cgroup

p, c, d = Actor("p"), Actor("c"), Actor("d")
CGROUPS = {"top": Cgroup(), "g": Cgroup(4, 4, "top"), "h": Cgroup()}
History = Sequence[op.Operation]


def at(page: int) -> op.Place:
    """A place where process p has nothing mapped at first: pages 0 to 7 of what it calls `at`."""
    return op.Place("at", page)


def after(on: str, history: History, nr: int = 6) -> ModelSession:
    """A machine with this history."""
    session = start(on, nr, 0, CGROUPS)
    session.apply(p.noreserve("at", 8))
    session.apply(p.munmap("at", 0, 8))
    for operation in history:
        apply(session, operation)
    return session


def apply(session: ModelSession, operation: op.Operation) -> Answer | None:
    """The answer; None, and nothing changed, where it names what is not there or what is there already."""
    process = getattr(operation, "proc", None)
    if process is not None and process not in session.names.processes:
        return None
    try:
        return session.apply(operation)
    except ScenarioError:
        return None
