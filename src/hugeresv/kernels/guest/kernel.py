"""A stock kernel in an emulated machine: a fresh one for every scenario."""

import errno
import math
import tempfile
from collections.abc import Mapping, Sequence

from hugeresv.errors import UnavailableError, UnsupportedError
from hugeresv.kernels.admission import failing_steps, refuse_at_once
from hugeresv.kernels.closed_on_exit import ClosedOnExit
from hugeresv.kernels.guest.hardware import Hardware, hardware_for
from hugeresv.kernels.guest.images import find_image
from hugeresv.kernels.guest.options import NONE, Options
from hugeresv.kernels.guest.session import GuestSession
from hugeresv.kernels.guest.snapshot import BootedGuest
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.release import closest, known_as
from hugeresv.scenario.scenario import Cgroup, Pool, Scenario, Together

_FAULT_INJECTION = "should_fail_ex"
"""A function of every kernel since 6.1 that can let allocations fail."""


class GuestKernel(ClosedOnExit):
    """The kernel that `find_image` finds, on machines that are booted when first needed, and kept until `close`."""

    def __init__(self, name: str, options: Options = NONE) -> None:
        """Raises UnavailableError where there is no such kernel, InputError for a file that is none."""
        self._image = find_image(name)
        self._options = options
        self._snapshots: dict[Hardware, BootedGuest] = {}
        self._cpus = 1
        self.keeps_guests = False
        """Whether a scenario may have the guest of the one before, as long as that has left nothing in it."""
        self.longest_seconds = math.inf
        """After this a call of a scenario is given up, where that is less than usual."""

    @property
    def name(self) -> str:
        """`guest:NAME`, whatever its options are."""
        return f"guest:{self._image.name}"

    @property
    def expectation_names(self) -> tuple[str, ...]:
        """Those of the release, `6.1`, and the name."""
        return *known_as(self._image.release, self._image.version), self.name

    @property
    def behaviour(self) -> Behaviour:
        """The closest one to its release."""
        return closest(self._image.release, self._image.version).behaviour

    @property
    def real(self) -> bool:
        """A step that hangs hangs a process of the guest."""
        return True

    @property
    def nodes(self) -> int:
        """As its options say."""
        return self._options.nodes

    def admit(self, scenario: Scenario) -> None:
        """See `Kernel.admit`. Calls at once are given two CPUs."""
        refuse_at_once(scenario)
        self._cpus = 2 if any(isinstance(step.operation, Together) for step in scenario.steps) else 1
        for number in failing_steps(scenario):
            with self.start(scenario.pool, scenario.cgroups, scenario.pools or ()) as session:
                if not session.kernel_symbols([_FAULT_INJECTION]):
                    raise UnsupportedError(
                        f"step {number}: {self.name} has no fault injection, which fails= needs; build a kernel with "
                        "docs/fault-injection.config, and run --on guest:PATH of its bzImage"
                    )
            return

    def start(
        self, pool: Pool, cgroups: Mapping[str, Cgroup] | None = None, pools: Sequence[Pool] = ()
    ) -> GuestSession:
        """A fresh start. Raises UnavailableError where QEMU, a compiler or the guest's memory is wanting."""
        hardware = hardware_for((pool, *pools), self._options, self._cpus)
        told_apart = any(each.nodes for each in (pool, *pools))
        try:
            if hardware not in self._snapshots:
                self._snapshots[hardware] = BootedGuest(self._image, hardware)
            keep = self.keeps_guests or self._cpus > 1  # calls at once are made many times
            nodes = hardware.nodes if told_apart else None
            snapshot, every = self._snapshots[hardware], (pool, *pools)
            return GuestSession(snapshot, every, cgroups, nodes, keep=keep, longest_seconds=self.longest_seconds)
        except OSError as error:
            where = f" in {tempfile.gettempdir()} (TMPDIR)" if error.errno == errno.ENOSPC else ""
            raise UnavailableError(f"a guest cannot be started: {error.strerror or error}{where}") from None

    def close(self) -> None:
        """Forget the booted guests."""
        for snapshot in self._snapshots.values():
            snapshot.close()
        self._snapshots.clear()
