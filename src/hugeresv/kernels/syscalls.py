"""System calls: any one by its number, and prototypes of those that our own processes make for themselves.

Each raises OSError as the functions of `os` do. Numbers are passed modulo 2**64, as the kernel takes them: a scenario
may ask for the absurd, and the kernel is to answer. 64-bit machines only (`off_t` is a C long).
"""

import ctypes
import os
import signal
from collections.abc import Callable
from ctypes import c_char_p, c_int, c_long, c_size_t, c_ssize_t, c_void_p
from typing import Any

from hugeresv.calls.abi import PR_SET_PDEATHSIG

LIBC = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, _function: Any, _arguments: tuple[Any, ...]) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _prototype(name: str, result: type[Any], *arguments: type[Any]) -> Callable[..., int]:
    function = getattr(LIBC, name)
    function.restype = result
    if arguments:
        function.argtypes = arguments
    function.errcheck = _checked
    return function  # type: ignore[no-any-return]


mmap = _prototype("mmap", c_ssize_t, c_void_p, c_size_t, c_int, c_int, c_int, c_long)
munmap = _prototype("munmap", c_int, c_void_p, c_size_t)
pwrite = _prototype("pwrite", c_ssize_t, c_int, c_void_p, c_size_t, c_long)
mremap = _prototype("mremap", c_ssize_t, c_void_p, c_size_t, c_size_t, c_int, c_void_p)
shmctl = _prototype("shmctl", c_int, c_int, c_int, c_void_p)
mount = _prototype("mount", c_int, c_char_p, c_char_p, c_char_p, c_long, c_char_p)
umount = _prototype("umount2", c_int, c_char_p, c_int)
clone = _prototype("clone", c_int, c_void_p, c_void_p, c_int, c_void_p)
prctl = _prototype("prctl", c_int, c_int, c_long, c_long, c_long, c_long)
unshare = _prototype("unshare", c_int, c_int)
_syscall = _prototype("syscall", c_long)


def syscall(number: int, *words: int | bytes) -> int:
    """Any system call by its number and up to six words: numbers, or texts that the kernel finds by their address."""
    return _syscall(c_long(number), *(c_char_p(word) if isinstance(word, bytes) else c_long(word) for word in words))


def address_of(function: str) -> int:
    """Where a function of the C library is, for passing it to the kernel or to `clone`."""
    return ctypes.cast(getattr(LIBC, function), c_void_p).value or 0


def die_with(parent: int) -> None:
    """Have this process killed when `parent`, which started it, ends; at once if it has ended already."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
