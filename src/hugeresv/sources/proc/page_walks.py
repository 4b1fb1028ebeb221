"""What may be spent on walking the page tables of a process.

smaps and pagemap go through a mapping of huge pages one by one, present or not, at 60 ns each (mm/pagewalk.c,
walk_hugetlb_range). A NORESERVE mapping takes no page, so that anybody may have 100 TiB of them.
"""

from hugeresv.sources.proc.files import number, parsed
from hugeresv.sources.proc.snapshot import ProcessRecord

_ALWAYS = 1 << 16
"""Pages that are walked on however small a host; a page table walk of 4 ms."""


class PageWalks:
    """The bounds for a host with so much memory, None where that is unknown: then there are none."""

    def __init__(self, memory_bytes: int | None) -> None:
        self._memory_bytes = memory_bytes

    def allowed(self, record: ProcessRecord) -> bool:
        """Whether all that a process maps may be walked: twice what this host could give it, and always some."""
        if self._memory_bytes is None:
            return True
        pages = sum((each.end - each.start) // record.page_bytes[each.start] for each in record.mappings)
        return pages <= _ALWAYS + 2 * self._memory_bytes // min(record.page_bytes.values(), default=1)

    def all_noreserve(self, record: ProcessRecord) -> bool:
        """Whether no mapping can have been promised its pages, for each is larger than memory."""
        if self._memory_bytes is None:
            return False
        return all(each.end - each.start > self._memory_bytes for each in record.mappings)


def none_present(path: str) -> bool:
    """Whether a process has no huge page in its page tables: HugetlbPages in /proc/PID/status, since 4.4."""
    return parsed(f"{path}/status", _parse_none_present)


def _parse_none_present(status: str) -> bool:
    for line in status.split("\n"):
        key, _, value = line.partition(":")
        if key == "HugetlbPages":
            return number(value.removesuffix(" kB").strip(), key) == 0
    return False
