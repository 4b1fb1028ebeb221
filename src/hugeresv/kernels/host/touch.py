"""One access to memory from user mode, where SIGBUS and SIGSEGV are answers.

A Python process cannot return from a SIGBUS that its own access raised. So the access is made by a helper that shares
the worker's memory: clone(2) with CLONE_VM runs one function of the C library in it, with the address as its only
argument: `strlen` reads there, `sigemptyset` writes zeros there (so that `strlen` always stops at once). The kernel
sees a user-mode fault of the worker's address space, by a task in the worker's cgroup, and a fatal signal ends the
helper alone. CLONE_VFORK keeps the worker still meanwhile. Measured: 50 us a touch, of which the fault is the caller's
business.

Two things must hold for a signal to stay the helper's: the worker is not dumpable, for until 5.16 a core dump ended
every process that shared the memory (fs/coredump.c, zap_threads); and no handler is installed for it. The
helper sends no signal on its end, so it can be waited for although workers ignore SIGCHLD.
"""

import ctypes
import mmap
import os

from hugeresv.calls.abi import CLONE_VFORK, CLONE_VM, PR_SET_DUMPABLE, WALL
from hugeresv.kernels import syscalls

_STACK_BYTES = 65536
_STACK = mmap.mmap(-1, _STACK_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
_STACK_TOP = ctypes.addressof(ctypes.c_char.from_buffer(_STACK)) + _STACK_BYTES
_READ = syscalls.address_of("strlen")
_WRITE = syscalls.address_of("sigemptyset")


def prepare() -> None:
    """Make this process, and all that it forks, fit for touching."""
    syscalls.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def touch(address: int, write: bool) -> int:
    """Read or write at an address; the signal that this raised, 0 for none."""
    helper = syscalls.clone(_WRITE if write else _READ, _STACK_TOP, CLONE_VM | CLONE_VFORK, address)
    _, status = os.waitpid(helper, WALL)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
