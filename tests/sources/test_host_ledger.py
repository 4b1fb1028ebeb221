"""The ledger read from /proc while this host's kernel carries out operations, beside the ledger of the model."""

import errno
import mmap
import os
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from hugeresv.calls.abi import MAP_HUGETLB
from hugeresv.errors import UnavailableError
from hugeresv.holders.warning import warnings_of
from hugeresv.invariants.check import check
from hugeresv.kernels import syscalls
from hugeresv.kernels.host.kernel import HostKernel
from hugeresv.kernels.host.session import HostSession
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.model.session import ModelSession
from hugeresv.ledger.machine import observe_machine
from hugeresv.ledger.observation import Kind, Observation, exactly
from hugeresv.ledger.reconcile import unexplained
from hugeresv.model.presets import IDEAL, LINUX_6_18
from hugeresv.outcome import Outcome
from hugeresv.scenario.operation import (
    Exit,
    Fork,
    Ftruncate,
    Memfd,
    Mmap,
    Mount,
    Mremap,
    Munmap,
    OpenFile,
    Operation,
    Shmat,
    Shmget,
    Touch,
)
from hugeresv.scenario.scenario import Pool
from hugeresv.sources.proc.observe import observe_host
from tests.conftest import PAGE_SIZE_KB
from tests.kernels.conftest import pool
from tests.played import SCENARIOS as SCENARIO_FILES
from tests.played import only_modelled, scenario_in

NOBODY = 65534
PR_SET_DUMPABLE = 4

