"""A guest that has booted, kept in a file: every restore of it is a fresh kernel."""

import os
import tempfile
import time

from hugeresv.errors import UnavailableError
from hugeresv.kernels.closed_on_exit import ClosedOnExit
from hugeresv.kernels.guest.agent import agent_program
from hugeresv.kernels.guest.images import Image
from hugeresv.kernels.guest.initramfs import initramfs
from hugeresv.kernels.guest.qemu import Emulator, read_only_copy

_MEMORY_MEBIBYTES = 1024
_BOOT_SECONDS = 120.0
"""Emulated, a boot takes 3 s; a machine may be many times as busy."""

_COMMAND_LINE = "console=ttyS0 quiet mitigations=off panic=-1 oops=panic"
"""A kernel that fails ends the emulator, which is noticed at once."""

_POLL_SECONDS = 0.01
_UNLIMITED = 1 << 40


class Snapshot(ClosedOnExit):
    """A booted guest. `keeper` is the keeper's process ID in it. Raises UnavailableError where none can be had."""

    def __init__(self, image: Image) -> None:
        self._state = tempfile.TemporaryFile()  # noqa: SIM115  closed with the snapshot
        with tempfile.TemporaryFile() as archive:  # without a name, like the state: nothing is left, whatever ends us
            archive.write(initramfs({"init": agent_program()}))
            archive.flush()
            descriptor = archive.fileno()
            boot = ("-kernel", str(image.path), "-append", _COMMAND_LINE, "-initrd", f"/proc/self/fd/{descriptor}")
            with Emulator(boot, _MEMORY_MEBIBYTES, (descriptor,)) as guest:
                try:
                    self.keeper = guest.conversation.greeting(_BOOT_SECONDS)
                except (EOFError, TimeoutError):
                    raise UnavailableError(
                        f"guest:{image.name} does not boot; its last words:\n{guest.last_words()}"
                    ) from None
                self._save(guest)

    def restore(self) -> Emulator:
        """A guest as it was right after its boot.

        It is spoken to only when it runs: what its serial port is sent while its state is read gets lost.
        """
        state = read_only_copy(self._state.fileno())
        try:
            guest = Emulator(("-incoming", f"fd:{state}"), _MEMORY_MEBIBYTES, (state,))
        finally:
            os.close(state)
        guest.command("qmp_capabilities")
        while guest.command("query-status")["status"] == "inmigrate":
            time.sleep(_POLL_SECONDS)
        return guest

    def close(self) -> None:
        """Forget it."""
        self._state.close()

    def _save(self, guest: Emulator) -> None:
        guest.command("qmp_capabilities")
        guest.command("migrate-set-parameters", **{"max-bandwidth": _UNLIMITED})
        guest.command("getfd", self._state.fileno(), fdname="state")
        guest.command("migrate", uri="fd:state")
        while (status := guest.command("query-migrate")["status"]) != "completed":
            if status == "failed":
                raise UnavailableError(f"the guest cannot be saved: {guest.last_words()}")
            time.sleep(_POLL_SECONDS)
