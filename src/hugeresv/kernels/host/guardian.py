"""The guardian: a small process that outlives the tool for as long as it takes to leave the host as it was.

It runs in a session of its own, where Ctrl-C does not reach it, and ends when the tool closes the channel or is no
longer there. Everything it took is given back in the reverse order: the world (processes, segments, mounts), cgroups,
pools, lock.

A request is (name, argument), a reply (True, value), or (False, message) for what cannot be done here; the first reply
comes unasked, when the lock is held. Started by `claim`, with its own arguments.
"""

import os
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

from hugeresv.errors import UnavailableError
from hugeresv.kernels.host.cgroups import CgroupBase
from hugeresv.kernels.host.heal import files_at_rest, heal_if_leaking
from hugeresv.kernels.host.lock import held
from hugeresv.kernels.host.pool import HugePool
from hugeresv.kernels.host.wire import Channel
from hugeresv.kernels.host.world import MOUNTS, World, one_world

_DEAF_TO = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_MOMENT_MILLISECONDS = 100
_SCRATCH = f"{MOUNTS}/scratch"


def main() -> None:
    """Guard a tool: the arguments are the channel's descriptor, the tool's pid, the lock's path, seconds to wait."""
    channel, tool, path, seconds = Channel.of_descriptor(int(sys.argv[1])), int(sys.argv[2]), sys.argv[3], sys.argv[4]
    for number in _DEAF_TO:
        signal.signal(number, signal.SIG_IGN)
    with suppress(EOFError, ProcessLookupError):  # the tool is gone already
        try:
            _guard(channel, tool, path, float(seconds))
        except UnavailableError as error:
            channel.send((False, str(error)))


def _guard(channel: Channel, tool: int, path: str, seconds: float) -> None:
    tool_pidfd = os.pidfd_open(tool)
    with (
        held(path, f"process {tool}, guarded by process {os.getpid()}", _patience(seconds, channel, tool_pidfd)),
        ExitStack() as debts,
        CgroupBase() as cgroups,
        one_world() as world,
    ):
        channel.send((True, None))
        _Guardian(channel, debts, cgroups, world).serve_while_alive(tool_pidfd)


def _patience(seconds: float, channel: Channel, tool_pidfd: int) -> Callable[[], bool]:
    """What waits a moment and says whether to go on: for so many seconds from now, while the tool still waits."""
    deadline = time.monotonic() + seconds
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    poll.register(tool_pidfd, select.POLLIN)
    return lambda: time.monotonic() < deadline and not poll.poll(_MOMENT_MILLISECONDS)


class _Guardian:
    """What answers the tool's requests. What it takes is given back by `debts`."""

    def __init__(self, channel: Channel, debts: ExitStack, cgroups: CgroupBase, world: World) -> None:
        self._channel = channel
        self._debts = debts
        self._pools: dict[int, HugePool] = {}
        self._cgroups = cgroups
        self._world = world
        self._files_before = files_at_rest()

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
                    heal_if_leaking(self._pools[argument], _SCRATCH, self._files_before)
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
            self._debts.callback(pool.restore, pool.save())
            self._debts.callback(heal_if_leaking, pool, _SCRATCH, self._files_before)
            self._pools[page_size_kB] = pool

    def _start_world(self) -> None:
        self._world.end()
        self._cgroups.clear()
        keeper = self._world.start()
        self._channel.send((True, keeper.pid), (keeper.channel, keeper.pidfd))
        os.close(keeper.channel)
        os.close(keeper.pidfd)
