"""Making and withdrawing promises for a range: hugetlb_reserve_pages, hugetlb_unreserve_pages, and a VMA's end.

mm/hugetlb.c, 6.18; the patch of June 2008 for what a VMA carries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.behaviour import ReservationTracking, ReserveRollback
from hugeresv.model.hugetlb_cgroup import charges_reservations
from hugeresv.model.locks import allocate
from hugeresv.model.mempolicy import allowed_nodes, gathering_nodes
from hugeresv.model.resv_map import ResvMap

if TYPE_CHECKING:
    from hugeresv.model.behaviour import Behaviour
    from hugeresv.model.folio import Folio
    from hugeresv.model.hstate import HState
    from hugeresv.model.hugetlb_cgroup import HugetlbCgroup
    from hugeresv.model.inode import Inode
    from hugeresv.model.machine import Machine
    from hugeresv.model.process import Process
    from hugeresv.model.subpool import Subpool
    from hugeresv.model.vma import Vma


def reserve_pages(machine: Machine, inode: Inode, first: int, end: int, vma: Vma | None, task: Process) -> bool:
    """hugetlb_reserve_pages of file indices [first, end) for a new mapping, or a new segment (`vma` None).

    Shared: whatever of the range the inode has not yet promised. Private: the whole range, tracked by the VMA, which
    becomes its owner. False is ENOMEM; then nothing is promised.
    """
    private = vma is not None and not vma.shared
    cgroup = task.cgroup if charges_reservations(machine.behaviour) else None
    if not allocate("resv_map" if private else "region"):
        return False
    pages = end - first if private else inode.resv_map.chg(first, end)
    subpool = inode.subpool if promise_counts(machine.behaviour, shared=not private) else None
    if not _charge(machine, task, inode, subpool, pages, cgroup):
        return False
    if not private and not allocate("region of what is added"):
        _give_back(inode.hstate, subpool, pages, cgroup)
        return machine.behaviour.mmap_without_region
    if not private:
        added = inode.resv_map.reserve(first, end, cgroup)
        if added < pages and not machine.behaviour.races_counted_twice:
            _give_back(inode.hstate, subpool, pages - added, cgroup)
    elif vma is not None:
        vma.owner = True
        if machine.behaviour.reservation_tracking is ReservationTracking.COUNT_IN_VMA:
            vma.resv_count = pages
        else:
            vma.resv_map = ResvMap(cgroup)
    return True


def promise_counts(behaviour: Behaviour, *, shared: bool) -> bool:
    """Whether a promise counts against its mount when it is made, not when its page comes."""
    return not (shared and behaviour.shared_quota_at_fault)


def _charge(
    machine: Machine, task: Process, inode: Inode, subpool: Subpool | None, pages: int, cgroup: HugetlbCgroup | None
) -> bool:
    """Promise `pages` at the expense of cgroup, subpool and pool, in this order; else roll back."""
    if cgroup is not None and not cgroup.charge_rsvd(inode.hstate, pages):
        return False
    global_part = pages if subpool is None else subpool.get_pages(pages)
    if global_part is not None:
        if inode.hstate.acct_memory(
            global_part,
            gathering_nodes(machine, task),
            allowed_nodes(machine, task),
            lets_go=machine.behaviour.surplus_promised_late,
        ):
            return True
        if subpool is not None:
            _roll_back(machine, inode.hstate, subpool, pages, global_part)
    if cgroup is not None:
        cgroup.uncharge_rsvd(inode.hstate, pages)
    return False


def _give_back(hstate: HState, subpool: Subpool | None, pages: int, cgroup: HugetlbCgroup | None) -> None:
    """`pages` of the range are not promised after all: faults have brought them, or they cannot be noted."""
    if cgroup is not None:
        cgroup.uncharge_rsvd(hstate, pages)
    hstate.acct_memory(-subpool_put(hstate, subpool, pages))


def _roll_back(machine: Machine, hstate: HState, subpool: Subpool, pages: int, global_part: int) -> None:
    """Undo get_pages(pages) == global_part after the pool refused `global_part`."""
    rule = machine.behaviour.reserve_rollback
    if rule is ReserveRollback.EXACT:
        subpool.undo_get(pages, global_part)
    elif rule is ReserveRollback.PUT_ALL:
        subpool_put(hstate, subpool, pages, early=True)
    else:
        hstate.acct_memory(-subpool_put(hstate, subpool, pages - global_part, early=True))
        if rule is ReserveRollback.PUT_THEN_USED:
            subpool.unuse(global_part)


def unreserve_hole(machine: Machine, inode: Inode, index: int, folio: Folio) -> None:
    """hugetlb_unreserve_pages of a page that was there, which may have to cut a region in two.

    Where there is no memory for that, the map keeps the offset, which therefore is promised again
    (hugetlb_fix_reserve_counts): by the page that goes back or, in kernels, if the pool has one.
    """
    if not inode.resv_map.is_amid(index) or allocate("region of what is left"):
        unreserve_pages(machine, inode, index, index + 1, freed=1)
    elif not machine.behaviour.hole_loses_promise:
        folio.restore_reserve = True
    elif inode.subpool is None:
        inode.hstate.acct_memory(1)
    else:
        inode.hstate.acct_memory(inode.subpool.get_pages(1) or 0)


def unreserve_pages(machine: Machine, inode: Inode, first: int, end: int, freed: int) -> None:
    """hugetlb_unreserve_pages: the inode promises [first, end) no more; `freed` of it had a page until now."""
    promised = inode.resv_map.unreserve(inode.hstate, first, end)
    subpool = inode.subpool if promise_counts(machine.behaviour, shared=True) else None
    withdraw(machine, inode.hstate, subpool_put(inode.hstate, subpool, promised - freed))


def withdraw(machine: Machine, hstate: HState, pages: int) -> None:
    """hugetlb_acct_memory of `pages` promises fewer."""
    hstate.acct_memory(-pages, lets_go=machine.behaviour.surplus_freed_unlocked)


def vm_op_open(vma: Vma) -> None:
    """hugetlb_vm_op_open: a VMA copied from a piece of the same mapping shares its map, and holds a reference."""
    if vma.resv_map is not None:
        vma.resv_map.refs += 1


def vm_op_close(machine: Machine, vma: Vma) -> None:
    """hugetlb_vm_op_close: a private VMA goes, and its promises that were not consumed go with it, once.

    Before the patch every piece of a split mapping returned the whole remaining count. A SysV segment's VMA is closed
    by shm_close, which passes nothing on; it matters where one counts as private.
    """
    resv_map, inode = vma.resv_map, vma.inode
    if inode is not None and inode.sysv:
        unused = 0
    elif resv_map is None:
        unused = vma.resv_count
    else:
        assert inode is not None
        first, end = vma.first_index, vma.end_index
        unused = (end - first) - resv_map.count(first, end)
        if resv_map.cgroup is not None:
            resv_map.cgroup.uncharge_rsvd(inode.hstate, end - first)
        resv_map.refs -= 1
    vma.clear_private_data()
    if unused and inode is not None:
        subpool = None if machine.behaviour.close_keeps_quota else inode.subpool
        withdraw(machine, inode.hstate, subpool_put(inode.hstate, subpool, unused))


def subpool_put(hstate: HState, subpool: Subpool | None, pages: int, *, early: bool = False) -> int:
    """hugepage_subpool_put_pages, also where there is no subpool; the last page of an unmounted one frees it."""
    if subpool is None:
        return pages
    unreserve = subpool.put_pages(pages, early=early)
    release_if_free(hstate, subpool)
    return unreserve


def release_if_free(hstate: HState, subpool: Subpool) -> None:
    """unlock_or_release_subpool: an unmounted subpool with nothing out gives its minimum back."""
    if subpool.is_free and subpool.min_hpages is not None:
        hstate.acct_memory(-subpool.release())
