"""Namespaces that processes show, and entering one."""

import ctypes
import os
from collections.abc import Iterable


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
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(descriptor, kind) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(descriptor)
