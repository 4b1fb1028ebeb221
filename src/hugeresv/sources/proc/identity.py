"""Which mappings are of the same file, and what kind of file that is."""

from collections.abc import Container
from typing import NamedTuple

from hugeresv.ledger.observation import Kind
from hugeresv.sources.proc.maps import Mapping
from hugeresv.sources.proc.snapshot import ProcessRecord

DELETED = " (deleted)"


class FileId(NamedTuple):
    """A file: inode numbers of anonymous files and of segments are counted apart, the latter in each IPC namespace."""

    kind: Kind
    device: int
    inode: int
    ipc: str = ""


def kind_of(name: str, device: int, mounted: Container[int]) -> Kind:
    """The kind of a shared file, by its device and the name that the kernel gave it."""
    if device in mounted:
        return Kind.FILE
    if name.startswith("/memfd:"):
        return Kind.MEMFD
    if name.startswith("/SYSV"):
        return Kind.SYSV
    return Kind.SHARED_ANONYMOUS if name.startswith("/anon_hugepage") else Kind.FILE


def file_of(record: ProcessRecord, mapping: Mapping, mounted: Container[int]) -> FileId:
    """The file that a mapping is of. A private mapping of anonymous memory has a file of its own, made for it."""
    kind = kind_of(mapping.name, mapping.device, mounted)
    return FileId(kind, mapping.device, mapping.inode, record.ipc if kind is Kind.SYSV else "")