PRIVATE = [
    Mmap("a", "p", "private", pages=6),
    Touch("a", "p", "write", page=0),
    Touch("a", "p", "read", page=1),
    Munmap("a", "p", page=3, pages=1),
]
FORKED = [*PRIVATE, Fork("a", "b"), Touch("b", "p", "write", page=0)]
BOTH_WAYS = [
    Memfd("w"),
    Mmap("a", "ws", "shared", pages=3, file="w"),
    Touch("a", "ws", "write", page=0),
    Mmap("a", "wp", "private", pages=3, file="w"),
    Touch("a", "wp", "read", page=0),
]
SCENARIOS: dict[str, list[Operation]] = {
    "private": [*PRIVATE],
    "private without reserve": [Mmap("a", "n", "private", pages=3, noreserve=True), Touch("a", "n", "write", page=0)],
    "forked: only the parent has promises, and a shared page counts once": [*FORKED],
    "forked, and the child of the child": [*FORKED, Fork("b", "c"), Touch("c", "p", "write", page=1)],
    "shared anonymous, its beginning unmapped": [
        Mmap("a", "s", "shared", pages=4),
        Touch("a", "s", "write", page=2),
        Munmap("a", "s", page=0, pages=1),
    ],
    "shared anonymous without reserve": [
        Mmap("a", "s", "shared", pages=4, noreserve=True),
        Touch("a", "s", "write", page=2),
    ],
    "memfd": [Memfd("m"), Mmap("a", "m", "shared", pages=3, file="m"), Touch("a", "m", "write", page=0)],
    "memfd that is mapped without reserve by one, with it by another": [
        Memfd("m"),
        Mmap("a", "m", "shared", pages=3, file="m", noreserve=True),
        Mmap("b", "m", "shared", pages=2, file="m"),
        Touch("b", "m", "write", page=1),
    ],
    "memfd that is shorter by now than what is mapped of it": [
        Memfd("m"),
        Mmap("a", "m", "shared", pages=4, file="m"),
        Touch("a", "m", "write", page=0),
        Ftruncate("a", "m", pages=2),
    ],
    "memfd that nobody maps any more": [
        Memfd("m"),
        Mmap("a", "m", "shared", pages=3, file="m"),
        Touch("a", "m", "write", page=0),
        Exit("a"),
    ],
    "memfd mapped privately": [
        Memfd("m"),
        Mmap("a", "m", "private", pages=3, file="m"),
        Touch("a", "m", "write", page=0),
        Touch("a", "m", "read", page=1),
    ],
    "memfd mapped both ways: a page of the file that is only read has consumed nothing": [*BOTH_WAYS],
    "file on a mount": [
        Mount("t"),
        OpenFile("f", mount="t"),
        Mmap("a", "f", "shared", pages=3, file="f"),
        Touch("a", "f", "write", page=1),
    ],
    "file on a mount with a minimum and a maximum": [
        Mount("t", size_pages=10, min_size_pages=4),
        OpenFile("f", mount="t"),
        Mmap("a", "f", "shared", pages=3, file="f"),
        Touch("a", "f", "write", page=1),
    ],
    "file on a mount with a minimum only": [
        Mount("t", min_size_pages=2),
        OpenFile("f", mount="t"),
        Mmap("a", "f", "shared", pages=3, file="f"),
        Touch("a", "f", "write", page=1),
    ],
    "private mapping on a mount with a minimum": [
        Mount("t", min_size_pages=4),
        OpenFile("f", mount="t"),
        Mmap("a", "f", "private", pages=3, file="f"),
        Touch("a", "f", "write", page=1),
    ],
    "mount with a minimum, unused": [Mount("t", min_size_pages=4)],
    "segment that is attached": [Shmget("a", "s", pages=3), Shmat("a", "s", "z"), Touch("a", "z", "write", page=0)],
    "segment that nobody attached": [Shmget("a", "s", pages=3)],
    "segment with pages that nobody has attached any more": [
        Shmget("a", "s", pages=3),
        Shmat("a", "s", "z"),
        Touch("a", "z", "write", page=0),
        Exit("a"),
    ],
}
EVERYTHING: list[Operation] = [
    *FORKED,
    *BOTH_WAYS,
    Mmap("a", "n", "private", pages=3, noreserve=True),
    Touch("a", "n", "write", page=0),
    Mmap("b", "s", "shared", pages=4),
    Touch("b", "s", "write", page=2),
    Memfd("m"),
    Mmap("b", "m", "shared", pages=3, file="m"),
    Touch("b", "m", "write", page=0),
    Mount("t", size_pages=4, min_size_pages=4),
    OpenFile("f", mount="t"),
    Mmap("a", "f", "shared", pages=3, file="f"),
    Touch("a", "f", "write", page=1),
    Mount("e", size_pages=5, min_size_pages=5),
    OpenFile("h", mount="e"),
    Mmap("b", "h", "shared", pages=2, file="h"),
    Shmget("a", "q", pages=3),
    Shmget("a", "z", pages=2),
    Shmat("a", "z", "z"),
    Touch("a", "z", "write", page=0),
]
LEAK: list[Operation] = [
    Mmap("l", "l", "private", pages=5),
    Mremap("l", "l", page=0, pages=2, new_pages=2, move_to="x", maymove=True),
    Munmap("l", "l", page=2, pages=3),
]
"""A kernel bug, mremap of a part of a private mapping (5.16 and later): the other three promises are nobody's."""


def by_kind(observation: Observation) -> dict[Kind, tuple[int, int]]:
    """Reserved and used pages, as estimated, of all holders of a kind that have any."""
    sums: dict[Kind, tuple[int, int]] = {}
    for holder in observation.holders:
        if holder.page_size_kB == PAGE_SIZE_KB:
            reserved, used = sums.get(holder.kind, (0, 0))
            sums[holder.kind] = reserved + holder.reserved.best, used + holder.used.best
    return {kind: pages for kind, pages in sums.items() if any(pages)}


def bounds_by_kind(observation: Observation) -> dict[str, tuple[tuple[int, int], tuple[int, int]]]:
    """The least and the most that all holders of a kind have reserved, and used; nothing for a kind that is not there.

    The model does not know a memfd from a file on the mount without limits.
    """
    sums: defaultdict[str, tuple[tuple[int, int], tuple[int, int]]] = defaultdict(lambda: ((0, 0), (0, 0)))
    for holder in observation.holders:
        if holder.page_size_kB == PAGE_SIZE_KB:
            kind = holder.kind.replace("memfd", "file")
            each = (holder.reserved, holder.used)
            reserved, used = (
                (low + pages.min, high + pages.max) for (low, high), pages in zip(sums[kind], each, strict=True)
            )
            sums[kind] = reserved, used
    return sums


