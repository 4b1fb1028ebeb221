"""A page for a fault or for fallocate: alloc_hugetlb_folio, and what the reservation map says of one offset.

mm/hugetlb.c, 6.18 (alloc_huge_page before 6.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hugeresv.model.behaviour import ErrorRestore, FaultRollback, ReservationTracking, ReserveUse
from hugeresv.model.folio import Folio
from hugeresv.model.free import free_huge_folio, private_page_counts
from hugeresv.model.hugetlb_cgroup import charges_reservations, counts_by_node
from hugeresv.model.locks import Section, asserts, holds
from hugeresv.model.mempolicy import fault_nodes
from hugeresv.model.reserve import promise_counts, subpool_put
from hugeresv.model.vma import Vma

if TYPE_CHECKING:
    from hugeresv.model.behaviour import Behaviour
    from hugeresv.model.hstate import HState
    from hugeresv.model.hugetlb_cgroup import HugetlbCgroup
    from hugeresv.model.machine import Machine
    from hugeresv.model.process import Process
    from hugeresv.model.subpool import Subpool


def alloc_hugetlb_folio(
    machine: Machine,
    task: Process,
    vma: Vma,
    index: int,
    *,
    copy: bool = False,
    cow_from_owner: bool = False,
) -> Folio | None:
    """A page for file index `index` of `vma`, charged to `task`; its reservation is consumed. None: there is none.

    `copy`: for a copy of a private mapping's page. `cow_from_owner`: of one that the owner still shares with a child.
    Its offset has consumed its reservation, so the map has no say, and the page must come from what is not promised.
    A page that used up a promise is marked, to become one again, until it is mapped or in the file.
    """
    inode = vma.inode
    assert inode is not None
    behaviour = machine.behaviour
    needs = needs_reservation(behaviour, vma, index)
    unreserved = needs or cow_from_owner
    subpool = inode.subpool
    if subpool is not None and not _counts_against_mount(behaviour, vma, needs, copy, cow_from_owner):
        subpool = None
    hstate = inode.hstate
    global_charge = 1 if subpool is None else subpool.get_pages(1)
    if global_charge is None:
        return None
    cgroup_rsvd = task.cgroup if unreserved and charges_reservations(behaviour) else None
    if cgroup_rsvd is not None and not cgroup_rsvd.charge_rsvd(hstate, 1):
        _roll_back(machine, hstate, subpool, global_charge)
        return None
    cgroup = task.cgroup
    if cgroup is not None and not cgroup.charge_usage(hstate, 1):
        _uncharge(hstate, None, cgroup_rsvd)
        _roll_back(machine, hstate, subpool, global_charge)
        return None
    if cgroup_rsvd is not None and behaviour.rsvd_of_second_cgroup:
        cgroup_rsvd = cgroup
    backed = not unreserved or (global_charge == 0 and not (cow_from_owner and behaviour.cow_avoids_reserve))
    consumes = _consumes_reserve(behaviour, vma, backed)
    taken = hstate.take_page(
        fault_nodes(machine, task, vma, index),
        promised=_may_take_promised(behaviour, vma, consumes),
        consumes=consumes,
        fresh_consumes=consumes and not (behaviour.fresh_page_keeps_promise or behaviour.fresh_promise_unlocked),
    )
    if taken is None:
        _uncharge(hstate, cgroup, cgroup_rsvd)
        _roll_back(machine, hstate, subpool, global_charge)
        return None
    nid, used = taken
    if behaviour.fresh_promise_unlocked and consumes and not used:
        hstate.resv_huge_pages -= 1
        used = True
    if used and vma.owner and vma.resv_map is None:
        vma.count_down()
    folio = Folio(hstate, nid, inode.subpool, cgroup, cgroup_rsvd)
    if cgroup is not None and counts_by_node(behaviour):
        cgroup.count_on(hstate, nid, 1)
    if used:
        folio.restore_reserve = True
    if not cow_from_owner and _comes_late(machine, vma, index, needs):
        _pay_once(machine, hstate, subpool, folio)
    return folio


def give_back(machine: Machine, vma: Vma, index: int, folio: Folio) -> None:
    """restore_reserve_on_error and the page's end: it was allocated, and then not used."""
    rule = machine.behaviour.error_restore
    if rule is ErrorRestore.NEVER:
        folio.restore_reserve = False
    elif not vma.shared:
        if folio.restore_reserve and vma.resv_map is not None:
            vma.resv_map.delete(index)
    elif rule is ErrorRestore.EXACT and not folio.restore_reserve:
        assert vma.inode is not None
        vma.inode.resv_map.delete(index)
    free_huge_folio(machine, folio)


def _map_lock(*arguments: Any) -> Section:
    """That of the map which knows the offset, the file's or the private mapping's."""
    vma = next(each for each in arguments if isinstance(each, Vma))
    resv_map = vma.inode.resv_map if vma.shared and vma.inode is not None else vma.resv_map
    return Section() if resv_map is None else resv_map.lock


