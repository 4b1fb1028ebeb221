"""The host's kernel for tests, where there is one that may be used, and a way to say what it must answer."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from hugeresv.kernels.host.kernel import HostKernel
from hugeresv.kernels.protocol import Answer, Session
from hugeresv.scenario.operation import Operation
from hugeresv.scenario.scenario import Pool

PAGE_SIZE_KB = 2048
SYSFS = f"/sys/kernel/mm/hugepages/hugepages-{PAGE_SIZE_KB}kB"


def _why_not() -> str | None:
    if os.geteuid() != 0:
        return "needs root"
    if not Path(SYSFS).is_dir():
        return f"needs huge pages of {PAGE_SIZE_KB} kB"
    if not os.access(f"{SYSFS}/nr_hugepages", os.W_OK):
        return "needs a writable /sys"
    return None


@pytest.fixture(scope="session")
def host_machine() -> None:
    """What every test needs that uses the host's pool itself or through a process of its own."""
    reason = _why_not()
    if reason is not None:
        pytest.skip(f"the host's huge page pool: {reason}")


@pytest.fixture(scope="module")
def host(host_machine: None) -> Iterator[HostKernel]:
    """The host's kernel, its pool taken for as long as a module's tests run."""
    with HostKernel() as kernel:
        yield kernel


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
