"""How many files of huge pages there are: the kernel counts their inodes, whoever has them and wherever they are.

Every mapping of huge pages has a file, private and anonymous ones, too, and so has every segment; a file system has an
inode for its root. Where the kernel has as many as were seen, nothing is hidden: no descriptor that may not be read, no
file in flight between processes, no file system without a mount, no other namespace.
"""

from hugeresv.ledger.observation import Kind
from hugeresv.sources.proc.identity import FileId, file_of, kind_of
from hugeresv.sources.proc.snapshot import Snapshot


def unseen_inodes(snapshot: Snapshot) -> int | None:
    """Inodes that the kernel has and that were not seen: not of a process, open or mapped, nor on a mount.

    For each page size the kernel has a mount of its own (init_hugetlbfs_fs, since 3.8), whose root is one. Segments
    that nobody has attached are among the unseen: nothing shows whether they are of huge pages.
    """
    if snapshot.inodes is None:
        return None
    devices = {mount.device for mount in snapshot.mounts}
    files = {FileId(Kind.FILE, mount.device, inode) for mount in snapshot.mounts for inode in mount.inodes}
    for record in snapshot.processes:
        files |= {file_of(record, mapping, devices) for mapping in record.mappings}
        files |= {
            FileId(kind_of(name, status.device, devices), status.device, status.inode) for name, status in record.opened
        }
    return max(0, snapshot.inodes - len(files) - len(snapshot.pools))
