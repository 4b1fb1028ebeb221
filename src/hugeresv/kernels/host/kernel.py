"""The host as a kernel: one scenario at a time, on a pool that is borrowed from this machine."""

import glob
import os
from collections.abc import Mapping, Sequence

from hugeresv.errors import UnavailableError, UnsupportedError
from hugeresv.kernels.admission import failing_steps, refuse_at_once
from hugeresv.kernels.closed_on_exit import ClosedOnExit
from hugeresv.kernels.host.claim import Claim
from hugeresv.kernels.host.pool import HugePool
from hugeresv.kernels.host.session import HostSession
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.release import closest, known_as
from hugeresv.scenario.scenario import Cgroup, Pool, Scenario


class HostKernel(ClosedOnExit):
    """The kernel of this machine.

    The first `start` takes the host's huge page lock, and each page size's pool when it is first asked for; `close`
    gives all back as it was. Nothing else may use these pools meanwhile: it would show in the counters.
    """

    name = "host"

    def __init__(self) -> None:
        self._claim: Claim | None = None
        self._pools: dict[int, HugePool] = {}
        self._session: HostSession | None = None

    @property
    def expectation_names(self) -> tuple[str, ...]:
        """Those of the release, `6.18`, and `host`."""
        uname = os.uname()
        return *known_as(uname.release, uname.version), self.name

    @property
    def behaviour(self) -> Behaviour:
        """The closest one to its release."""
        uname = os.uname()
        return closest(uname.release, uname.version).behaviour

    @property
    def real(self) -> bool:
        """A step that hangs hangs this machine's process."""
        return True

    @property
    def nodes(self) -> int:
        """Scenarios that tell several apart are not run here."""
        return 1

    def admit(self, scenario: Scenario) -> None:
        """See `Kernel.admit`."""
        refuse_at_once(scenario)
        for number in failing_steps(scenario):
            raise UnsupportedError(
                f"step {number}: no allocation of the host is made to fail; fails= is for the model, and for guests "
                "with fault injection (docs/fault-injection.config)"
            )

    def start(self, pool: Pool, cgroups: Mapping[str, Cgroup] | None = None, pools: Sequence[Pool] = ()) -> HostSession:
        """A fresh start. Raises UnavailableError when not root, or the pool is locked, in use, or cannot grow so far.

        One session at a time: the one before must have been closed.
        """
        if pools or len(pool.nodes or ()) > 1:
            raise UnsupportedError(
                "a scenario of several pools or nodes cannot run on the host; run it in a guest: --on guest:NAME"
            )
        if pool.nodes and not _has_one_node():
            raise UnavailableError(
                "this host has several NUMA nodes; a scenario that reads or sets single nodes runs in a "
                "guest only: --on guest:NAME"
            )
        if self._session is not None and not self._session.closed:
            raise RuntimeError("the session before has not been closed")
        if self._claim is None:
            self._claim = Claim()
        host_pool = self._borrow(self._claim, pool.page_size_kB)
        if host_pool.is_leaking():
            self._claim.heal(pool.page_size_kB)
        if host_pool.is_leaking() and not host_pool.comes_to_rest(lambda: not host_pool.is_leaking()):
            raise UnavailableError(
                f"the host's counters are contaminated: {host_pool.counters()[2]} reservations are counted that no "
                "scenario has; end the other users of the pool (`hugeresv status` lists them), or, if there is none, "
                "reboot: a bug of the kernel has leaked them"
            )
        host_pool.reset(pool.pages, pool.nr_overcommit or 0)
        self._session = HostSession(self._claim, host_pool, cgroups, tells_nodes=pool.nodes is not None)
        return self._session

    def close(self) -> None:
        """Put everything back and release the lock."""
        if self._claim is None:
            return
        try:
            if self._session is not None:
                self._session.close()
        finally:
            for pool in self._pools.values():
                pool.close()
            self._pools.clear()
            self._claim.close()
            self._claim = None

    def _borrow(self, claim: Claim, page_size_kB: int) -> HugePool:
        if page_size_kB not in self._pools:
            claim.borrow(page_size_kB)
            self._pools[page_size_kB] = HugePool(page_size_kB)
        return self._pools[page_size_kB]


def _has_one_node() -> bool:
    """A kernel without NUMA has no directory for its one node."""
    return len(glob.glob("/sys/devices/system/node/node[0-9]*")) <= 1
