"""The bounds of what a file has reserved, from its size, its pages and who maps it."""

import pytest

from hugeresv.ledger.observation import Kind
from hugeresv.sources.proc.maps import Mapping
from hugeresv.sources.proc.shared import SharedFile, shared_holdings
from hugeresv.sources.proc.snapshot import FileStatus, ProcessRecord

PAGE = 2 << 20


def file(
    *, size: int, present: int, mapped: int, noreserve: bool = False, private: bool = False, kind: Kind = Kind.MEMFD
) -> SharedFile:
    """A file of so many pages, of which some are present, and that one process maps from its beginning."""
    record = ProcessRecord(1, 1, 1, 1.0, "x", "u", None, "ipc:[1]")
    mapping = Mapping(1 << 30, (1 << 30) + mapped * PAGE, shared=True, offset=0, device=16, inode=7, name="/memfd:m")
    record.noreserve = frozenset({mapping.start} if noreserve else ())
    members = [(record, [mapping])] if mapped else []
    status = FileStatus(16, 7, PAGE, size * PAGE, present * PAGE, 0.0)
    return SharedFile(kind, "m", PAGE, status, members=members, private=private)


@pytest.mark.parametrize(
    ("found", "reserved", "why"),
    [
        (file(size=4, present=1, mapped=4), (3, 3, 3), "all of it is mapped"),
        (file(size=4, present=1, mapped=2), (1, 1, 3), "the rest may have been mapped before"),
        (file(size=0, present=0, mapped=3), (0, 3, 3), "a mapping that only reads reserves behind the end"),
        (file(size=4, present=1, mapped=0), (0, 3, 3), "nobody maps it any more, or it was written and never mapped"),
        (file(size=4, present=1, mapped=0, private=True), (0, 0, 3), "a private mapping made it as long as it is"),
        (file(size=4, present=1, mapped=4, noreserve=True), (0, 3, 3), "it may have been mapped before"),
        (file(size=4, present=1, mapped=4, kind=Kind.SHARED_ANONYMOUS), (3, 3, 3), "made by the mmap, so all of it"),
        (file(size=4, present=1, mapped=4, noreserve=True, kind=Kind.SHARED_ANONYMOUS), (0, 0, 0), "nothing of it"),
    ],
)
def test_what_a_file_has_reserved(found: SharedFile, reserved: tuple[int, int, int], why: str) -> None:
    """The least, the likeliest and the most. Catches: a bound that leaves out what the truth may be."""
    holdings, used, _ = shared_holdings(found)
    assert tuple(holdings) == reserved, why
    assert tuple(used) == (1, 1, 1) if found.status and found.status.present_bytes else (0, 0, 0)
