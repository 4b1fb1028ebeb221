"""A stock kernel in an emulated machine: a fresh one for every scenario."""

from collections.abc import Mapping

from hugeresv.kernels.closed_on_exit import ClosedOnExit
from hugeresv.kernels.guest.images import find_image
from hugeresv.kernels.guest.session import GuestSession
from hugeresv.kernels.guest.snapshot import Snapshot
from hugeresv.scenario.scenario import Cgroup, Pool


class GuestKernel(ClosedOnExit):
    """The kernel that `find_image` finds. It is booted at the first `start`, and kept booted until `close`."""

    def __init__(self, name: str) -> None:
        """Raises UnavailableError where there is no such kernel, InputError for a file that is none."""
        self._image = find_image(name)
        self._snapshot: Snapshot | None = None

    @property
    def name(self) -> str:
        """`guest:NAME`."""
        return f"guest:{self._image.name}"

    @property
    def expectation_names(self) -> tuple[str, ...]:
        """The release as behaviours are named, `6.1`, and the name."""
        return self._image.version, self.name

    @property
    def real(self) -> bool:
        """A step that hangs hangs a process of the guest."""
        return True

    def start(self, pool: Pool, cgroups: Mapping[str, Cgroup] | None = None) -> GuestSession:
        """A fresh start. Raises UnavailableError where QEMU, a compiler or the guest's memory is wanting."""
        if self._snapshot is None:
            self._snapshot = Snapshot(self._image)
        return GuestSession(self._snapshot, pool, cgroups)

    def close(self) -> None:
        """Forget the booted guest."""
        if self._snapshot is not None:
            self._snapshot.close()
            self._snapshot = None
