"""The tool's claim on this host: its handle on the guardian."""

import os
import socket
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import hugeresv
from hugeresv.errors import UnavailableError
from hugeresv.kernels.host.lock import lock_path, wait_seconds
from hugeresv.kernels.host.process import Worker
from hugeresv.kernels.host.wire import Channel

_PATIENCE_SECONDS = 30
_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from hugeresv.kernels.host.guardian import main; main()"


class Claim:
    """Held from construction to `close`, or to the end of this process, whatever ends it.

    While another holds the lock, construction waits as long as HUGERESV_LOCK_WAIT says, by default not at all.
    Every method raises UnavailableError when the guardian cannot do it here.
    """

    def __init__(self) -> None:
        if os.geteuid() != 0:
            raise UnavailableError("the host's huge page pool can only be changed by root; run as root")
        patience = wait_seconds()
        ours, theirs = socket.socketpair()
        with theirs:
            self._guardian = _start(theirs.fileno(), patience)
        self._channel = Channel(ours)
        self._channel.limit(patience + _PATIENCE_SECONDS)
        self._keeper: tuple[Worker, int] | None = None
        self._end = weakref.finalize(self, _end, self._channel, self._guardian)
        try:
            self._reply()
            self._channel.limit(_PATIENCE_SECONDS)
        except BaseException:
            self.close()
            raise

    def borrow(self, page_size_kB: int) -> None:
        """Take the pool of a page size, which must be idle; the guardian gives it back as it is now."""
        self._request("borrow", page_size_kB)

    def heal(self, page_size_kB: int) -> None:
        """Try to bring the reserved count of an idle borrowed pool to 0."""
        self._request("heal", page_size_kB)

    def cgroups(self) -> str:
        """The directory for cgroups, as the keeper sees it."""
        path, _ = self._request("cgroups")
        return str(path)

    def keeper(self) -> tuple[Worker, int]:
        """The keeper of the present world, and its pid."""
        if self._keeper is None:
            self._keeper = self._start_world()
        return self._keeper

    def end_world(self) -> None:
        """End every process, file, segment, mount and cgroup of the present world, whatever they are doing."""
        if self._keeper is not None:
            self._keeper[0].let_go()
            self._keeper = None
            self._keeper = self._start_world()

    def close(self) -> None:
        """Have the guardian put everything back, and wait for its end."""
        if self._keeper is not None:
            self._keeper[0].let_go()
            self._keeper = None
        self._end()

    def _start_world(self) -> tuple[Worker, int]:
        pid, descriptors = self._request("world")
        return Worker(*descriptors), pid

    def _request(self, name: str, argument: Any = None) -> tuple[Any, list[int]]:
        self._channel.send((name, argument))
        return self._reply()

    def _reply(self) -> tuple[Any, list[int]]:
        """The value of the next reply, and the descriptors that came with it."""
        try:
            (done, value), descriptors = self._channel.receive_with_descriptors()
        except EOFError:
            raise UnavailableError("the guardian of the host's huge page pool has died") from None
        except TimeoutError:
            raise UnavailableError(_stuck(self._guardian)) from None
        if not done:
            raise UnavailableError(value)
        return value, descriptors


def _start(channel: int, patience: float) -> subprocess.Popen[bytes]:
    """The guardian: an interpreter without site packages, away from our directory, our terminal and our output."""
    root = Path(hugeresv.__file__).parent.parent
    arguments = [str(root), str(channel), str(os.getpid()), lock_path(), str(patience)]
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _START, *arguments],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[channel],
        start_new_session=True,
    )


def _end(channel: Channel, guardian: subprocess.Popen[bytes]) -> None:
    channel.close()
    try:
        guardian.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        raise UnavailableError(_stuck(guardian)) from None


def _stuck(guardian: subprocess.Popen[bytes]) -> str:
    return (
        "a process of the scenario does not end in the kernel; "
        f"guardian {guardian.pid} waits for it and then restores the pool"
    )
