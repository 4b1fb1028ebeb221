"""What a guest may be told beside its kernel: `memory=SIZE` and `nodes=N`, behind commas."""

from typing import NamedTuple

from hugeresv.errors import InputError
from hugeresv.units import factor, parse_bytes

_LEAST_MEMORY_BYTES = 128 << 20
MOST_NODES = 8


class Options(NamedTuple):
    """Memory in bytes, None for what a scenario's pool needs; NUMA nodes, among which it is divided evenly."""

    memory_bytes: int | None = None
    nodes: int = 1


NONE = Options()
"""As a scenario wants it."""


def parse_options(assignments: str, text: str) -> Options:
    """Options as they stand behind the kernel in `text`; empty: none. Raises InputError."""
    options = NONE
    for assignment in filter(None, assignments.split(",")):
        key, _, value = (part.strip() for part in assignment.partition("="))
        match key:
            case "memory":
                options = options._replace(memory_bytes=_memory(value, text))
            case "nodes":
                options = options._replace(nodes=_nodes(value, text))
            case _:
                raise InputError(
                    f"{text!r}: a guest takes only the options memory=SIZE and nodes=N; found {assignment!r}"
                )
    return options


def _memory(size: str, text: str) -> int:
    memory_bytes = parse_bytes(size)
    if memory_bytes < _LEAST_MEMORY_BYTES or memory_bytes % factor("M"):
        raise InputError(f"{text!r}: a guest has 128M of memory or more, in whole MiB; found {size!r}")
    return memory_bytes


def _nodes(number: str, text: str) -> int:
    if number not in map(str, range(1, MOST_NODES + 1)):
        raise InputError(f"{text!r}: a guest has 1 to {MOST_NODES} NUMA nodes; found {number!r}")
    return int(number)
