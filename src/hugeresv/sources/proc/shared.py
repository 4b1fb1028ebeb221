"""Files that are mapped shared, open, or just there: bounds of their reservations.

The reservation of a file is a set R of its pages. It has whatever was ever mapped without NORESERVE and every page that
is present, it outlives mappings, and truncation cuts it: what is mapped behind the file's end is gone, unless it is
mapped only to be read, which reserves without making the file longer. With P pages present it promises |R| - |P|. A
segment's is made with it, for all of it unless SHM_NORESERVE was given, which is rare and which nothing in /proc shows.
"""

from dataclasses import dataclass, field

from hugeresv.ledger.observation import Kind, Pages, exactly
from hugeresv.model.region_map import RegionMap
from hugeresv.sources.proc.flags import span
from hugeresv.sources.proc.maps import Mapping
from hugeresv.sources.proc.segments import resident_pages
from hugeresv.sources.proc.snapshot import FileStatus, ProcessRecord
from hugeresv.sources.proc.sysvipc import SegmentRecord


@dataclass(slots=True)
class SharedFile:
    """One file with all who have to do with it; `members` map it shared. `status` None: nobody could ask.

    `private`: it has private mappings; a writable one makes the file as long as it reaches, and reserves none of it.
    """

    kind: Kind
    name: str
    page_bytes: int
    status: FileStatus | None = None
    segment: SegmentRecord | None = None
    members: list[tuple[ProcessRecord, list[Mapping]]] = field(default_factory=list)
    openers: list[ProcessRecord] = field(default_factory=list)
    private: bool = False

    def pages(self, quantity: int) -> int:
        """Bytes in pages; a part of a page counts as one."""
        return -(-quantity // self.page_bytes)


def shared_holdings(file: SharedFile) -> tuple[Pages, Pages, bool]:
    """Reserved and used pages of a file, and whether the first is firm."""
    mapped = RegionMap()
    anywhere = RegionMap()
    noreserve = False
    for record, mappings in file.members:
        for mapping in mappings:
            first, end = (file.pages(quantity) for quantity in span(mapping))
            anywhere.add(first, end)
            if record.noreserve is None:
                continue
            if mapping.start in record.noreserve:
                noreserve = True
            else:
                mapped.add(first, end)
    size, used = _size(file, anywhere), _used(file, anywhere)
    if file.kind is Kind.SHARED_ANONYMOUS and (noreserve or mapped):
        everything = 0 if noreserve else size
        return _minus(everything, used), used, True
    ever = mapped.total_pages
    most = max(size, ever)
    if file.kind is Kind.SYSV:
        least, likely = 0, most
    else:
        least = mapped.count(0, size)
        likely = ever or (used.best if file.private else most)
    low, high = max(0, least - used.max), max(0, most - used.min)
    best = min(max(likely - used.best, low), high)
    return Pages(low, best, high), used, file.kind is Kind.SYSV


def _size(file: SharedFile, anywhere: RegionMap) -> int:
    """Pages of the file; what is mapped, where nobody could ask."""
    if file.segment is not None:
        return file.pages(file.segment.size_bytes)
    if file.status is not None:
        return file.pages(file.status.size_bytes)
    return max((end for _, end in anywhere), default=0)


def _used(file: SharedFile, anywhere: RegionMap) -> Pages:
    """Pages present in the file; where nobody could ask, at least what one process has."""
    if file.status is not None:
        return exactly(file.status.present_bytes // file.page_bytes)
    if file.segment is not None:
        resident = resident_pages(file.segment, file.page_bytes)
        if resident is not None:
            return resident
    seen = [sum(record.present.get(m.start, 0) for m in maps) // file.page_bytes for record, maps in file.members]
    least = max(seen, default=0)
    return Pages(least, least, max(least, _size(file, anywhere)))


def _minus(pages: int, used: Pages) -> Pages:
    return Pages(*(max(0, pages - each) for each in (used.max, used.best, used.min)))
