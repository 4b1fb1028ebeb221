"""Whose smaps must be read, to know which mappings are NORESERVE: as few as will do, for smaps walks page tables."""

from collections.abc import Callable, Container

from hugeresv.ledger.observation import Kind
from hugeresv.model.region_map import RegionMap
from hugeresv.sources.proc.identity import FileId, file_of
from hugeresv.sources.proc.maps import Mapping
from hugeresv.sources.proc.snapshot import ProcessRecord


def read_flags_where_needed(
    records: list[ProcessRecord], mounted: Container[int], read_flags: Callable[[ProcessRecord], None]
) -> None:
    """Call `read_flags` for those that can still tell something.

    An anonymous file was made by one mmap, so that all its mappings have the same flags, in whatever process. Of a file
    with a name, what one mapping reserves no other need reserve again. Attaching a segment reserves nothing.
    """
    known: set[FileId] = set()
    covered: dict[FileId, RegionMap] = {}
    for record in records:
        named = [(file_of(record, mapping, mounted), mapping) for mapping in record.mappings]
        if all(_is_known(file, mapping, known, covered) for file, mapping in named):
            continue
        if record.noreserve is None:
            read_flags(record)
        if record.noreserve is None:
            continue
        for file, mapping in named:
            known.add(file)
            if mapping.shared and mapping.start not in record.noreserve:
                covered.setdefault(file, RegionMap()).add(*span(mapping))


def span(mapping: Mapping) -> tuple[int, int]:
    """The bytes of its file that a mapping covers."""
    return mapping.offset, mapping.offset + mapping.end - mapping.start


def _is_known(file: FileId, mapping: Mapping, known: set[FileId], covered: dict[FileId, RegionMap]) -> bool:
    if file.kind is Kind.SYSV and mapping.shared:
        return True
    if file.kind is Kind.SHARED_ANONYMOUS:
        return file in known
    if not mapping.shared or file not in covered:
        return False
    return not list(covered[file].missing(*span(mapping)))
