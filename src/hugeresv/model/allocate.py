"""A page for a fault or for fallocate: alloc_hugetlb_folio, and what the reservation map says of one offset.

mm/hugetlb.c, 6.18 (alloc_huge_page before 6.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.behaviour import FaultRollback, ReservationTracking, ReserveUse
from hugeresv.model.folio import Folio
from hugeresv.model.reserve import subpool_put

if TYPE_CHECKING:
    from hugeresv.model.behaviour import Behaviour
    from hugeresv.model.hugetlb_cgroup import HugetlbCgroup
    from hugeresv.model.machine import Machine
    from hugeresv.model.subpool import Subpool
    from hugeresv.model.vma import Vma


def alloc_hugetlb_folio(
    machine: Machine, vma: Vma, index: int, cgroup: HugetlbCgroup | None, *, cow_from_owner: bool = False
) -> Folio | None:
    """A page for file index `index` of `vma`, at the expense of `cgroup`; its reservation is consumed. None: there is none.

    `cow_from_owner`: the owner copies a page that a child still shares. Its offset has consumed its reservation, so the map
    has no say, and the page must come from what is not promised.
    """
    inode = vma.inode
    assert inode is not None
    unreserved = cow_from_owner or needs_reservation(machine.behaviour, vma, index)
    subpool = inode.subpool
    global_charge = 0
    if unreserved:
        taken = 1 if subpool is None else subpool.get_pages(1)
        if taken is None:
            return None
        global_charge = taken
    if cgroup is not None and not _charge_cgroup(cgroup, unreserved):
        _roll_back(machine, subpool, unreserved, global_charge)
        return None
    consumes = _consumes_reserve(machine.behaviour, vma, global_charge, cow_from_owner)
    hstate = machine.hstate
    if not hstate.take_page(promised=consumes and _may_take_promised(machine.behaviour, vma)):
        if cgroup is not None:
            cgroup.uncharge_usage(1)
            cgroup.uncharge_rsvd(unreserved)
        _roll_back(machine, subpool, unreserved, global_charge)
        return None
    if consumes:
        hstate.resv_huge_pages -= 1
    if not cow_from_owner:
        commit_reservation(vma, index)
    return Folio(subpool, cgroup, cgroup if unreserved else None)


def needs_reservation(behaviour: Behaviour, vma: Vma, index: int) -> bool:
    """vma_needs_reservation: whether this offset has no reservation of its own.

    The polarity of the map decides: a shared offset is promised where the inode's map has it, a private one where its map has
    it not.
    """
    if vma.shared:
        assert vma.inode is not None
        return index not in vma.inode.resv_map.regions
    if not vma.owner:
        return True
    if vma.resv_map is None or behaviour.owner_always_consumes:
        return False
    return index in vma.resv_map.regions


def commit_reservation(vma: Vma, index: int) -> None:
    """vma_commit_reservation: the page has come. Shared: the inode knows the offset from now on. Private: it is consumed.

    Before the patch the owner's count went down instead (decrement_hugepage_resv_vma).
    """
    if vma.shared:
        assert vma.inode is not None
        vma.inode.resv_map.regions.add(index, index + 1)
    elif vma.resv_map is not None:
        vma.resv_map.regions.add(index, index + 1)
    elif vma.owner:
        vma.resv_count -= 1


def _consumes_reserve(behaviour: Behaviour, vma: Vma, global_charge: int, cow_from_owner: bool) -> bool:
    """Whether the page that is taken was promised in resv_huge_pages (vma_has_reserves to 6.14, gbl_chg == 0 later)."""
    if behaviour.reserve_use is ReserveUse.GLOBAL_CHARGE:
        return global_charge == 0
    if cow_from_owner:
        return False
    backed = global_charge == 0
    if vma.noreserve:
        return vma.shared and backed
    if vma.shared:
        return backed or behaviour.shared_always_consumes
    return vma.owner and backed


def _may_take_promised(behaviour: Behaviour, vma: Vma) -> bool:
    """vma_has_private_reserves: whether a page that this VMA consumes may be one of the promised ones."""
    if vma.shared:
        return not behaviour.shared_needs_available
    return behaviour.reservation_tracking is ReservationTracking.RESV_MAP or vma.resv_count > 0


def _charge_cgroup(cgroup: HugetlbCgroup, unreserved: bool) -> bool:
    """Charge one page, and one reservation where the offset has none: the reservation first, both or neither."""
    if unreserved and not cgroup.charge_rsvd(1):
        return False
    if cgroup.charge_usage(1):
        return True
    cgroup.uncharge_rsvd(unreserved)
    return False


def _roll_back(machine: Machine, subpool: Subpool | None, unreserved: bool, global_charge: int) -> None:
    """Give back what get_pages(1) == global_charge took, after no page was found."""
    if subpool is None or not unreserved:
        return
    rule = machine.behaviour.fault_rollback
    if rule is FaultRollback.EXACT:
        subpool.undo_get(1, global_charge)
    elif rule is FaultRollback.PUT_IGNORED:
        subpool_put(machine.hstate, subpool, 1)
    elif global_charge == 0:
        machine.hstate.acct_memory(-subpool_put(machine.hstate, subpool, 1))
