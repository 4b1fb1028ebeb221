"""The resource limits of a process that mappings are held against, and what counts against them."""

import os
from dataclasses import dataclass

from hugeresv.sources.proc.files import MalformedError, number, parsed

_UNLIMITED = "unlimited"
_MOST_KB = 1 << 54


@dataclass(frozen=True, slots=True)
class Rlimits:
    """Soft limits in bytes, None: no limit, or not told; and what counts against the first two already."""

    address_space: int | None = None
    data: int | None = None
    locked: int | None = None
    address_space_used: int = 0
    data_used: int = 0


def read_rlimits(proc_root: str, process: str) -> Rlimits:
    """/proc/PID/limits, and VmSize and VmData of /proc/PID/status; a copy need not have them. Raises OSError."""
    path = f"{proc_root}/{process}"
    limits = parsed(f"{path}/limits", _parse_limits) if os.path.exists(f"{path}/limits") else {}
    used = parsed(f"{path}/status", _parse_sizes) if os.path.exists(f"{path}/status") else {}
    return Rlimits(
        limits.get("Max address space"),
        limits.get("Max data size"),
        limits.get("Max locked memory"),
        used.get("VmSize", 0),
        used.get("VmData", 0),
    )


def _parse_limits(text: str) -> dict[str, int | None]:
    """The soft limits that count here. Raises MalformedError."""
    found: dict[str, int | None] = {}
    for line in text.split("\n"):
        for name in ("Max address space", "Max data size", "Max locked memory"):
            if line.startswith(name):
                soft, *_ = [*line.removeprefix(name).split(), ""]
                found[name] = None if soft == _UNLIMITED else number(soft, name)
    return found


def _parse_sizes(text: str) -> dict[str, int]:
    """VmSize and VmData of a status file, in bytes. Raises MalformedError."""
    found = {}
    for line in text.split("\n"):
        name, _, value = line.partition(":")
        if name in {"VmSize", "VmData"}:
            words = value.split()
            if len(words) != 2:
                raise MalformedError(name, value)
            found[name] = number(words[0], name, most=_MOST_KB) << 10
    return found
