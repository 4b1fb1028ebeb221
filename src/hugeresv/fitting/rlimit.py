"""The resource limits of a process as limits of the calls that make mappings."""

import os

from hugeresv.fitting.situation import CallLimit, Charge, What
from hugeresv.outcome import Outcome
from hugeresv.sources.proc.rlimits import Rlimits

BASE_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

_NAMES = {
    "address-space": ("RLIMIT_AS", "as", "v"),
    "data-size": ("RLIMIT_DATA", "data", "d"),
    "memlock": ("RLIMIT_MEMLOCK", "memlock", "l"),
}
"""By code: its name, the option of prlimit(1), the letter of the shell's ulimit."""


def mapping_limits(rlimits: Rlimits, what: What, pid: int | None) -> list[CallLimit]:
    """RLIMIT_AS, and RLIMIT_DATA for private mappings (mm/mmap.c, may_expand_vm; the latter from 4.7 on)."""
    call = "shmat" if what is What.SYSV else "mmap"
    found = []
    if rlimits.address_space is not None:
        used = rlimits.address_space_used
        found.append(resource_limit("address-space", call, Outcome.ENOMEM, rlimits.address_space, used, pid))
    if rlimits.data is not None and what is What.PRIVATE:
        found.append(resource_limit("data-size", call, Outcome.ENOMEM, rlimits.data, rlimits.data_used, pid))
    return found


def resource_limit(
    code: str, call: str, outcome: Outcome, limit_bytes: int, used_bytes: int, pid: int | None
) -> CallLimit:
    """A limit that the kernel counts in base pages. shmat(2) meets it when shmget(2) has promised the pages."""
    name, option, letter = _NAMES[code]
    command, factor = f"ulimit -{letter} {{}}", BASE_PAGE_BYTES >> 10
    if pid is not None:
        command, factor = f"prlimit --pid {pid} --{option}={{}}", BASE_PAGE_BYTES
    value, used = limit_bytes // BASE_PAGE_BYTES, used_bytes // BASE_PAGE_BYTES
    unit = BASE_PAGE_BYTES
    return CallLimit(code, call, outcome, value, used, Charge.SUM, unit, name, command, factor, late=call == "shmat")