def rest(observation: Observation) -> tuple[int, int]:
    """Unexplained reserved and used pages."""
    row = next(row for row in unexplained(observation) if row.page_size_kB == PAGE_SIZE_KB)
    return row.reserved_pages, row.used_pages


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_proc_shows_is_what_the_model_knows(host: HostKernel, name: str) -> None:
    """The ledger read from /proc has every holder of the model, within its bounds.

    Catches: a holder that is missed, counted twice, taken for another kind, or given too much.
    """
    session, model = host.start(pool(40)), ModelKernel(IDEAL).start(pool(40))
    try:
        for operation in SCENARIOS[name]:
            assert session.apply(operation) == model.apply(operation)
            seen, known = observe_host(), observe_machine(model.machine)
            assert by_kind(seen) == by_kind(known), operation
            assert rest(known) == (0, 0)
            assert rest(seen) == (0, 0), operation
            for holder in seen.holders:
                assert holder.reserved.min <= holder.reserved.best <= holder.reserved.max
    finally:
        session.close()


def of_one_pool(path: Path) -> bool:
    """Whether a host carries the scenario out; one with several pools or nodes takes a guest."""
    scenario = scenario_in(path)
    return not (only_modelled(scenario) or scenario.pools or scenario.pool.nodes)


@pytest.mark.parametrize("path", sorted(filter(of_one_pool, SCENARIO_FILES.rglob("*.scn"))), ids=lambda path: path.stem)
def test_bounds_hold_in_every_scenario(host: HostKernel, path: Path) -> None:
    """What /proc shows of each kind of holder has the model's number within its bounds, after every step.

    Up to where the kernel breaks its own ledger: then a promise that /proc shows may be one that the kernel has lost;
    to where it does not give a promise back beside surplus pages (H115), of which /proc shows nothing either; or to
    where it answers otherwise than 6.18. Catches: a number shown as certain that is wrong.
    """
    scenario = scenario_in(path)
    model = ModelKernel(LINUX_6_18).start(scenario.pool, scenario.cgroups)
    restoring = ModelKernel(replace(LINUX_6_18, surplus_blocks_restore=False)).start(scenario.pool, scenario.cgroups)
    with host.start(scenario.pool, scenario.cgroups) as session:
        for step in scenario.steps:
            known = model.apply(step.operation)
            if known.outcome is Outcome.HANG or check(model.machine) or restoring.apply(step.operation) != known:
                return
            if session.apply(step.operation) != known:
                return
            seen, true = bounds_by_kind(observe_host()), bounds_by_kind(observe_machine(model.machine))
            for kind in {*seen, *true}:
                for (low, high), (pages, _) in zip(seen[kind], true[kind], strict=True):
                    assert low <= pages <= high, (kind, step.operation)


def hold_everything(session: HostSession, model: ModelSession) -> None:
    """All kinds of holders at once, none of them hidden by another."""
    for operation in EVERYTHING:
        assert session.apply(operation) == model.apply(operation)
    seen = observe_host()
    assert by_kind(seen) == by_kind(observe_machine(model.machine))
    assert rest(seen) == (0, 0)


def test_all_at_once_and_a_leak(host: HostKernel) -> None:
    """With every kind of holder at once the sums agree, and a leak stays without a holder.

    Catches: holders that hide one another; ordinary memory taken for a holder; a leak that is given to somebody.
    """
    ordinary = os.memfd_create("ordinary")
    os.write(ordinary, b"x")
    session, model = host.start(pool(60)), ModelKernel(IDEAL).start(pool(60))
    try:
        hold_everything(session, model)
        for operation in LEAK:
            session.apply(operation)
        assert rest(observe_host()) == (3, 0)
        command = [sys.executable, "-m", "hugeresv"]
        shown = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "300"}
        )
        assert shown.returncode == 1
        assert "3 reserved pages have no visible owner." in shown.stdout
        assert "ordinary" not in shown.stdout
    finally:
        os.close(ordinary)
        session.close()


