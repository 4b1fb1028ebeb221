"""What the kernel of this machine does when a mapping is made and touched, in a child that may die of it."""

import ctypes
import errno
import json
import mmap
import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from hugeresv.calls.abi import (
    IPC_CREAT,
    IPC_PRIVATE,
    IPC_RMID,
    MAP_HUGETLB,
    MAP_NORESERVE,
    SHM_HUGETLB,
    SHM_NORESERVE,
)
from hugeresv.fitting.situation import What
from hugeresv.outcome import Outcome

PAGE_BYTES = 2 << 20
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.shmat.restype = ctypes.c_ssize_t


@dataclass(frozen=True)
class Attempt:
    """A mapping to be made: `directory` for a file on a mount."""

    what: What
    pages: int
    noreserve: bool = False
    directory: str | None = None


class Child:
    """A process that waits, in a cgroup (a directory) and as a user, until it is told to make a mapping.

    `prepare` is called in it first.
    """

    def __init__(
        self, cgroup: str | None = None, user: int | None = None, prepare: Callable[[], None] | None = None
    ) -> None:
        self._ended = False
        self._orders, orders = os.pipe()
        self._results, results = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(orders)
            os.close(self._results)
            self._live(results, cgroup, user, prepare)
        self._order = orders
        os.close(self._orders)
        os.close(results)
        assert os.read(self._results, 1) == b"."

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._order)
        os.close(self._results)
        if not self._ended:
            os.waitpid(self.pid, 0)

    def attempt(self, attempt: Attempt) -> tuple[str, Outcome, int | None]:
        """Have it made: the call, what it answered, and the page whose touch failed."""
        os.write(self._order, json.dumps(asdict(attempt)).encode())
        said = b""
        while said[-1:] != b"!" and (more := os.read(self._results, 4096)):
            said += more
        if said[:1] == b"e":
            call, number = said[1:-1].decode().split()
            return call, Outcome(errno.errorcode[int(number)]), None
        if said[-1:] == b"!":
            return "touch", Outcome.OK, None
        _, status = os.waitpid(self.pid, 0)
        self._ended = True
        assert os.WIFSIGNALED(status), "the child has failed, see its traceback"
        return "touch", Outcome[signal.Signals(os.WTERMSIG(status)).name], said.count(b"+")

    def _live(self, results: int, cgroup: str | None, user: int | None, prepare: Callable[[], None] | None) -> None:
        signal.signal(signal.SIGBUS, signal.SIG_DFL)
        try:
            if prepare is not None:
                prepare()
            if cgroup is not None:
                Path(cgroup, "cgroup.procs").write_text("0")
            if user is not None:
                os.setgroups([])
                os.setresgid(user, user, user)
                os.setresuid(user, user, user)
            os.write(results, b".")
            order = os.read(self._orders, 4096)
            if order:
                told = json.loads(order)
                _carry_out(results, Attempt(**{**told, "what": What(told["what"])}))
        except OSError:
            traceback.print_exc()
        finally:
            os._exit(0)


def _carry_out(results: int, attempt: Attempt) -> None:
    try:
        address = _map(attempt)
    except FailedError as error:
        os.write(results, f"e{error}!".encode())
        return
    for page in range(attempt.pages):
        ctypes.memset(address + page * PAGE_BYTES, 1, 1)
        os.write(results, b"+")
    os.write(results, b"!")


def _map(attempt: Attempt) -> int:
    length = attempt.pages * PAGE_BYTES
    if attempt.what is What.SYSV:
        flags = SHM_HUGETLB | IPC_CREAT | (SHM_NORESERVE if attempt.noreserve else 0) | 0o600
        segment = _checked("shmget", LIBC.shmget(IPC_PRIVATE, ctypes.c_size_t(length), flags))
        try:
            return _checked("shmat", LIBC.shmat(segment, None, 0))
        finally:
            LIBC.shmctl(segment, IPC_RMID, None)
    flags = mmap.MAP_SHARED if attempt.what is What.SHARED else mmap.MAP_PRIVATE
    if attempt.noreserve:
        flags |= MAP_NORESERVE
    descriptor = -1
    if attempt.directory is not None:
        made = Path(attempt.directory, "made")
        descriptor = _checked("open", LIBC.open(os.fsencode(made), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        made.unlink()
    else:
        flags |= mmap.MAP_ANONYMOUS | MAP_HUGETLB
    LIBC.mmap.restype = ctypes.c_ssize_t
    protection = mmap.PROT_READ | mmap.PROT_WRITE
    answer = LIBC.mmap(None, ctypes.c_size_t(length), protection, flags, descriptor, ctypes.c_long(0))
    return _checked("mmap", answer)


class FailedError(Exception):
    """A call that failed, and its errno."""


def _checked(call: str, answer: int) -> int:
    if answer == -1:
        raise FailedError(f"{call} {ctypes.get_errno()}")
    return answer
