"""The cgroups of the hugetlb controller. mm/hugetlb_cgroup.c; page counters count base pages."""

from collections.abc import Iterator, Mapping

from drgn import Object, cast, container_of
from drgn.helpers.linux.cgroup import cgroup_path

from hugeresv.model.hstate import HState
from hugeresv.model.hugetlb_cgroup import HugetlbCgroup
from hugeresv.model.unsigned import signed
from hugeresv.sources.drgn.kernel import KernelMemory
from hugeresv.sources.drgn.objects import entries, has
from hugeresv.sources.drgn.page_tables import PAGE_SHIFT

_NO_LIMIT = ((1 << 63) - 1) >> 12
"""PAGE_COUNTER_MAX, which a limit of huge pages comes near by rounding down."""


class Cgroups:
    """Makes the model's cgroup of each that is met, those above it included. The root is None.

    `hstates` are the pools by their place among all page sizes of the kernel.
    """

    def __init__(self, kernel: KernelMemory, hstates: Mapping[int, HState]) -> None:
        self._kernel = kernel
        self._hstates = hstates
        self._made: dict[int, HugetlbCgroup | None] = {}
        self.there = kernel.has_symbol("hugetlb_cgrp_subsys")

    def named(self) -> Iterator[tuple[str, HugetlbCgroup]]:
        """Those that are not removed, by their paths, parents first."""
        if not self.there:
            return
        root = self._kernel.variable("hugetlb_cgrp_subsys").root.cgrp.subsys[self._kernel.hugetlb_cgrp_id]
        if root:
            yield from self._below(root)

    def of_task(self, task: Object) -> HugetlbCgroup | None:
        """The cgroup that pays for what a task does."""
        return self.of_css(task.cgroups.subsys[self._kernel.hugetlb_cgrp_id]) if self.there else None

    def of_css(self, css: Object) -> HugetlbCgroup | None:
        """The cgroup of a `struct cgroup_subsys_state *`."""
        address = css.value_()
        if address not in self._made:
            self._made[address] = self._make(css) if address and css.parent else None
        return self._made[address]

    def at(self, address: int) -> HugetlbCgroup | None:
        """The cgroup of a `struct hugetlb_cgroup *` by its address."""
        if not address:
            return None
        return self.of_css(Object(self._kernel.program, "struct hugetlb_cgroup *", address).css.address_of_())

    def _below(self, css: Object) -> Iterator[tuple[str, HugetlbCgroup]]:
        for child in entries(css.children, "struct cgroup_subsys_state", "sibling"):
            cgroup = self.of_css(child)
            if cgroup is not None:
                yield cgroup_path(child.cgroup).decode(errors="backslashreplace"), cgroup
                yield from self._below(child)

    def _make(self, css: Object) -> HugetlbCgroup:
        there = container_of(css, "struct hugetlb_cgroup", "css")
        parent = self.of_css(cast("struct cgroup_subsys_state *", css.parent))
        cgroup = HugetlbCgroup(parent, self._hstates.values())
        for index, hstate in self._hstates.items():
            made, order = cgroup.of(hstate), hstate.page_shift - PAGE_SHIFT
            made.usage, made.max_pages = _counted(there.hugepage[index], order)
            if has(there.type_.type, "rsvd_hugepage"):
                made.rsvd, made.rsvd_max_pages = _counted(there.rsvd_hugepage[index], order)
            if has(there.type_.type, "nodeinfo"):
                by_node = {nid: signed(int(there.nodeinfo[nid].usage[index])) >> order for nid in hstate.nodes}
                made.by_node = by_node
        return cgroup


def _counted(counter: Object, order: int) -> tuple[int, int | None]:
    """What a page counter has, and its limit, in huge pages; None: no limit."""
    limit = int(counter.max) >> order
    return int(counter.usage.counter) >> order, None if limit >= _NO_LIMIT >> order else limit
