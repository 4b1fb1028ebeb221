"""hugetlbfs as the kernel has it: every super block, its limits, and every inode on it. fs/hugetlbfs/inode.c."""

from collections.abc import Iterator
from typing import NamedTuple

from drgn import Object, TypeKind, cast, container_of
from drgn.helpers.linux.fs import d_path
from drgn.helpers.linux.list import hlist_for_each_entry

from hugeresv.ledger.observation import Kind
from hugeresv.sources.drgn.kernel import KernelMemory
from hugeresv.sources.drgn.objects import distinct, entries, has, pointer, text

_SB_KERNMOUNT = 1 << 22
_S_IFMT, _S_IFREG = 0o170000, 0o100000


class SuperBlock(NamedTuple):
    """A hugetlbfs. `internal`: the kernel's own, one for every page size, with the files that are on no mount."""

    there: Object
    info: Object
    internal: bool

    @property
    def hstate(self) -> int:
        """The address of its page size's hstate."""
        return int(self.info.hstate)

    @property
    def mounted_on(self) -> str:
        """One of the places where it is mounted."""
        mount = self._first_mount()
        if mount is None:
            return "(mounted nowhere)"
        return d_path(mount.mnt.address_of_(), mount.mnt.mnt_root).decode(errors="backslashreplace")

    def _first_mount(self) -> Object | None:
        """The first of a list, which is a `struct list_head` or, in newer kernels, a pointer to a mount."""
        mounts = self.there.s_mounts
        if mounts.type_.kind is TypeKind.POINTER:
            return pointer(mounts, "struct mount")
        return next(entries(mounts, "struct mount", "mnt_instance"), None)

    def inodes(self) -> Iterator[Object]:
        """Its files, without directories and links."""
        for inode in entries(self.there.s_inodes, "struct inode", "i_sb_list"):
            if inode.i_mode & _S_IFMT == _S_IFREG:
                yield inode


def super_blocks(kernel: KernelMemory) -> Iterator[SuperBlock]:
    """All of type hugetlbfs."""
    for there in entries(kernel.variable("super_blocks"), "struct super_block", "s_list"):
        if text(there.s_type.name) == "hugetlbfs" and there.s_fs_info:
            info = cast("struct hugetlbfs_sb_info *", there.s_fs_info)
            yield SuperBlock(there, info, bool(there.s_flags & _SB_KERNMOUNT))


def resv_map_of(inode: Object) -> Object | None:
    """The `struct resv_map *` of an inode, wherever this kernel keeps it. None: it has none (any more)."""
    info = inode.prog_.type("struct hugetlbfs_inode_info")
    if has(info, "resv_map"):
        return pointer(container_of(inode, info, "vfs_inode").resv_map, "struct resv_map")
    mapping = inode.i_data
    member = "i_private_data" if has(mapping.type_, "i_private_data") else "private_data"
    return pointer(mapping.member_(member), "struct resv_map")


def kind_and_name(inode: Object, internal: bool) -> tuple[Kind, str]:
    """What kind of file it is, and what it is called on its file system."""
    name = _name(inode)
    if not internal:
        return Kind.FILE, name
    if name.startswith("memfd:"):
        return Kind.MEMFD, name.removeprefix("memfd:")
    if name.startswith("SYSV"):
        return Kind.SYSV, name
    return Kind.SHARED_ANONYMOUS, "anonymous"


def _name(inode: Object) -> str:
    """Its path below the file system's root."""
    alias = "d_u.d_alias" if has(inode.prog_.type("struct dentry"), "d_u") else "d_alias"
    dentry = next(hlist_for_each_entry("struct dentry", inode.i_dentry.address_of_(), alias), None)
    if dentry is None:
        return f"inode {int(inode.i_ino)}"
    names = [text(each.d_name.name) for each in distinct(_upwards(dentry), "the path of a file")]
    return "/".join(reversed(names[:-1])) or names[0]


def _upwards(dentry: Object) -> Iterator[Object]:
    """A directory entry and those above it, up to the root, which is its own parent."""
    yield dentry
    while dentry.d_parent != dentry:
        dentry = dentry.d_parent
        yield dentry
