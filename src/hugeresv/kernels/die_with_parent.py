"""A process that does not outlive the one that started it, however that ends."""

import os
import signal

from hugeresv.calls.abi import PR_SET_PDEATHSIG
from hugeresv.kernels.host import syscalls


def die_with(parent: int) -> None:
    """Be killed when `parent`, the process that started this one, ends; at once if it has ended already."""
    syscalls.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
