"""An observation of a host, from the roots of its /proc and /sys."""

from hugeresv.ledger.observation import Observation, Unreadable
from hugeresv.ledger.reconcile import Unexplained, unexplained
from hugeresv.sources.proc.interpret import interpret
from hugeresv.sources.proc.pools import read_pools
from hugeresv.sources.proc.read import read_snapshot

_ATTEMPTS = 3


def observe_host(proc_root: str = "/proc", sys_root: str = "/sys") -> Observation:
    """What holds the huge pages of this host. Raises UnavailableError where it has none.

    Reading takes a while, and meanwhile counters may change, or a process end that they still counted, which looks like
    a leak. Then it is read anew. If neither it holds still nor the same rest stays unexplained in every attempt, the
    last observation says so among what it could not read.
    """
    rests: set[tuple[Unexplained, ...] | None] = set()
    for _ in range(_ATTEMPTS):
        snapshot = read_snapshot(proc_root, sys_root)
        moved = read_pools(sys_root, []) != snapshot.pools
        observation = interpret(snapshot)
        rest = tuple(unexplained(observation))
        explained = not any(row.reserved_pages or row.used_pages for row in rest)
        if not moved and (explained or not snapshot.vanished):
            return observation
        rests.add(None if moved else rest)
    if rests == {rest}:
        return observation
    moving = Unreadable(
        "one moment of the pools", "their counters changed, or processes ended, while the processes were read"
    )
    return Observation(
        observation.pools,
        observation.holders,
        observation.mounts,
        observation.cgroups,
        (*observation.unreadable, moving),
    )
