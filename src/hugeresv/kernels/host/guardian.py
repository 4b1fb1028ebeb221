"""The guardian: a small process that outlives the tool for as long as it takes to leave the host as it was.

It runs in a session of its own, where Ctrl-C does not reach it, and ends when the tool closes the channel or is no longer
there. Everything it took is given back in the reverse order: the world (processes, segments, mounts), cgroups, pools, lock.

A request is (name, argument), a reply (True, value), or (False, message) for what cannot be done here; the first reply comes
unasked, when the lock is held. Started by `claim`, with its own arguments.
"""

import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hugeresv.errors import UnavailableError
from hugeresv.kernels.host.cgroups import CgroupBase
from hugeresv.kernels.host.heal import heal
from hugeresv.kernels.host.lock import held
from hugeresv.kernels.host.pool import HugePool, Saved
from hugeresv.kernels.host.wire import Channel
from hugeresv.kernels.host.world import MOUNTS, World, one_world

_DEAF_TO = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_SCRATCH = f"{MOUNTS}/scratch"


def main() -> None:
    """Guard for the tool that is the second argument, over the channel that is the first, with the lock that is the third."""
    channel, tool, path = Channel.of_descriptor(int(sys.argv[1])), int(sys.argv[2]), sys.argv[3]
    for number in _DEAF_TO:
        signal.signal(number, signal.SIG_IGN)
    try:
        tool_pidfd = os.pidfd_open(tool)
        with held(path, _holder(tool)), _borrowing() as pools, CgroupBase() as cgroups, one_world() as world:
            channel.send((True, None))
            _Guardian(channel, pools, cgroups, world).serve_while_alive(tool_pidfd)
    except UnavailableError as error:
        channel.send((False, str(error)))
    except (EOFError, ProcessLookupError):
        return


def _holder(tool: int) -> str:
    with open(f"/proc/{tool}/comm") as comm:
        return f"process {tool} ({comm.read().strip()}), guarded by process {os.getpid()}"


@contextmanager
def _borrowing() -> Iterator[dict[int, tuple[HugePool, Saved]]]:
    """Pools by page size in kB, as they are borrowed; afterwards each is as it was, healed of what the scenarios leaked."""
    pools: dict[int, tuple[HugePool, Saved]] = {}
    try:
        yield pools
    finally:
        for pool, saved in pools.values():
            if pool.is_leaking():
                heal(pool, _SCRATCH)
            pool.restore(saved)


class _Guardian:
    """What answers the tool's requests."""

    def __init__(
        self, channel: Channel, pools: dict[int, tuple[HugePool, Saved]], cgroups: CgroupBase, world: World
    ) -> None:
        self._channel = channel
        self._pools = pools
        self._cgroups = cgroups
        self._world = world

    def serve_while_alive(self, tool_pidfd: int) -> None:
        """Answer until the tool closes the channel, or dies with a copy of it in the hands of some child of its own."""
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        poll.register(tool_pidfd, select.POLLIN)
        while tool_pidfd not in dict(poll.poll()):
            try:
                request, argument = self._channel.receive()
                self._answer(request, argument)
            except EOFError:
                return

    def _answer(self, request: str, argument: Any) -> None:
        try:
            match request:
                case "borrow":
                    self._borrow(argument)
                    self._channel.send((True, None))
                case "heal":
                    heal(self._pools[argument][0], _SCRATCH)
                    self._channel.send((True, None))
                case "cgroups":
                    self._channel.send((True, self._cgroups.path()))
                case "world":
                    self._start_world()
        except UnavailableError as error:
            self._channel.send((False, str(error)))

    def _borrow(self, page_size_kB: int) -> None:
        if page_size_kB not in self._pools:
            pool = HugePool(page_size_kB)
            self._pools[page_size_kB] = pool, pool.save()

    def _start_world(self) -> None:
        self._world.end()
        self._cgroups.clear()
        keeper = self._world.start()
        self._channel.send((True, keeper.pid), (keeper.channel, keeper.pidfd))
        os.close(keeper.channel)
        os.close(keeper.pidfd)
