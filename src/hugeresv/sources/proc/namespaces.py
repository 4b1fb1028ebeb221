"""Namespaces that processes show, and entering one."""

import ctypes
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_CLONE_FS = 0x200


def namespace(path: str, kind: str) -> str:
    """The name of a process's namespace; empty where it may not be looked at."""
    try:
        return os.readlink(f"{path}/ns/{kind}")
    except OSError:
        return ""


def namespaces(proc_root: str, pids: Iterable[int], kind: str) -> dict[str, int]:
    """The namespaces of a kind that processes show, each with one that is in it."""
    found: dict[str, int] = {}
    for pid in pids:
        name = namespace(f"{proc_root}/{pid}", kind)
        if name:
            found.setdefault(name, pid)
    return found


def enter(path: str, kind: int) -> None:
    """Enter the namespace that is a file such as /proc/PID/ns/ipc, with this thread alone; `kind`: CLONE_NEW….

    Raises OSError.
    """
    libc = _libc()
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(libc.setns(descriptor, kind))
    finally:
        os.close(descriptor)


@contextmanager
def thread_within(path: str, kind: int) -> Iterator[int]:
    """A thread of ours that waits in a namespace until the block is left: its number. Raises OSError.

    What /proc/self/task/NUMBER shows is as that namespace has it. A thread with directories of its own may enter a
    mount namespace, too, where it stands in the root directory.
    """
    entered, done = threading.Event(), threading.Event()
    problem: list[OSError] = []

    def wait() -> None:
        try:
            _check(_libc().unshare(_CLONE_FS))
            enter(path, kind)
        except OSError as error:
            problem.append(error)
        entered.set()
        done.wait()

    thread = threading.Thread(target=wait)
    thread.start()
    entered.wait()
    try:
        if problem:
            raise problem[0]
        assert thread.native_id is not None
        yield thread.native_id
    finally:
        done.set()
        thread.join()


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
