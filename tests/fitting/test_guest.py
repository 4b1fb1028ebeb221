"""The answer beside what a guest's kernel does, where that could harm a host."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hugeresv.fitting.situation import MemoryRoom, Request, Situation, What
from hugeresv.fitting.trial import attempt
from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.kernels.keeper import OfPath
from hugeresv.ledger.observation import NodePool, PoolUse
from hugeresv.model.mempolicy import MemPolicy
from hugeresv.model.presets import PRESETS
from hugeresv.outcome import Outcome
from hugeresv.scenario import operation as ops
from hugeresv.scenario.scenario import Cgroup, NodePages, Pool
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


def bound(*nodes: int) -> MemPolicy:
    return MemPolicy("bind", nodes, (0, 1))


BIND = ops.SetMempolicy("p", "bind", (1,))
TWO_NODES: dict[str, tuple[list[ops.Operation], list[ops.Operation], dict[str, Any], int]] = {
    "bound to a node": ([BIND], [], {"policy": bound(1)}, 4),
    "bound to both": ([ops.SetMempolicy("p", "bind", (0, 1))], [], {"policy": bound(0, 1)}, 7),
    "bound after mmap": (
        [],
        [ops.Mbind("p", "m", page=0, pages=4, mode="bind", nodes=(1,))],
        {"bound_after": bound(1)},
        4,
    ),
    "in a cpuset": (
        [ops.CpusetSet("k", (0,)), ops.CgroupMove("p", "k")],
        [],
        {"mems": (0,)},
        4,
    ),
    "interleaved": (
        [ops.SetMempolicy("p", "interleave", (0, 1))],
        [],
        {"policy": MemPolicy("interleave", (0, 1), (0, 1))},
        7,
    ),
    "preferred": ([ops.SetMempolicy("p", "preferred", (1,))], [], {"policy": MemPolicy("preferred", (1,), (0, 1))}, 7),
}
"""What the process does before it maps, and after; the same as a situation; the first size that does not fit."""


@pytest.mark.parametrize("guest", ["6.1"])
@pytest.mark.parametrize("case", TWO_NODES)
def test_nodes_and_policies(guests: Callable[[str], GuestKernel], guest: str, case: str) -> None:
    """With three pages on each of two nodes, where a mapping and its touches stop is foretold.

    Catches: a node's page that is counted as one of another; a policy that only prefers taken for one that binds; two
    orders of mmap and mbind taken for one.
    """
    before, after, where, most = TWO_NODES[case]
    there = PoolUse(2048, 6, 6, 0, 0, 0, (NodePool(0, 3, 3, 0), NodePool(1, 3, 3, 0)))
    nodes = Pool(2048, nodes=(NodePages(3), NodePages(3)))
    for pages in (most - 1, most):
        found: tuple[str, Outcome, int | None] = ("touch", Outcome.OK, None)
        with guests(guest).start(nodes, {"k": Cgroup()}) as session:
            for operation in before:
                assert session.apply(operation).outcome is Outcome.OK, operation
            mapped = session.apply(ops.Mmap("p", "m", "private", pages=pages)).outcome
            if mapped is not Outcome.OK:
                found = ("mmap", mapped, None)
            else:
                for operation in after:
                    changed = replace(operation, pages=pages) if isinstance(operation, ops.Mbind) else operation
                    assert session.apply(changed).outcome is Outcome.OK, operation
                touched = [session.apply(ops.Touch("p", "m", "write", page)).outcome for page in range(pages)]
                stop = next((page for page, outcome in enumerate(touched) if outcome is not Outcome.OK), None)
                if stop is not None:
                    found = ("touch", touched[stop], stop)
        trial = attempt(Situation(there, Request(What.PRIVATE, (pages,)), PRESETS[guest], **where))
        assert (trial.call, trial.outcome, trial.page) == found, pages
        assert trial.fits == (pages < most)
