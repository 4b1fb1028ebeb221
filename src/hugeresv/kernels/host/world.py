"""The world of a scenario, as the guardian makes and ends it: namespaces, and the keeper as process 1 among them.

A PID namespace ends with its first process: the kernel kills every other one in it and makes the first wait for them
(kernel/pid_namespace.c, zap_pid_ns_processes), so that whoever waits for the keeper has waited for all. The keeper
itself is killed when the guardian dies. Mounts and SysV segments live in namespaces of the guardian's, which are empty
again after the end of a world.
"""

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from hugeresv.calls.abi import (
    CLONE_NEWIPC,
    CLONE_NEWNS,
    CLONE_NEWPID,
    IPC_RMID,
    MNT_DETACH,
    MS_PRIVATE,
    MS_REC,
    PR_SET_PDEATHSIG,
)
from hugeresv.errors import UnavailableError
from hugeresv.kernels import syscalls
from hugeresv.kernels.host import worker
from hugeresv.kernels.host.wire import Channel
from hugeresv.model.machine import Machine
from hugeresv.model.process import mlock_limit
from hugeresv.model.release import closest
from hugeresv.sources.proc.mountinfo import read_mountinfo
from hugeresv.sources.proc.namespaces import enter
from hugeresv.sources.proc.sysvipc import read_own_segments

MOUNTS = "/dev"
"""Where mounts are in the guardian's namespace: a directory that every machine has and no code is loaded from."""

_SOME_PAGE_BYTES = 2 << 20
"""Of no account for what is asked of a model here."""

MOUNT_SOURCE = b"hugeresv"
"""What our mounts say they are a mount of: what tells them from others under the same name in /proc/self/mountinfo."""


def enter_namespaces() -> None:
    """Give this process mounts and SysV segments of its own, and an empty MOUNTS. Raises OSError where it may not."""
    syscalls.unshare(CLONE_NEWNS | CLONE_NEWIPC)
    syscalls.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    syscalls.mount(MOUNT_SOURCE, MOUNTS.encode(), b"tmpfs", 0, b"mode=0700")


class World:
    """The one world of a guardian: started, ended, started anew."""

    def __init__(self) -> None:
        self._keeper = 0

    def start(self) -> worker.Forked:
        """End the world before, if there is one, and fork the keeper of a new one."""
        self.end()
        _unshare_children()
        forked = worker.fork()
        if forked.pid == 0:
            syscalls.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            _limit_locked_memory()
            worker.serve(Channel.of_descriptor(forked.channel))
        self._keeper = forked.pid
        return forked

    def end(self) -> None:
        """End every process, segment and mount; nothing of the world is left in any counter then.

        Waits for as long as the kernel does not let a process go.
        """
        if self._keeper:
            os.kill(self._keeper, signal.SIGKILL)
            os.waitpid(self._keeper, 0)
            self._keeper = 0
        for segment in read_own_segments("/proc", ""):
            syscalls.shmctl(segment.id, IPC_RMID, None)
        for mount in _mounts():
            syscalls.umount(mount.encode(), MNT_DETACH)
            os.rmdir(mount)


@contextmanager
def one_world() -> Iterator[World]:
    """A world that has ended when the block is left. Raises UnavailableError where this process may not make one."""
    try:
        enter_namespaces()
    except OSError as error:
        raise UnavailableError(f"cannot make namespaces and mounts (CAP_SYS_ADMIN): {error.strerror}") from None
    world = World()
    try:
        yield world
    finally:
        world.end()


def _unshare_children() -> None:
    """Have the next child be process 1 of a new PID namespace; the kernel wants the one before renounced first."""
    enter("/proc/self/ns/pid", CLONE_NEWPID)
    syscalls.unshare(CLONE_NEWPID)


def _limit_locked_memory() -> None:
    """Set RLIMIT_MEMLOCK to what a process has whose parents have not set it; a container may refuse to raise it."""
    rules = closest(os.uname().release, os.uname().version).behaviour
    limit = mlock_limit(Machine(rules, _SOME_PAGE_BYTES, 0))
    with suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (limit, limit))


def _mounts() -> list[str]:
    """Where hugetlbfs is mounted in this world."""
    mounts = read_mountinfo("/proc/self/mountinfo", "hugetlbfs")
    return [mount.path for mount in mounts if mount.source == MOUNT_SOURCE.decode()]
