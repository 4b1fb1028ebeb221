"""Pools, and a way to say what a kernel must answer."""

from collections.abc import Sequence

from hugeresv.answer import Answer
from hugeresv.kernels.protocol import Session
from hugeresv.scenario.operation import Operation
from hugeresv.scenario.scenario import Pool
from tests.conftest import PAGE_SIZE_KB


def pool(nr_hugepages: int, nr_overcommit: int = 0) -> Pool:
    """A pool of 2 MiB pages."""
    return Pool(PAGE_SIZE_KB, nr_hugepages, nr_overcommit)


def spelled(answer: Answer) -> str:
    """`ok 10/7/3/0`: outcome, then total, free, rsvd, surp, as the tables of experiments are written."""
    return f"{answer.outcome} {'/'.join(map(str, answer.counters))}"


def must_answer(session: Session, *steps: tuple[Operation, str]) -> None:
    """Play steps and compare every answer at once, so that a failure shows the whole history."""
    played = [f"{operation} -> {spelled(session.apply(operation))}" for operation, _ in steps]
    assert played == [f"{operation} -> {expected}" for operation, expected in steps]


def settle(session: Session, operations: Sequence[Operation]) -> None:
    """Play steps whose answers are not in question: each succeeds."""
    for operation in operations:
        assert session.apply(operation).outcome == "ok", operation
