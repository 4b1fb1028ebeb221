"""A guest that has booted, kept: every restore of it is a fresh kernel.

Its memory is kept beside the state of its devices, which takes `x-ignore-shared` of QEMU: copying what is not zero of
the one takes 0.05 s, reading the other as much.
"""

import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from hugeresv.errors import UnavailableError
from hugeresv.kernels.closed_on_exit import ClosedOnExit
from hugeresv.kernels.guest.agent import agent_program
from hugeresv.kernels.guest.conversation import Conversation
from hugeresv.kernels.guest.hardware import Hardware
from hugeresv.kernels.guest.images import Image
from hugeresv.kernels.guest.initramfs import initramfs
from hugeresv.kernels.guest.memory import Contents, Ram
from hugeresv.kernels.guest.qemu import Emulator, read_only_copy
from hugeresv.sources.physical import note_text

_BOOT_SECONDS = 120.0
"""Emulated, a boot takes 3 s; a machine may be many times as busy."""

_COMMAND_LINE = "console=ttyS0 loglevel=5 no_timer_check mitigations=off init_on_alloc=0 panic=-1 oops=panic"
"""A kernel that fails ends the emulator, which is noticed at once. Its warnings are printed, which `quiet` would leave
out. It does not panic when the timer's interrupts are late, as on a busy machine. Pages are not cleared when they enter
the pool: a fault clears them anyway, and until then the emulator needs no memory for them."""

_VMCOREINFO = "/sys/kernel/vmcoreinfo"

_MOST_SYMBOLS = 32
"""In one request: the agent reads so many words at once, and some more."""

_LEAST_ROOM_BYTES = 1 << 20
"""Less than the state of its devices takes."""

_POLL_SECONDS = 0.005
_UNLIMITED = 1 << 40


class _BootError(UnavailableError):
    """The agent of a guest did not come to run."""