def test_pages_of_one_gibibyte(host: HostKernel) -> None:
    """Holders of pages of 1 GiB are found with their own size.

    Catches: a size taken for the default one, or that the readers of pagemap and maps do not know.
    """
    small = Pool(page_size_kB=1 << 20, nr_hugepages=2)
    try:
        session = host.start(small)
    except UnavailableError as error:
        pytest.skip(str(error))
    with session, ModelKernel(IDEAL).start(small) as model:
        for operation in (
            Mmap("a", "p", "private", pages=1),
            Memfd("m"),
            Mmap("a", "m", "shared", pages=1, file="m"),
            Touch("a", "m", "write", page=0),
        ):
            assert session.apply(operation) == model.apply(operation)
        seen = [holder for holder in observe_host().holders if holder.page_size_kB == 1 << 20]
        assert {(each.kind, each.reserved.best, each.used.best) for each in seen} == {
            (Kind.PRIVATE, 1, 0),
            (Kind.MEMFD, 0, 1),
        }


def test_an_older_kernel_tells_the_same_at_more_cost(host: HostKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PROCMAP_QUERY (6.11) and PAGEMAP_SCAN (6.7) the ledger is the same.

    Catches: an older kernel on which a holder is missed.
    """

    def refuse(*_: object) -> int:
        raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")

    monkeypatch.setattr("fcntl.ioctl", refuse)
    session, model = host.start(pool(60)), ModelKernel(IDEAL).start(pool(60))
    try:
        hold_everything(session, model)
    finally:
        session.close()


def test_who_is_not_root_sees_his_own(host: HostKernel) -> None:
    """An ordinary user sees his own mapping; root's five promises and one page are unexplained, and not called a leak.

    Catches: a reader that shows nothing to who is not root, or tells him that what he cannot see has leaked.
    """
    session = host.start(pool(20))
    ready, done = os.pipe()
    try:
        session.apply(Mmap("a", "p", "private", pages=6))
        session.apply(Touch("a", "p", "write", page=0))
        pid = os.fork()
        if pid == 0:
            _hold_and_look_as_nobody(done)
        os.close(done)
        with os.fdopen(ready) as output:
            found = output.read()
        os.waitpid(pid, 0)
        assert found == "private 2 1 | True rsvd-unexplained used-unexplained"
    finally:
        session.close()


def _hold_and_look_as_nobody(done: int) -> None:
    """Map three pages, touch one, and write down what nobody sees of it."""
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    syscalls.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    held = mmap.mmap(-1, 3 * PAGE_SIZE_KB << 10, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_HUGETLB)
    held[0] = 1
    seen = observe_host()
    holders = [f"{each.kind} {each.reserved.best} {each.used.best}" for each in seen.holders]
    warnings = warnings_of(seen, unexplained(seen))
    codes = " ".join(each.code for each in warnings if not each.wrong)
    os.write(done, f"{' '.join(holders)} | {seen.partial} {codes}".encode())
    os._exit(0)


def test_an_orphan_is_promised_nothing(host: HostKernel) -> None:
    """A child that outlives its parent is promised nothing of its mapping.

    Catches: a child that survives its parent, and is taken for the owner because it is the only one left.
    """
    session = host.start(pool(20))
    try:
        session.apply(Mmap("a", "p", "private", pages=6))
        time.sleep(0.1)
        session.apply(Fork("a", "b"))
        session.apply(Exit("a"))
        (orphan,) = [holder for holder in observe_host().holders if holder.kind is Kind.PRIVATE]
        assert orphan.reserved == exactly(0)
        assert orphan.seen_reserved == (0, 0, 6)
    finally:
        session.close()
