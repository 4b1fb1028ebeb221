"""Private mappings as holders: what the owner is still promised, and the anonymous pages of all processes.

Only the process that called mmap owns the promise: a copy that fork made has none. /proc does not say who it is. A
process that has called execve made all its mappings itself. One whose ancestor has the mapping, too, did not make it;
and of anonymous memory the file's inode tells when mmap was called: who is younger did not.
"""

from collections.abc import Container, Sequence
from collections.abc import Mapping as MappingOf

from hugeresv.ledger.observation import Pages, exactly
from hugeresv.sources.proc.maps import Mapping
from hugeresv.sources.proc.snapshot import Descent, ProcessRecord

CLOCKS_SECONDS = 0.025
"""What the two clocks may differ: a process's start is kept in ticks of 10 ms, an inode's time in ticks of up to 10."""

GroupMember = tuple[ProcessRecord, Sequence[Mapping]]
"""A process with its mappings of one file."""


def private_holdings(
    members: Sequence[GroupMember], parents: MappingOf[int, int], *, anonymous: bool
) -> tuple[Pages, Pages, bool]:
    """Reserved and used pages of the private mappings of one file, and whether the first is firm.

    `anonymous`: the file was made by the mmap itself, so that its mappings have one owner among them.
    """
    used = _used(members)
    if anonymous and any(record.noreserve is not None and _noreserve(record, maps) for record, maps in members):
        return exactly(0), used, True
    if not anonymous:
        return _of_all_owners(members, parents), used, False
    pids = {record.pid for record, _ in members}
    roots = [member for member in members if not _has_ancestor(member[0].pid, pids, parents)]
    made = [(member, _made_after_start(*member)) for member in roots]
    for member, age in made:
        if member[0].descent is Descent.EXECUTED or (age is not None and age > CLOCKS_SECONDS):
            return _promised(member), used, True
    highest = max(_promised(member).max for member in roots)
    for member, age in made:
        if member[0].descent is not Descent.ORPHANED and (age is None or age >= -CLOCKS_SECONDS):
            return Pages(0, _promised(member).best, highest), used, False
    return Pages(0, 0, highest), used, True


def _of_all_owners(members: Sequence[GroupMember], parents: MappingOf[int, int]) -> Pages:
    """Of a file that was there before: whoever has mapped it owns a promise of its own, be it a child of another owner.

    Fork gives a child what its ancestor has, at the same addresses; but it may have mapped the same by itself.
    """
    low = best = high = 0
    for record, mappings in members:
        forebears = ancestors(record.pid, parents)
        theirs = [each for other, of_other in members if other.pid in forebears for each in of_other]
        promised = _promised((record, mappings))
        high += promised.max
        if record.descent is Descent.EXECUTED:
            low += promised.min
            best += promised.best
        else:
            own = [mapping for mapping in mappings if not any(_is_copy(mapping, each) for each in theirs)]
            best += _promised((record, own)).best
    return Pages(low, best, high)


def _is_copy(mapping: Mapping, other: Mapping) -> bool:
    """Whether fork may have made one of the other, or of a part of it: the same pages at the same addresses."""
    overlap = mapping.start < other.end and other.start < mapping.end
    return overlap and mapping.start - mapping.offset == other.start - other.offset


def ancestors(pid: int, parents: MappingOf[int, int]) -> list[int]:
    """A process's parent, its parent, and so on, as far as known."""
    found: list[int] = []
    while (pid := parents.get(pid, 0)) and pid not in found:
        found.append(pid)
    return found


def _has_ancestor(pid: int, pids: Container[int], parents: MappingOf[int, int]) -> bool:
    return any(ancestor in pids for ancestor in ancestors(pid, parents))


def _made_after_start(record: ProcessRecord, mappings: Sequence[Mapping]) -> float | None:
    """Seconds from the process's start to the making of the file; None if the file cannot be looked at."""
    for mapping in mappings:
        status = record.statuses.get(mapping.start)
        if status is not None:
            return status.changed - record.started
    return None


def _promised(member: GroupMember) -> Pages:
    """What this process is promised if it is the owner: the pages that it does not have, NORESERVE left out."""
    record, mappings = member
    low = best = high = 0
    for mapping in mappings:
        if record.noreserve is not None and mapping.start in record.noreserve:
            continue
        size = record.page_bytes[mapping.start]
        pages = (mapping.end - mapping.start) // size
        present = _present(record, mapping)
        low += pages - present.max
        best += pages - present.best
        high += pages - present.min
    return Pages(low, best, high)


def _present(record: ProcessRecord, mapping: Mapping) -> Pages:
    """Anonymous pages that one mapping has."""
    if mapping.start in record.anonymous:
        return exactly(len(record.anonymous[mapping.start]))
    size = record.page_bytes[mapping.start]
    if mapping.start in record.present:
        return exactly(record.present[mapping.start] // size)
    return Pages(0, 0, (mapping.end - mapping.start) // size)


def _used(members: Sequence[GroupMember]) -> Pages:
    """Pages that at least one of them has, each once, where physical page numbers tell which are the same."""
    marks: set[int] = set()
    each = []
    hidden = False
    for record, mappings in members:
        count = Pages(0, 0, 0)
        for mapping in mappings:
            present = _present(record, mapping)
            count = Pages(*(a + b for a, b in zip(count, present, strict=True)))
            pages = record.anonymous.get(mapping.start)
            hidden |= pages is None or any(mark < 0 for mark in pages)
            marks.update(pages or ())
        each.append(count)
    if not hidden:
        return exactly(len(marks))
    if len(each) == 1:
        return each[0]
    best = max(count.best for count in each)
    return Pages(max(count.min for count in each), best, sum(count.max for count in each))


def _noreserve(record: ProcessRecord, mappings: Sequence[Mapping]) -> bool:
    assert record.noreserve is not None
    return any(mapping.start in record.noreserve for mapping in mappings)
