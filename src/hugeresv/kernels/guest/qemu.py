"""The emulator as a process of ours: what it is told, how it is watched, and that it never outlives us."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from hugeresv.errors import UnavailableError
from hugeresv.kernels.closed_on_exit import ClosedOnExit
from hugeresv.kernels.guest.conversation import Conversation
from hugeresv.kernels.guest.memory import Ram
from hugeresv.kernels.syscalls import die_with

_PROGRAM = "qemu-system-x86_64"
_MACHINE = (
    *("-accel", "tcg", "-cpu", "max,-cx16,-erms,-fsrm,-la57", "-machine", "pc"),
    *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
)
"""Emulated, a string instruction takes its time for every turn. Without `erms` and `fsrm` the kernel clears and copies
memory by eight bytes a turn instead of one. Without `la57` page tables have four levels, as on most machines: with five
an address space ends at 2**56, and what is ENOMEM there is another errno, or works. Without `cx16` the kernel does not
use cmpxchg16b: QEMU before 8.0 computes the flags of that instruction from a stale `cc_op`, an interrupt at the next
instruction restores whatever that gave, and the guest ends with a double fault."""

_LAST_LINES, _LAST_BYTES = 30, 1 << 14
_MOST_PRINTED_BYTES = 1 << 20


class Emulator(ClosedOnExit):
    """A running guest, its `conversation` with the agent there. Raises UnavailableError where there is no emulator.

    `ram` is its memory, and closed with it. What the guest's kernel prints goes to a file of its own, and is read only
    when something fails.
    """

    def __init__(self, arguments: Sequence[str], ram: Ram, descriptors: Sequence[int] = ()) -> None:
        with ExitStack() as opened:
            self.ram = opened.enter_context(ram)
            if shutil.which(_PROGRAM) is None:
                raise UnavailableError(
                    f"guests need {_PROGRAM}, which is not installed; on Debian: apt-get install qemu-system-x86"
                )
            self._console = opened.enter_context(tempfile.TemporaryFile())
            agent, agents_end = (opened.enter_context(end) for end in socket.socketpair())
            control, control_end = (opened.enter_context(end) for end in socket.socketpair())
            self._process = subprocess.Popen(
                [
                    *(_PROGRAM, *_MACHINE, *ram.arguments, "-serial", "stdio"),
                    *("-chardev", f"socket,id=agent,fd={agents_end.fileno()}", "-serial", "chardev:agent"),
                    *("-chardev", f"socket,id=control,fd={control_end.fileno()}", "-mon", "control,mode=control"),
                    *arguments,
                ],
                stdin=subprocess.DEVNULL,
                stdout=self._console,
                stderr=subprocess.STDOUT,
                pass_fds=(agents_end.fileno(), control_end.fileno(), ram.descriptor, *descriptors),
                preexec_fn=partial(die_with, os.getpid()),  # noqa: PLW1509  the kernel forgets this wish at fork, so it is the child's to make
            )
            agents_end.close()
            control_end.close()
            self._control = control
            self._control_lines = control.makefile("rb")
            self.conversation = Conversation(agent, partial(_worked_seconds, self._process.pid))
            self._opened = opened.pop_all()

    def command(self, name: str, descriptor: int | None = None, **arguments: Any) -> Any:
        """A QMP command, with a descriptor beside it where it wants one: what it returns."""
        self.tell(name, descriptor, **arguments)
        return self.hear(name)

    def tell(self, name: str, descriptor: int | None = None, **arguments: Any) -> None:
        """Give it a QMP command; `hear` is what it returns, of one command after the other."""
        request = json.dumps({"execute": name, "arguments": arguments}).encode()
        if descriptor is None:
            self._control.sendall(request)
        else:
            socket.send_fds(self._control, [request], [descriptor])

    def hear(self, name: str) -> Any:
        """What the first command returns that was told and not heard yet. Raises EOFError when the emulator is gone."""
        while True:
            line = self._control_lines.readline()
            if not line:
                raise EOFError
            message = json.loads(line)
            if "error" in message:
                raise UnavailableError(f"{_PROGRAM} refuses {name}: {message['error']['desc']}")
            if "return" in message:
                return message["return"]

    def printed(self, start: int = 0) -> str:
        """What the guest's kernel, or the emulator itself, has printed; `start` is that of `printed_bytes` before."""
        console = self._console.fileno()
        text = os.pread(console, min(self.printed_bytes - start, _MOST_PRINTED_BYTES), start)
        return text.decode(errors="replace").replace("\r\n", "\n")

    @property
    def printed_bytes(self) -> int:
        """How much it is."""
        return os.fstat(self._console.fileno()).st_size

    def last_words(self) -> str:
        """The end of it, indented."""
        lines = self.printed(max(0, self.printed_bytes - _LAST_BYTES)).split("\n")
        return "\n".join(f"  {line}" for line in lines[-_LAST_LINES:])

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self.conversation.close()
        self._control_lines.close()
        self._opened.close()


def read_only_copy(descriptor: int) -> int:
    """Another descriptor of the same open file, which reads it from its start on."""
    return os.open(Path(f"/proc/self/fd/{descriptor}"), os.O_RDONLY)


def _worked_seconds(process: int) -> float:
    """The CPU time of a process of ours."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    user, system = fields[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