class BootedGuest(ClosedOnExit):
    """A booted guest. Raises UnavailableError where none can be had.

    `keeper` is the keeper's process ID in it, `vmcoreinfo` the text of its kernel's VMCOREINFO.
    """

    def __init__(self, image: Image, hardware: Hardware) -> None:
        self.architecture = image.architecture
        self.nodes = hardware.nodes
        self.cpus = range(hardware.cpus)
        self._symbols: dict[str, int] = {}
        self._spare: Emulator | None = None
        self._next: Emulator | None = None
        self._asked = False
        with ExitStack() as opened:  # without names: nothing is left, whatever ends us
            self._state = opened.enter_context(tempfile.TemporaryFile())
            try:
                self.vmcoreinfo = self._boot(image, hardware)
            except _BootError:
                if hardware.cpus == 1:
                    raise
                # Emulated, two processors died at boot once in some hundred boots, in code that is patched as it runs.
                self.vmcoreinfo = self._boot(image, hardware)
            opened.pop_all()

    def _boot(self, image: Image, hardware: Hardware) -> bytes:
        """Boot it, and keep it as it is then; its VMCOREINFO."""
        with tempfile.TemporaryFile() as archive:
            archive.write(initramfs({"init": agent_program(self.architecture)}))
            archive.flush()
            descriptor = archive.fileno()
            command_line = f"{_COMMAND_LINE} {hardware.command_line}"
            boot = ("-kernel", str(image.whole()), "-append", command_line, "-initrd", f"/proc/self/fd/{descriptor}")
            with Emulator(boot, Ram(hardware.memory_bytes, hardware.nodes, hardware.cpus), (descriptor,)) as guest:
                try:
                    self.keeper = guest.conversation.greeting(_BOOT_SECONDS)
                except (EOFError, TimeoutError):
                    raise _BootError(_does_not_boot(image, guest.last_words())) from None
                place = guest.conversation.ask("read", _VMCOREINFO)
                self._save(guest)
                self._contents = Contents(guest.ram)
        return self._note(*place)

    def take(self, *, fresh: bool) -> Emulator:
        """A guest for a scenario: unless it must be fresh, the one that the scenario before has left as it was."""
        spare, self._spare = self._spare, None
        if spare is not None and not fresh:
            return spare
        if spare is not None:
            spare.close()
        return self.restore()

    def give_back(self, guest: Emulator) -> None:
        """Keep a guest for the next scenario that may have it."""
        self._spare = guest

    def restore(self) -> Emulator:
        """A guest as it was right after its boot.

        From the second call on, the next guest reads its state while this one works.
        """
        guest, self._next = self._next, None
        if guest is not None and not _is_ready(guest):
            guest.close()
            guest = None
        if guest is None:
            guest = self._begun()
            if not _is_ready(guest):
                said = guest.last_words()
                guest.close()
                raise UnavailableError(f"the guest cannot be restored; the emulator's last words:\n{said}")
        if self._asked:
            self._next = self._begun()
        self._asked = True
        return guest

    def _begun(self) -> Emulator:
        """An emulator that has been told to read the state."""
        state = read_only_copy(self._state.fileno())
        try:
            guest = Emulator(("-incoming", "defer"), self._contents.copied(), (state,))
        finally:
            os.close(state)
        for name, arguments in (*_PREPARATION, ("migrate-incoming", {"uri": f"fd:{state}"})):
            guest.tell(name, **arguments)
        return guest

    def kernel_symbols(self, conversation: Conversation, names: Sequence[str]) -> dict[str, int]:
        """Addresses of the kernel's symbols, asked of a restored guest once: all of one snapshot have the same."""
        wanted = [name for name in names if name not in self._symbols]
        for first in range(0, len(wanted), _MOST_SYMBOLS):
            asked = wanted[first : first + _MOST_SYMBOLS]
            errno, *addresses = conversation.ask("symbols", *asked)
            if int(errno):
                raise UnavailableError(f"cannot read /proc/kallsyms in the guest: {os.strerror(int(errno))}")
            self._symbols |= dict(zip(asked, map(int, addresses), strict=True))
        return {name: self._symbols[name] for name in names if self._symbols[name]}

    def close(self) -> None:
        """Forget it."""
        for guest in (self._spare, self._next):
            if guest is not None:
                guest.close()
        self._contents.close()
        self._state.close()

    def _save(self, guest: Emulator) -> None:
        for name, arguments in _PREPARATION:
            guest.command(name, **arguments)
        guest.command("getfd", self._state.fileno(), fdname="state")
        guest.command("migrate", uri="fd:state")
        while (state := guest.command("query-migrate"))["status"] != "completed":
            if state["status"] == "failed":
                raise UnavailableError(self._not_saved(state.get("error-desc") or guest.last_words()))
            time.sleep(_POLL_SECONDS)

    def _not_saved(self, said: str) -> str:
        room = os.fstatvfs(self._state.fileno())
        if room.f_bavail * room.f_frsize < _LEAST_ROOM_BYTES:
            return f"the guest cannot be saved: {tempfile.gettempdir()} is full (set TMPDIR to another directory)"
        return f"the guest cannot be saved: {said or 'the emulator does not say why'}"

    def _note(self, errno: str, address: str, size: str = "") -> bytes:
        """What is at the physical address, and of the size, that /sys/kernel/vmcoreinfo tells in hexadecimal."""
        return b"" if int(errno) else note_text(self._contents.read(int(address, 16), int(size, 16)))


def _does_not_boot(image: Image, last_words: str) -> str:
    said = (
        f"its last words:\n{last_words}" if last_words.strip() else f"it printed nothing; {image.path} may be damaged"
    )
    return f"guest:{image.name} does not boot; {said}"


_PREPARATION: Sequence[tuple[str, dict[str, Any]]] = (
    ("qmp_capabilities", {}),
    ("migrate-set-capabilities", {"capabilities": [{"capability": "x-ignore-shared", "state": True}]}),
    ("migrate-set-parameters", {"max-bandwidth": _UNLIMITED}),
)
"""Has an emulator write or read its state without its memory, as fast as it can."""


def _is_ready(guest: Emulator) -> bool:
    """Wait until it has read its state, and runs; it is not if it has ended.

    It is spoken to only when it runs: what its serial port is sent while its state is read gets lost.
    """
    try:
        for name, _ in (*_PREPARATION, ("migrate-incoming", {})):
            guest.hear(name)
        while guest.command("query-status")["status"] == "inmigrate":
            time.sleep(_POLL_SECONDS)
    except (EOFError, ConnectionError):
        return False
    return True
