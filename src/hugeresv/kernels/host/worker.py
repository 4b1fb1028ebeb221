"""A worker: a process that makes the calls it is told, one after the other, until the other end of its channel is gone.

A request is (call, arguments, file): any system call by its number and words, or what is more than that, of `CALLS`.
`file` is a path or None; it is opened for the duration of the call and its descriptor put in the place of `FILE` among
the arguments, so that a worker never keeps a file alive. The reply is (errno, value), errno 0 for success. `fork` is
the one request that is not a function: parent and child both go on from it, each with its own channel, and the
parent's reply carries the child's channel and pidfd.
"""

import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from hugeresv.kernels import syscalls
from hugeresv.kernels.host import observe, touch
from hugeresv.kernels.host.wire import FILE, Channel

_STANDARD_DESCRIPTORS = 3


def at(moment_ns: int, call: str, *arguments: Any) -> Any:
    """Another request of `CALLS`, at a moment of the monotonic clock."""
    while time.monotonic_ns() < moment_ns:
        pass
    return CALLS[call](*arguments)


CALLS: Mapping[str, Callable[..., Any]] = {
    "at": at,
    "syscall": syscalls.syscall,
    "touch": touch.touch,
    "observe": observe.observe,
}


class Forked(NamedTuple):
    """What `fork` gives: to the parent the child's channel, pid and pidfd; to the child its channel, and `pid` 0."""

    channel: int
    pid: int
    pidfd: int


def fork() -> Forked:
    """fork(2) of a worker. The child keeps no descriptor but the standard ones and its channel."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        os.dup2(theirs.detach(), _STANDARD_DESCRIPTORS)
        ours.detach()
        os.closerange(_STANDARD_DESCRIPTORS + 1, os.sysconf("SC_OPEN_MAX"))
        return Forked(_STANDARD_DESCRIPTORS, 0, -1)
    theirs.close()
    return Forked(ours.detach(), pid, os.pidfd_open(pid))


def serve(channel: Channel) -> None:
    """Answer requests until the other end is gone, then end this process. A child's first message is its hello."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    os.setgroups([])  # a process is in the group that its scenario says, and in no other
    touch.prepare()
    channel.send("hello")
    while True:
        try:
            call, arguments, file = channel.receive()
        except EOFError:
            os._exit(0)
        if call == "fork":
            channel = _answer_fork(channel)
        else:
            channel.send(_answer(CALLS[call], arguments, file))


def _answer(call: Callable[..., Any], arguments: tuple[Any, ...], file: str | None) -> tuple[int, Any]:
    try:
        if file is None:
            return 0, call(*arguments)
        descriptor = os.open(file, os.O_RDWR)
        try:
            return 0, call(*(descriptor if argument is FILE else argument for argument in arguments))
        finally:
            os.close(descriptor)
    except OSError as error:
        return error.errno or 0, None


def _answer_fork(channel: Channel) -> Channel:
    """Fork; the channel to go on with."""
    try:
        forked = fork()
    except OSError as error:
        channel.send((error.errno, None))
        return channel
    if forked.pid == 0:
        channel.forget()
        child = Channel.of_descriptor(forked.channel)
        child.send("hello")
        return child
    channel.send((0, None), (forked.channel, forked.pidfd))
    os.close(forked.channel)
    os.close(forked.pidfd)
    return channel
