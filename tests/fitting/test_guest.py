"""The answer beside what a guest's kernel does, where that could harm a host."""

from collections.abc import Callable

import pytest

from hugeresv.fitting.situation import MemoryRoom, Request, Situation, What
from hugeresv.fitting.trial import attempt
from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.kernels.keeper import OfPath
from hugeresv.ledger.observation import PoolUse
from hugeresv.model.presets import PRESETS
from hugeresv.outcome import Outcome
from hugeresv.scenario import operation as ops
from tests.fitting.reality import PAGE_BYTES
from tests.kernels.conftest import pool

MS_REMOUNT = 32
CGROUP = "/sys/fs/cgroup/limited"


@pytest.mark.parametrize("guest", ["6.12"])
def test_memory_max(guests: Callable[[str], GuestKernel], guest: str) -> None:
    """Where huge pages are charged to memory.max, the page that it forbids is foretold, and what its touch does.

    Catches: a limit that is off by a page; SIGBUS for a touch that never returns, as the kernel's documentation has it.
    """
    with guests(guest).start(pool(8), {}) as session:
        root = session._worker("keeper")

        def write(path: str, text: object) -> None:
            errno, _ = root.call("write", OfPath(path), str(text), len(str(text)))
            assert errno == 0, path

        assert root.call("mount", "none", "/sys/fs/cgroup", "cgroup2", MS_REMOUNT, "memory_hugetlb_accounting") == (
            0,
            0,
        )
        write("/sys/fs/cgroup/cgroup.subtree_control", "+memory")
        assert root.call("mkdirat", -100, CGROUP, 0o755) == (0, 0)
        assert session.apply(ops.Mmap("p", "a", "private", pages=4)).outcome is Outcome.OK
        write(f"{CGROUP}/cgroup.procs", session.pids["p"])
        write(f"{CGROUP}/memory.max", 3 * PAGE_BYTES + (PAGE_BYTES >> 1))
        touched = [session.apply(ops.Touch("p", "a", "write", page), may_hang=True).outcome for page in range(4)]
    room = MemoryRoom(CGROUP, f"{CGROUP}/memory.max", 3 * PAGE_BYTES, 3, 3)
    for pages in (3, 4):
        request = Request(What.PRIVATE, (pages,))
        trial = attempt(Situation(PoolUse(2048, 8, 8, 0, 0, 0), request, PRESETS[guest], memory=(room,)))
        assert (trial.page, trial.outcome) == (None if pages == 3 else 3, touched[pages - 1])
