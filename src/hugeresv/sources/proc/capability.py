"""What it takes to read what was refused."""

import os
import re
from contextlib import suppress
from enum import IntEnum

from hugeresv.sources.proc.files import read_text

_EFFECTIVE = re.compile(r"^CapEff:\s*([0-9a-f]+)$", re.MULTILINE)


class Capability(IntEnum):
    """Numbers of include/uapi/linux/capability.h."""

    SYS_PTRACE = 19
    SYS_ADMIN = 21


def needs(capability: Capability) -> str:
    """A clause that says it. Root is not told to become root, nor who has a capability to get it."""
    name = f"CAP_{capability.name}"
    if _effective() >> capability & 1:
        return f"although {name} is there: a security module forbids it"
    return f"that takes {name}" if os.geteuid() == 0 else f"run as root, or with {name}"


def _effective() -> int:
    """The capabilities of this thread, a bit each."""
    with suppress(OSError):
        found = _EFFECTIVE.search(read_text("/proc/thread-self/status"))
        return int(found[1], 16) if found else 0
    return 0
