"""Byte quantities in every spelling that Linux and those who run it use.

`2M` (kernel command line), `2048kB` (sysfs and meminfo), `hugepages-2048kB` (a directory in sysfs), `2Mi` and
`hugepages-2Mi` (Kubernetes), `2MiB`, `2MB`: all are 2097152 bytes. Every prefix is binary, as the kernel's are
(lib/cmdline.c, memparse): beside a huge page `2MB` never means two million bytes.
"""

import re
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from hugeresv.errors import InputError

_PREFIXES = "KMGTPE"
_QUANTITY = re.compile(rf"(?:hugepages-)?([0-9]{{1,20}}) ?(?:([{_PREFIXES}])(?:iB|i|B)?|B)?", re.IGNORECASE | re.ASCII)
_FRACTION = re.compile(r"([0-9]{1,20}\.[0-9]{1,20}) ?([KMGTPEkmgte])(?:iB|i|B)?", re.ASCII)
_PAGES = re.compile(r"([0-9]{1,20}) ?(?:p|pages?)", re.ASCII)


def parse_bytes(text: str) -> int:
    """A quantity such as `2M`, `2048 kB` or `hugepages-1Gi`, in bytes; a bare number is bytes.

    Raises InputError for anything else: signs, fractions, unknown units.
    """
    found = _QUANTITY.fullmatch(text.strip())
    if found is None:
        raise InputError(f"expected a quantity such as 2M, 2048kB, 2MiB or hugepages-2Mi, found {text!r}")
    number, prefix = found.groups()
    return int(number) * factor(prefix or "")


class Size(NamedTuple):
    """What is asked for: a number of bytes, or of huge pages of whatever size."""

    number: int
    is_pages: bool = False

    def pages(self, page_bytes: int) -> int:
        """The huge pages that it takes."""
        return self.number if self.is_pages else -(-self.number // page_bytes)

    def bytes(self, page_bytes: int) -> int:
        """In bytes."""
        return self.number * page_bytes if self.is_pages else self.number


def parse_size(text: str) -> Size:
    """A quantity as `parse_bytes` has it, or `1.5G`, or `70p`: huge pages, where `70P` is bytes.

    A part of a byte counts as a whole one. Raises InputError for anything else.
    """
    pages = _PAGES.fullmatch(text.strip())
    if pages is not None:
        return Size(int(pages[1]), is_pages=True)
    found = _FRACTION.fullmatch(text.strip())
    if found is not None:
        return Size(ceil(Fraction(found[1]) * factor(found[2])))
    return Size(parse_bytes(text))


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
