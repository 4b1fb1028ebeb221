"""What a snapshot of a host means: an observation."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from hugeresv.ledger.observation import (
    HeldMapping,
    Holder,
    HolderProcess,
    Kind,
    MountUse,
    Observation,
    Pages,
    PoolUse,
    Suspect,
    exactly,
)
from hugeresv.shell import entry
from hugeresv.sources.proc.identity import DELETED, FileId, file_of, kind_of
from hugeresv.sources.proc.inodes import unseen_inodes
from hugeresv.sources.proc.maps import Mapping
from hugeresv.sources.proc.private import GroupMember, private_holdings
from hugeresv.sources.proc.segments import resident_pages
from hugeresv.sources.proc.shared import SharedFile, shared_holdings
from hugeresv.sources.proc.snapshot import MountRecord, ProcessRecord, Snapshot
from hugeresv.sources.proc.sysvipc import SegmentRecord


def estimate(snapshot: Snapshot) -> Observation:
    """Holders of everything that the snapshot shows, as estimated before the counters settle anything."""
    mounted = {mount.device: mount for mount in snapshot.mounts}
    mapped = _mapped(snapshot.processes, mounted)
    parents = {record.pid: record.parent for record in snapshot.processes}
    holders = [*_private(mapped, parents, mounted), *_shared(snapshot, mapped, mounted)]
    holders += _minimums(snapshot.mounts, holders)
    unseen = unseen_inodes(snapshot)
    found, suspects = ([], []) if unseen == 0 else _unattached_segments(snapshot, holders)
    hidden = None if unseen is None else max(0, unseen - len(found))
    return Observation(
        snapshot.pools,
        tuple(holder for holder in [*holders, *found] if not holder.empty),
        tuple(_mount_use(mount) for mount in snapshot.mounts),
        snapshot.cgroups,
        snapshot.unreadable,
        (*snapshot.suspects, *_unasked(mapped, snapshot.mounts), *suspects),
        hidden_files=hidden,
    )


class _Mapped(NamedTuple):
    """A process with its private and its shared mappings, by file."""

    record: ProcessRecord
    private: dict[FileId, list[Mapping]]
    shared: dict[FileId, list[Mapping]]


def _mapped(records: Iterable[ProcessRecord], mounted: dict[int, MountRecord]) -> list[_Mapped]:
    """All of them; of one that is presumed to be promised nothing only files of which a process may have a page."""
    mapped = []
    for record in records:
        mappings = record.mappings
        if record.presumed:
            mappings = [each for each in mappings if record.anonymous.get(each.start) != []]
        mapped.append(_by_file(record, mappings, mounted))
    held = {file for each in mapped for file in each.private}
    inodes = {file.inode for file in held}
    for each in mapped if held else ():
        if each.record.presumed:
            mappings = [mapping for mapping in each.record.mappings if mapping.inode in inodes]
            found = _by_file(each.record, mappings, mounted).private
            each.private.update((file, of_file) for file, of_file in found.items() if file in held)
    return mapped


def _private(mapped: Iterable[_Mapped], parents: dict[int, int], mounted: dict[int, MountRecord]) -> Iterator[Holder]:
    groups: dict[FileId, list[GroupMember]] = {}
    for each in mapped:
        for file, of_file in each.private.items():
            groups.setdefault(file, []).append((each.record, of_file))
    for file, members in groups.items():
        first, mappings = members[0]
        anonymous = file.kind is Kind.SHARED_ANONYMOUS
        reserved, used, firm = private_holdings(members, parents, anonymous=anonymous)
        yield Holder(
            first.page_bytes[mappings[0].start] >> 10,
            Kind.PRIVATE,
            "anonymous" if anonymous else _plain(mappings[0].name),
            reserved,
            used,
            tuple(_held(members)),
            tuple(_process(record) for record, _ in members),
            first.cgroup,
            file.device if file.device in mounted else None,
            firm or file.device in mounted,
            cgroups=_cgroups(record for record, _ in members),
        )


def _shared(snapshot: Snapshot, mapped: Sequence[_Mapped], mounted: dict[int, MountRecord]) -> Iterator[Holder]:
    for file, found in _shared_files(snapshot, mapped, mounted).items():
        reserved, used, firm = shared_holdings(found)
        records = {record.pid: record for record in [*(record for record, _ in found.members), *found.openers]}
        mount = mounted.get(file.device)
        yield Holder(
            found.page_bytes >> 10,
            found.kind,
            found.name,
            reserved,
            used,
            tuple(_held(found.members)),
            tuple(_process(record) for record in records.values()),
            next((record.cgroup for record in records.values()), None),
            file.device if mount else None,
            firm or (mount is not None and mount.min_size_pages is not None),
            cgroups=_cgroups(records.values()),
            may_have_holes=file.kind is not Kind.SYSV,
        )


def _shared_files(
    snapshot: Snapshot, mapped: Sequence[_Mapped], mounted: dict[int, MountRecord]
) -> dict[FileId, SharedFile]:
    """Every file that a process maps shared or has open, and those on the mounts."""
    segments = {(segment.ipc, segment.id): segment for segment in snapshot.segments}
    files: dict[FileId, SharedFile] = {}
    for mount in snapshot.mounts:
        for name, status in mount.files:
            file = FileId(Kind.FILE, status.device, status.inode)
            path = f"{mount.path.rstrip('/')}/{name}" if name else mount.path
            files[file] = SharedFile(Kind.FILE, path, status.page_bytes, status)
    for record, _, shared in mapped:
        for file, mappings in shared.items():
            head = mappings[0]
            if file not in files:
                name = "anonymous" if file.kind is Kind.SHARED_ANONYMOUS else _plain(head.name)
                files[file] = SharedFile(file.kind, name, record.page_bytes[head.start])
                if file.kind is Kind.SYSV:
                    segment = files[file].segment = segments.get((file.ipc, file.inode))
                    files[file].name = _segment_name(segment) if segment else name
            files[file].members.append((record, mappings))
            files[file].status = files[file].status or record.statuses.get(head.start)
        for name, status in record.opened:
            file = FileId(kind_of(name, status.device, mounted), status.device, status.inode)
            opened = files.setdefault(file, SharedFile(file.kind, _plain(name), status.page_bytes))
            opened.status = opened.status or status
            opened.openers.append(record)
    for record, private, _ in mapped:
        for file, mappings in private.items():
            itself = record.statuses.get(mappings[0].start)
            if file.kind is not Kind.SHARED_ANONYMOUS and (file in files or itself is not None):
                size = record.page_bytes[mappings[0].start]
                held = files.setdefault(file, SharedFile(file.kind, _plain(mappings[0].name), size, itself))
                held.private = True
                held.openers.append(record)
    return files


def _unasked(mapped: Iterable[_Mapped], mounts: Iterable[MountRecord]) -> Iterator[Suspect]:
    """Files of private mappings whose pages no process could be asked for, and that no mount shows."""
    shown = {(mount.device, status.inode) for mount in mounts for _, status in mount.files}
    shown |= {(status.device, status.inode) for record, _, _ in mapped for _, status in record.opened}
    for record, private, _ in mapped:
        for file, mappings in private.items():
            start = mappings[0].start
            asked = start in record.statuses or (file.device, file.inode) in shown
            if file.kind is not Kind.SHARED_ANONYMOUS and not asked:
                yield Suspect(
                    f"pages of {_plain(mappings[0].name)} itself, which PID {record.pid} maps privately",
                    "To see them takes CAP_CHECKPOINT_RESTORE.",
                    pages=True,
                    promises=True,
                    page_size_kB=record.page_bytes[start] >> 10,
                )


def _minimums(mounts: Sequence[MountRecord], holders: Iterable[Holder]) -> Iterator[Holder]:
    """What is left of each mount's minimum: what is out of it comes first out of the minimum.

    It may be more, whatever is out: once more than the minimum was out, a page that goes restores the minimum although
    others that satisfy it stay (hugepage_subpool_put_pages; seen on 5.10 to 7.3 with a file that is cut after its
    mapping has gone).
    """
    on_mount: dict[int | None, list[Holder]] = {}
    for holder in holders:
        on_mount.setdefault(holder.place, []).append(holder)
    for mount in mounts:
        if not mount.min_size_pages:
            continue
        out = exactly(0)
        if mount.size_pages is not None and mount.free_pages is not None:
            out = exactly(mount.size_pages - mount.free_pages)
        else:
            for holder in on_mount.get(mount.device, ()):
                out = _plus(out, _plus(holder.reserved, holder.used))
            if not mount.complete:
                out = Pages(out.min, out.best, max(out.max, mount.min_size_pages))
        low, best = (max(0, mount.min_size_pages - each) for each in (out.max, out.best))
        most = mount.min_size_pages if mount.size_pages is None else max(best, mount.size_pages - out.min)
        left = Pages(low, best, min(most, mount.min_size_pages))
        yield Holder(mount.page_bytes >> 10, Kind.MOUNT_MINIMUM, mount.path, left, exactly(0), place=mount.device)


def _unattached_segments(snapshot: Snapshot, holders: Sequence[Holder]) -> tuple[list[Holder], list[Suspect]]:
    """The segments that no process has attached: those that look like holders, and those that may be.

    The table does not tell whether they are of huge pages, nor of which. One is taken for it whose resident bytes are
    whole huge pages of the default size that are in use by no other holder, or, with none, whose size was promised to
    nobody else.
    """
    found: list[Holder] = []
    suspects: list[Suspect] = []
    for pool in snapshot.pools:
        size = pool.page_size_kB << 10
        known = [holder for holder in holders if holder.page_size_kB == pool.page_size_kB]
        reserved_left = pool.rsvd - sum(holder.reserved.min for holder in known)
        used_left = pool.total - pool.free - sum(holder.used.min for holder in known)
        for segment in snapshot.segments:
            resident = resident_pages(segment, size)
            if segment.attached or resident is None:
                continue
            used = resident.best
            reserved = -(-segment.size_bytes // size) - used
            unlikely = used > used_left or (not used and reserved > reserved_left) or not used + reserved
            if size != snapshot.default_page_bytes or unlikely:
                suspects.append(_suspected(segment, resident, pool))
                continue
            used_left -= used
            reserved_left -= reserved
            bounds = Pages(0, reserved, reserved + used - resident.min)
            name = _segment_name(segment)
            uses = Pages(0, used, resident.max)
            firm = resident.min > 0
            found.append(Holder(size >> 10, Kind.SYSV, name, bounds, uses, firm=firm, inside=segment.inside))
    return found, suspects


def _suspected(segment: SegmentRecord, resident: Pages, pool: PoolUse) -> Suspect:
    return Suspect(
        f"SysV {_segment_name(segment)}, which nobody has attached and which may be of huge pages",
        f"`{entry(segment.inside, 'ipc')}ipcrm -m {segment.id}` removes it, with what is in it.",
        pages=resident.max > 0,
        promises=True,
        in_file=True,
        most_pages=-(-segment.size_bytes // (pool.page_size_kB << 10)),
        page_size_kB=pool.page_size_kB,
    )


def _by_file(record: ProcessRecord, mappings: Iterable[Mapping], mounted: dict[int, MountRecord]) -> _Mapped:
    mapped = _Mapped(record, {}, {})
    for mapping in mappings:
        files = mapped.shared if mapping.shared else mapped.private
        files.setdefault(file_of(record, mapping, mounted), []).append(mapping)
    return mapped


def _held(members: Iterable[GroupMember]) -> Iterator[HeldMapping]:
    for record, mappings in members:
        for mapping in mappings:
            offset_pages = mapping.offset // record.page_bytes[mapping.start]
            yield HeldMapping(record.pid, mapping.start, mapping.end, offset_pages)


def _cgroups(records: Iterable[ProcessRecord]) -> tuple[str, ...]:
    """Those of all processes; none where one of them is unknown."""
    cgroups = dict.fromkeys(record.cgroup for record in records)
    return () if None in cgroups else tuple(cgroup for cgroup in cgroups if cgroup is not None)


def _process(record: ProcessRecord) -> HolderProcess:
    return HolderProcess(record.pid, record.command, record.user)


def _mount_use(mount: MountRecord) -> MountUse:
    used = None
    if mount.size_pages is not None and mount.free_pages is not None:
        used = mount.size_pages - mount.free_pages
    return MountUse(
        mount.path,
        mount.page_bytes >> 10,
        mount.size_pages,
        mount.min_size_pages,
        used,
        mount.device,
        mount.inside,
        mount.keepers,
    )


def _plain(name: str) -> str:
    return name.removesuffix(DELETED).removeprefix("/memfd:")


def _segment_name(segment: SegmentRecord) -> str:
    return f"segment {segment.id} (key {segment.key:#010x})"


def _plus(one: Pages, other: Pages) -> Pages:
    return Pages(*(a + b for a, b in zip(one, other, strict=True)))
