"""An observation of a host, from the roots of its /proc and /sys."""

import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from hugeresv.ledger.observation import Kind, Observation, PoolUse
from hugeresv.ledger.reconcile import Unexplained, settle, unexplained
from hugeresv.sources.proc.inodes import unseen_inodes
from hugeresv.sources.proc.interpret import estimate
from hugeresv.sources.proc.pools import read_pools
from hugeresv.sources.proc.read import is_live, read_snapshot
from hugeresv.sources.proc.slab import count_inodes
from hugeresv.sources.proc.snapshot import Snapshot

_CAN_BE_OPEN = frozenset({Kind.FILE, Kind.MEMFD, Kind.MOUNT_MINIMUM})
_ATTEMPTS = 5
_PAUSE_SECONDS = 0.05
_SAMPLES_SECONDS = 0.001
_RECOUNTS, _RECOUNT_SECONDS = 3, 0.02


def observe_host(proc_root: str = "/proc", sys_root: str = "/sys") -> Observation:
    """What holds the huge pages of this host. Raises UnavailableError where it has none.

    One look is enough where it explains the counters. Otherwise it is looked again, everywhere, until two looks in a
    row agree while the counters stand still: what is left then is left. If that does not come about in a few attempts
    the observation that leaves least unexplained is returned, and is not `steady`. While the counters move nothing can
    be proven, and it is not looked. A copy is looked at once.
    """
    last = _look(proc_root, sys_root, thorough=False)
    if not is_live(proc_root):
        return replace(last.observation, copied=True)
    if last.steady and last.explained:
        return last.observation
    looks = [last]
    with watch(sys_root) as counters:
        for _ in range(_ATTEMPTS):
            counters.moved = False
            time.sleep(_PAUSE_SECONDS)
            if counters.moved:
                continue
            look = _look(proc_root, sys_root, thorough=True)
            look.steady &= not counters.moved
            if look.steady and (look.explained or (last.steady and look.agrees_with(last))):
                return look.observation
            looks.append(look)
            last = look
    least = min(looks, key=lambda look: sum(abs(row.reserved_pages) + abs(row.used_pages) for row in look.rest))
    return replace(least.observation, steady=False)


@dataclass(slots=True)
class _Look:
    """One look. `steady`: the counters were the same before and after."""

    observation: Observation
    rest: list[Unexplained]
    steady: bool

    @property
    def explained(self) -> bool:
        return not any(row.reserved_pages or row.used_pages for row in self.rest)

    def agrees_with(self, other: "_Look") -> bool:
        return self.rest == other.rest and self.observation.pools == other.observation.pools


def _look(proc_root: str, sys_root: str, *, thorough: bool) -> _Look:
    estimated: Observation | None = None

    def enough(snapshot: Snapshot) -> bool:
        nonlocal estimated
        found = estimate(snapshot)
        is_enough = is_explained(settle(found), trusted=any(record.presumed for record in snapshot.processes))
        estimated = found if is_enough else None
        return is_enough

    with _without_collection():
        snapshot = read_snapshot(proc_root, sys_root, thorough=thorough, enough=None if thorough else enough)
    for _ in range(_RECOUNTS):  # those of files that have just been closed go within milliseconds
        if not unseen_inodes(snapshot):
            break
        time.sleep(_RECOUNT_SECONDS)
        snapshot = replace(snapshot, inodes=count_inodes(sys_root))
    observation = settle(replace(estimated or estimate(snapshot), unreadable=snapshot.unreadable))
    return _Look(observation, unexplained(observation), read_pools(sys_root, []) == snapshot.pools)


@contextmanager
def _without_collection() -> Iterator[None]:
    """No search for cycles meanwhile: it visits every record, of which there may be hundreds of thousands."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def is_explained(observation: Observation, *, trusted: bool) -> bool:
    """Whether what is mapped is all that is counted, and none of it can be open elsewhere: then no open file matters.

    Who has a file open that others map is one of its holders, and what a file is promised may come out of a minimum.
    `trusted`: some processes are presumed to be promised nothing. What others were seen to be promised must confirm it
    then, and not be a number that the counters have chosen.
    """
    if any(row.reserved_pages or row.used_pages for row in unexplained(observation)):
        return False
    if trusted and any(holder.seen_reserved and holder.reserved.max for holder in observation.holders):
        return False
    return all(holder.certain and holder.kind not in _CAN_BE_OPEN for holder in observation.holders)


@dataclass(slots=True)
class PoolCounters:
    """Whether the counters have moved since this was last set to false."""

    pools: tuple[PoolUse, ...] = ()
    moved: bool = False


@contextmanager
def watch(sys_root: str) -> Iterator[PoolCounters]:
    """Read the counters again and again beside what else is done.

    The same before and after a look does not mean that they stood still: a program that maps and unmaps comes back to
    where it was.
    """
    counters = PoolCounters(read_pools(sys_root, []))
    done = threading.Event()

    def sample() -> None:
        while not done.wait(_SAMPLES_SECONDS):
            pools = read_pools(sys_root, [])
            if pools != counters.pools:
                counters.pools, counters.moved = pools, True

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield counters
    finally:
        done.set()
        thread.join()
