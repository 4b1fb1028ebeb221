"""Calls that do not return, processes that are killed, and reservations that a kernel forgets."""

import os
import re
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from hugeresv.answer import Counters
from hugeresv.errors import ScenarioError, UnavailableError
from hugeresv.kernels.host.kernel import HostKernel
from hugeresv.kernels.host.session import HostSession
from hugeresv.outcome import Outcome
from hugeresv.scenario.operation import Exit, Fork, Mmap, Mount, Mremap, OpenFile, Operation, Touch, Umount
from hugeresv.scenario.scenario import Cgroup
from tests.kernels.conftest import must_answer, pool, settle


def signal_newest_worker(number: int) -> None:
    """Send a signal to the youngest process of a scenario: they have pids in a namespace of their own."""
    workers = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            in_namespace = re.search(r"^NSpid:\t\d+\t(\d+)$", (directory / "status").read_text(), re.MULTILINE)
            ours = "kernels.host.guardian" in (directory / "cmdline").read_text()
        except OSError:
            continue
        if in_namespace and ours:
            workers.append((int(in_namespace[1]), int(directory.name)))
    os.kill(max(workers)[1], number)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up after half a second."""
    monkeypatch.setattr(HostSession, "patience_seconds", 0.5)
    monkeypatch.setattr(HostSession, "hang_seconds", 0.5)


def test_a_hang_is_an_outcome_and_the_end_of_the_session(host: HostKernel, impatient: None) -> None:
    """A call that may hang and does answers HANG with the counters of that moment; then everything is ended.

    Catches: a stuck process, mount or cgroup left behind.
    """
    with host.start(pool(4), {"g": Cgroup()}) as session:
        settle(
            session, [Mount("m", size_pages=2), OpenFile("f", "m"), Mmap("p", "a", "private", pages=3), Fork("p", "c")]
        )
        signal_newest_worker(signal.SIGSTOP)
        answer = session.apply(Touch("c", "a", "write"), may_hang=True)
        assert (answer.outcome, answer.counters) == (Outcome.HANG, (4, 4, 3, 0))
        assert answer.statfs is not None
        with pytest.raises(ScenarioError, match="never returned"):
            session.apply(Exit("p"))
        assert session.view("p", "a") is None
        assert session.release().counters == (4, 4, 0, 0)
    with host.start(pool(4)) as session:
        must_answer(session, (Mmap("p", "a", "private", pages=1), "ok 4/4/1/0"))


def test_a_call_that_should_return_and_does_not(host: HostKernel, impatient: None) -> None:
    """A call that does not return is an error that names the operation.

    Catches: an endless wait, or anything left behind.
    """
    with host.start(pool(4)) as session:
        settle(session, [Mmap("p", "a", "private", pages=3)])
        signal_newest_worker(signal.SIGSTOP)
        with pytest.raises(UnavailableError, match="touch did not return"):
            session.apply(Touch("p", "a", "write"))
        assert session.release().counters == (4, 4, 0, 0)


def test_a_process_that_was_killed(host: HostKernel) -> None:
    """A process killed from outside ends the scenario with an error, and the next one runs.

    Catches: an answer made up for the dead process.
    """
    with host.start(pool(4)) as session:
        settle(session, [Mmap("p", "a", "private", pages=3)])
        signal_newest_worker(signal.SIGKILL)
        with pytest.raises(UnavailableError, match="killed by another program"):
            session.apply(Touch("p", "a", "write"))
    with host.start(pool(4)) as session:
        must_answer(session, (Mmap("p", "a", "private", pages=1), "ok 4/4/1/0"))


@pytest.mark.parametrize(
    ("operations", "leak"),
    [
        (
            [
                Mmap("p", "a", "private", pages=6),
                Touch("p", "a", "write", 0),
                Touch("p", "a", "write", 2),
                Mremap("p", "a", 2, 2, new_pages=2, move_to="m"),
            ],
            3,
        ),
        (
            [
                Mmap("p", "other", "private", pages=4),
                Mount("m", size_pages=8, min_size_pages=4),
                OpenFile("f", "m"),
                Mmap("p", "a", "shared", pages=8, file="f"),
            ],
            -4,
        ),
    ],
    ids=["too many", "too few"],
)
def test_what_a_scenario_leaked_is_undone(host: HostKernel, operations: Sequence[Operation], leak: int) -> None:
    """What a scenario leaked is undone, and the next one starts with a true pool.

    Catches: a leak counted twice, or in the wrong direction.
    """
    with host.start(pool(9)) as session:
        for operation in operations:
            session.apply(operation)
        total, free, rsvd, _ = session.release().counters
        assert total == free
        assert rsvd in (0, leak)
    with host.start(pool(5)) as session:
        must_answer(session, (Mmap("p", "a", "private", pages=5), "ok 5/5/5/0"))
        assert session.release().counters == Counters(5, 5, 0, 0)


def test_one_session_at_a_time(host: HostKernel) -> None:
    """A second session on the same kernel is refused while the first is open.

    Catches: two scenarios that share a pool, and are both wrong.
    """
    with host.start(pool(1)), pytest.raises(RuntimeError, match="has not been closed"):
        host.start(pool(1))


def test_a_refused_umount_leaves_the_mount(host: HostKernel) -> None:
    """After EBUSY the mount's name is still good. Catches: a name forgotten although the mount stays."""
    with host.start(pool(2)) as session:
        settle(session, [Mount("m"), OpenFile("f", "m")])
        must_answer(session, (Umount("m"), "EBUSY 2/2/0/0"), (OpenFile("g", "m"), "ok 2/2/0/0"))
