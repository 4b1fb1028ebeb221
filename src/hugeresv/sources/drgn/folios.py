"""Huge pages in use: what `struct page` says of each."""

from drgn import Object

from hugeresv.model.folio import Folio
from hugeresv.model.hstate import HState
from hugeresv.model.subpool import Subpool
from hugeresv.sources.drgn.cgroups import Cgroups
from hugeresv.sources.drgn.kernel import KernelMemory
from hugeresv.sources.drgn.objects import has
from hugeresv.sources.drgn.page_tables import PAGE_SHIFT
from hugeresv.sources.drgn.policies import Nodes

_ANON = 1
"""PAGE_MAPPING_ANON, FOLIO_MAPPING_ANON."""

_CGROUP_TAIL, _CGROUP_RSVD_TAIL = 2, 3
"""The tail pages whose `private` has the cgroups, where `struct folio` has no names for them (up to 6.2)."""


class Folios:
    """Makes the model's folio of each page that is met, once."""

    def __init__(self, kernel: KernelMemory, cgroups: Cgroups, hstate: HState, nodes: Nodes) -> None:
        self._nodes = nodes
        self._hstate = hstate
        self._program = kernel.program
        self._vmemmap = kernel.vmemmap
        self._cgroups = cgroups
        self._page = kernel.program.type("struct page *")
        self._page_bytes = self._page.type.size
        self._names_cgroups = (
            has(kernel.program.type("struct folio"), "_hugetlb_cgroup") if _has_folios(kernel) else False
        )
        self._made: dict[int, Folio] = {}

    def at_physical(self, address: int, subpool: Subpool | None) -> Folio:
        """The huge page at a physical address, of a file that has this subpool."""
        return self.at(self._vmemmap + (address >> PAGE_SHIFT) * self._page_bytes, subpool)

    def at(self, address: int, subpool: Subpool | None) -> Folio:
        """The huge page whose first `struct page` is there."""
        folio = self._made.get(address)
        if folio is None:
            folio = self._made[address] = self._make(Object(self._program, self._page, address), subpool)
        return folio

    def _make(self, page: Object, subpool: Subpool | None) -> Folio:
        cgroup = cgroup_rsvd = None
        if self._cgroups.there:
            if self._names_cgroups:
                folio = Object(self._program, "struct folio *", page.value_())
                pays, pays_rsvd = folio.member_("_hugetlb_cgroup"), folio.member_("_hugetlb_cgroup_rsvd")
            else:
                pays, pays_rsvd = page[_CGROUP_TAIL].private, page[_CGROUP_RSVD_TAIL].private
            cgroup, cgroup_rsvd = self._cgroups.at(pays.value_()), self._cgroups.at(pays_rsvd.value_())
        made = Folio(self._hstate, self._nodes.of_page(page), subpool, cgroup, cgroup_rsvd)
        made.anon = bool(page.mapping.value_() & _ANON)
        made.mapcount = 0
        return made


def _has_folios(kernel: KernelMemory) -> bool:
    try:
        kernel.program.type("struct folio")
    except LookupError:
        return False
    return True
