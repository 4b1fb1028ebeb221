"""Entering a namespace that a process shows."""

import ctypes
import os


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
