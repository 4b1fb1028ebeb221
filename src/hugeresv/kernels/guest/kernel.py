"""A stock kernel in an emulated machine: a fresh one for every scenario."""

import errno
import tempfile
from collections.abc import Mapping, Sequence

from hugeresv.errors import UnavailableError
from hugeresv.kernels.closed_on_exit import ClosedOnExit
from hugeresv.kernels.guest.hardware import Hardware, hardware_for
from hugeresv.kernels.guest.images import find_image
from hugeresv.kernels.guest.options import NONE, Options
from hugeresv.kernels.guest.session import GuestSession
from hugeresv.kernels.guest.snapshot import BootedGuest
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.release import closest, known_as
from hugeresv.scenario.scenario import Cgroup, Pool


class GuestKernel(ClosedOnExit):
    """The kernel that `find_image` finds, on machines that are booted when first needed, and kept until `close`."""

    def __init__(self, name: str, options: Options = NONE) -> None:
        """Raises UnavailableError where there is no such kernel, InputError for a file that is none."""
        self._image = find_image(name)
        self._options = options
        self._snapshots: dict[Hardware, BootedGuest] = {}
        self.keeps_guests = False
        """Whether a scenario may have the guest of the one before, as long as that has left nothing in it."""

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

    def start(
        self, pool: Pool, cgroups: Mapping[str, Cgroup] | None = None, pools: Sequence[Pool] = ()
    ) -> GuestSession:
        """A fresh start. Raises UnavailableError where QEMU, a compiler or the guest's memory is wanting."""
        hardware = hardware_for((pool, *pools), self._options)
        told_apart = any(each.nodes for each in (pool, *pools))
        try:
            if hardware not in self._snapshots:
                self._snapshots[hardware] = BootedGuest(self._image, hardware)
            nodes = hardware.nodes if told_apart else None
            return GuestSession(self._snapshots[hardware], (pool, *pools), cgroups, nodes, keep=self.keeps_guests)
        except OSError as error:
            where = f" in {tempfile.gettempdir()} (TMPDIR)" if error.errno == errno.ENOSPC else ""
            raise UnavailableError(f"a guest cannot be started: {error.strerror or error}{where}") from None

    def close(self) -> None:
        """Forget the booted guests."""
        for snapshot in self._snapshots.values():
            snapshot.close()
        self._snapshots.clear()
