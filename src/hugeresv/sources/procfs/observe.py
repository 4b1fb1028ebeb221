"""An observation of a host, from the roots of its /proc and /sys."""

from hugeresv.ledger.observation import Observation, Unreadable
from hugeresv.sources.procfs.interpret import interpret
from hugeresv.sources.procfs.pools import read_pools
from hugeresv.sources.procfs.read import read_snapshot

_ATTEMPTS = 3


def observe_host(proc_root: str = "/proc", sys_root: str = "/sys") -> Observation:
    """What holds the huge pages of this host. Raises UnavailableError where it has none.

    Reading takes a while, and the counters may change meanwhile: then it is read anew, and if they never hold still the
    last observation says so among what it could not read.
    """
    for _ in range(_ATTEMPTS):
        snapshot = read_snapshot(proc_root, sys_root)
        if read_pools(sys_root) == snapshot.pools:
            return interpret(snapshot)
    observation = interpret(snapshot)
    moving = Unreadable("one moment of the pools", "their counters changed while the processes were read")
    return Observation(
        observation.pools,
        observation.holders,
        observation.mounts,
        observation.cgroups,
        (*observation.unreadable, moving),
    )