@holds(_map_lock)
def needs_reservation(behaviour: Behaviour, vma: Vma, index: int) -> bool:
    """vma_needs_reservation: whether this offset has no reservation of its own.

    The polarity of the map decides: a shared offset is promised where the inode's map has it, a private one where its
    map has it not.
    """
    if vma.shared:
        assert vma.inode is not None
        return index not in vma.inode.resv_map.regions
    if not vma.owner:
        return True
    if vma.resv_map is None or behaviour.owner_always_consumes:
        return False
    return index in vma.resv_map.regions


@holds(_map_lock)
def commit_reservation(vma: Vma, index: int) -> int:
    """vma_commit_reservation: the page has come. Shared: the inode knows its offset. Private: it is consumed.

    The answer is 0 where the map had the offset already.
    """
    if vma.shared:
        assert vma.inode is not None
        return vma.inode.resv_map.regions.add(index, index + 1)
    return 0 if vma.resv_map is None else vma.resv_map.regions.add(index, index + 1)


def _comes_late(machine: Machine, vma: Vma, index: int, needs: bool) -> bool:
    """Commit the reservation; whether a shared offset that had none got one meanwhile, from another call."""
    added = commit_reservation(vma, index)
    return not machine.behaviour.races_counted_twice and vma.shared and needs and not added


def _pay_once(machine: Machine, hstate: HState, subpool: Subpool | None, folio: Folio) -> None:
    """A shared mapping has promised the offset since it was seen to have no reservation: it has paid for it too."""
    hstate.acct_memory(-subpool_put(hstate, subpool, 1))
    if folio.cgroup_rsvd is not None and not machine.behaviour.race_keeps_rsvd:
        if machine.behaviour.rsvd_uncharged_unlocked:
            _uncharge_rsvd(hstate, folio)
            return
        with hstate.lock:
            _uncharge_rsvd(hstate, folio)


def _hugetlb_lock(hstate: HState, _folio: Folio) -> Section:
    return hstate.lock


@asserts(_hugetlb_lock)
def _uncharge_rsvd(hstate: HState, folio: Folio) -> None:
    """hugetlb_cgroup_uncharge_folio_rsvd: the folio pays for no reservation any more."""
    if folio.cgroup_rsvd is not None:
        folio.cgroup_rsvd.uncharge_rsvd(hstate, 1)
        folio.cgroup_rsvd = None


def _counts_against_mount(behaviour: Behaviour, vma: Vma, needs: bool, copy: bool, cow_from_owner: bool) -> bool:
    """Whether the page is taken from its mount now: what was promised counts there already."""
    if not promise_counts(behaviour, shared=vma.shared):
        return True
    if copy and not private_page_counts(behaviour):
        return False
    return needs or (cow_from_owner and not behaviour.cow_skips_quota)


def _consumes_reserve(behaviour: Behaviour, vma: Vma, backed: bool) -> bool:
    """Whether the page uses up a promise in resv_huge_pages. `backed`: its offset or its mount has one for it.

    gbl_chg == 0 from 6.15 on, vma_has_reserves before, decrement_hugepage_resv_vma before 3.12.
    """
    if vma.noreserve and behaviour.noreserve_never_consumes:
        return False
    if vma.shared and not vma.noreserve and behaviour.shared_always_consumes:
        return True
    if behaviour.reserve_use is ReserveUse.GLOBAL_CHARGE:
        return backed
    return backed and (vma.shared or vma.owner)


def _may_take_promised(behaviour: Behaviour, vma: Vma, consumes: bool) -> bool:
    """vma_has_reserves, as dequeue_huge_page_vma asks it: whether the page may be one of the promised ones."""
    if vma.shared:
        if behaviour.shared_needs_available:
            return False
        return consumes or (vma.noreserve and behaviour.noreserve_takes_promised)
    if behaviour.reservation_tracking is ReservationTracking.COUNT_IN_VMA:
        return consumes and vma.resv_count > 0
    return consumes


def _uncharge(hstate: HState, cgroup: HugetlbCgroup | None, cgroup_rsvd: HugetlbCgroup | None) -> None:
    """Take back the charges for a page that does not come."""
    if cgroup is not None:
        cgroup.uncharge_usage(hstate, 1)
    if cgroup_rsvd is not None:
        cgroup_rsvd.uncharge_rsvd(hstate, 1)


def _roll_back(machine: Machine, hstate: HState, subpool: Subpool | None, global_charge: int) -> None:
    """Give back what get_pages(1) == global_charge took of `subpool`, after no page was found."""
    if subpool is None:
        return
    rule = machine.behaviour.fault_rollback
    if rule is FaultRollback.EXACT:
        subpool.undo_get(1, global_charge)
    elif rule is FaultRollback.PUT_IGNORED:
        subpool_put(hstate, subpool, 1, early=True)
    elif global_charge == 0:
        hstate.acct_memory(-subpool_put(hstate, subpool, 1, early=True))
