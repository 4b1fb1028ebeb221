"""The memory of a host, and of each of its NUMA nodes, as meminfo shows it."""

import re
from collections.abc import Callable

from hugeresv.errors import UnavailableError
from hugeresv.sources.proc.files import MalformedError, number, parsed

_LINE = re.compile(r"(?:Node +[0-9]+ +)?([^ :]+): *(.*?)(?: kB)?")
_MOST_KB = 1 << 54


def memory_bytes(path: str, field: str) -> int | None:
    """A field of a meminfo file, in bytes; None where there is no such field. Raises OSError."""
    return parsed(path, _finder(field))


def default_page_bytes(proc_root: str) -> int:
    """Hugepagesize of meminfo. Raises UnavailableError where there is none."""
    path = f"{proc_root}/meminfo"
    try:
        size = memory_bytes(path, "Hugepagesize")
    except OSError as error:
        raise UnavailableError(f"cannot read {path}: {error.strerror}") from None
    if size is None:
        raise UnavailableError(f"{path} has no Hugepagesize")
    if size.bit_count() != 1:
        raise UnavailableError(f"{path}: Hugepagesize is not a power of two: {size >> 10} kB")
    return size


def _finder(field: str) -> Callable[[str], int | None]:
    def find(meminfo: str) -> int | None:
        for line in meminfo.split("\n"):
            found = _LINE.fullmatch(line)
            if found is not None and found[1] == field:
                return number(found[2].strip(), field, most=_MOST_KB) << 10
            if found is None and line:
                raise MalformedError("a line", line)
        return None

    return find
