"""Byte quantities in every spelling that Linux and those who run it use.

`2M` (kernel command line), `2048kB` (sysfs and meminfo), `hugepages-2048kB` (a directory in sysfs), `2Mi` and
`hugepages-2Mi` (Kubernetes), `2MiB`, `2MB`: all are 2097152 bytes. Every prefix is binary, as the kernel's are
(lib/cmdline.c, memparse): nobody who writes `2MB` beside a huge page means two million bytes.
"""

import re

from hugeresv.errors import InputError

_PREFIXES = "KMGTPE"
_QUANTITY = re.compile(rf"(?:hugepages-)?([0-9]{{1,20}}) ?(?:([{_PREFIXES}])(?:iB|i|B)?|B)?", re.IGNORECASE | re.ASCII)


def parse_bytes(text: str) -> int:
    """A quantity such as `2M`, `2048 kB` or `hugepages-1Gi`, in bytes; a bare number is bytes.

    Raises InputError for anything else: signs, fractions, unknown units.
    """
    found = _QUANTITY.fullmatch(text.strip())
    if found is None:
        raise InputError(f"expected a quantity such as 2M, 2048kB, 2MiB or hugepages-2Mi, found {text!r}")
    number, prefix = found.groups()
    return int(number) * factor(prefix or "")


def format_bytes(quantity: int) -> str:
    """Bytes, exactly, in the largest unit that leaves no rest: `2M`, `1536K`, `5000B`, `0B`."""
    for prefix in reversed(_PREFIXES):
        if quantity and quantity % factor(prefix) == 0:
            return f"{quantity // factor(prefix)}{prefix}"
    return f"{quantity}B"


def factor(prefix: str) -> int:
    """What a prefix multiplies by: `K` 1024, `M` 1048576, …; none: 1."""
    return 1 << 10 * (_PREFIXES.index(prefix.upper()) + 1 if prefix else 0)


def cgroup_size(page_size_kB: int) -> str:
    """A page size as the names of a cgroup's files spell it (mm/hugetlb_cgroup.c, mem_fmt): 64KB, 2MB, 1GB."""
    for unit, kilobytes in (("GB", 1 << 20), ("MB", 1 << 10)):
        if page_size_kB >= kilobytes:
            return f"{page_size_kB // kilobytes}{unit}"
    return f"{page_size_kB}KB"


def count_of(number: int, noun: str) -> str:
    """A number of things for people: `1 page`, `2 pages`, `-1 pages`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
