"""What keeps huge pages, or promises, without showing how many."""

from collections.abc import Iterator
from contextlib import suppress

from hugeresv.ledger.observation import Suspect
from hugeresv.sources.proc.meminfo import memory_bytes


def poisoned(proc_root: str) -> Iterator[Suspect]:
    """Pages with a memory error: a file's page stays when the file goes, and its mount's minimum with it.

    hugetlbfs_error_remove_folio (fs/hugetlbfs/inode.c) keeps it in the page cache; seen on 6.1 to 7.3.
    """
    with suppress(OSError):
        corrupted = memory_bytes(f"{proc_root}/meminfo", "HardwareCorrupted")
        if corrupted:
            yield Suspect(
                f"memory with hardware errors ({corrupted >> 10} kB HardwareCorrupted in meminfo)",
                "A poisoned huge page does not come back.",
                pages=True,
                promises=True,
            )
