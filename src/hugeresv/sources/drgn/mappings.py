"""Huge page VMAs and private reservation maps. mm/hugetlb.c: vm_private_data of a private mapping."""

from collections.abc import Iterator

from drgn import Object
from drgn.helpers.linux.rbtree import rbtree_inorder_for_each_entry

from hugeresv.model.address_space import AddressSpace
from hugeresv.model.inode import Inode
from hugeresv.model.resv_map import ResvMap
from hugeresv.model.vma import Vma
from hugeresv.sources.drgn.cgroups import Cgroups
from hugeresv.sources.drgn.objects import InconsistentError, distinct, entries, has
from hugeresv.sources.drgn.policies import Nodes
from hugeresv.words import Prot

_HPAGE_RESV_OWNER, _HPAGE_RESV_UNMAPPED = 1, 2
_FLAGS = _HPAGE_RESV_OWNER | _HPAGE_RESV_UNMAPPED

_VM_READ, _VM_WRITE, _VM_MAYWRITE, _VM_MAYSHARE = 1 << 0, 1 << 1, 1 << 5, 1 << 7
_VM_DONTCOPY, _VM_NORESERVE = 1 << 17, 1 << 21


def vmas_of(inode: Object) -> Iterator[Object]:
    """All VMAs that map a file, whoever has them, in the file's order."""
    root = inode.i_data.i_mmap.rb_root
    found = rbtree_inorder_for_each_entry("struct vm_area_struct", root.address_of_(), "shared.rb")
    return distinct(found, "the mappings of a file")


def regions_of(resv_map: Object) -> Iterator[tuple[int, int, Object]]:
    """The regions of a `struct resv_map *`: from, to, and the `struct file_region *`."""
    for region in entries(resv_map.regions, "struct file_region", "link"):
        first, end = int(region.member_("from")), int(region.to)
        if first > end:
            raise InconsistentError(f"a reservation map has a region [{first}, {end})")
        yield first, end, region


def fill(made: ResvMap, there: Object, cgroups: Cgroups) -> None:
    """What a map has, and which cgroups pay for which of its regions (kernels with rsvd limits: 5.7 and later)."""
    charges = has(there.prog_.type("struct file_region"), "css") and cgroups.there
    for first, end, region in regions_of(there):
        made.reserve(first, end, cgroups.of_css(region.css) if charges else None)


class Mappings:
    """Makes the model's VMAs, those of one mmap with the one reservation map that they share."""

    def __init__(self, order: int, page_shift: int, cgroups: Cgroups, nodes: Nodes) -> None:
        self._nodes = nodes
        self._order = order
        self._page_shift = page_shift
        self._cgroups = cgroups
        self._maps: dict[int, ResvMap] = {}

    def make(self, there: Object, mm: AddressSpace, inode: Inode) -> Vma:
        """A VMA, put into its address space and into its file."""
        flags = int(there.vm_flags)
        vma = Vma(
            mm,
            int(there.vm_start),
            int(there.vm_end),
            inode=inode,
            vm_pgoff=int(there.vm_pgoff) >> self._order,
            shared=bool(flags & _VM_MAYSHARE),
            noreserve=bool(flags & _VM_NORESERVE),
            prot=_prot(flags),
        )
        if vma.vm_start >= vma.vm_end or (vma.vm_start | vma.vm_end) & ((1 << self._page_shift) - 1):
            raise InconsistentError(f"a huge page VMA at {vma.vm_start:#x}-{vma.vm_end:#x}")
        vma.may_write = bool(flags & _VM_MAYWRITE)
        vma.dontfork = bool(flags & _VM_DONTCOPY)
        if has(there.type_.type, "vm_policy"):
            vma.policy = self._nodes.policy(there.vm_policy)
        if not vma.shared:
            self._private_data(vma, there.vm_private_data)
        mm.insert(vma)
        inode.attach(vma)
        return vma

    def _private_data(self, vma: Vma, data: Object) -> None:
        word = data.value_()
        vma.owner = bool(word & _HPAGE_RESV_OWNER)
        vma.unmapped = bool(word & _HPAGE_RESV_UNMAPPED)
        address = word & ~_FLAGS
        if not address:
            return
        if address not in self._maps:
            self._maps[address] = self._make_map(Object(data.prog_, "struct resv_map *", address))
        vma.resv_map = self._maps[address]

    def _make_map(self, there: Object) -> ResvMap:
        charged = has(there.type_.type, "css") and self._cgroups.there
        made = ResvMap(self._cgroups.of_css(there.css) if charged else None)
        made.refs = int(there.refs.refcount.refs.counter)
        for first, end, _ in regions_of(there):
            made.regions.add(first, end)
        return made


def _prot(flags: int) -> Prot:
    if flags & _VM_WRITE:
        return "rw"
    return "r" if flags & _VM_READ else "none"
