"""A page moves to another node: move_pages(2), migrate_pages(2). mm/migrate.c, mm/hugetlb.c, mm/mempolicy.c, 6.18.

The pages to move are looked up under mmap_lock. It is released before the first page moves, so that another call can
unmap a page first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hugeresv.model.behaviour import NumaStat
from hugeresv.model.locks import allocate
from hugeresv.model.mempolicy import mems_allowed
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.address_space import AddressSpace
    from hugeresv.model.folio import Folio
    from hugeresv.model.machine import Machine
    from hugeresv.model.mempolicy import Placement
    from hugeresv.model.page_table import PageTable
    from hugeresv.model.process import Process


class Move(NamedTuple):
    """A page that is to move: the entry of a page table that maps it, and the nodes that it may move to."""

    page_table: PageTable
    number: int
    folio: Folio
    nodes: Placement


def migrate_folio(machine: Machine, move: Move) -> Outcome:
    """unmap_and_move_huge_page: another page, on the first of the nodes that has one, takes the place of this one.

    A free page if not all are promised; then the old one goes back to the pool. Else a fresh one, whatever overcommit
    says: the pool itself has moved, and a surplus page of the old node with it. ENOMEM: there are no fresh gigantic
    pages (alloc_hugetlb_folio_nodemask, move_hugetlb_state). A page that was unmapped meanwhile stays where it was.
    EBUSY: one that cannot be moved (folio_isolate_hugetlb). A private page that its mount counts cannot either, since
    no file leads to it; that is found when the other page is there, which goes the way of a page that is freed.
    """
    page_table, number, folio, nodes = move
    if not folio.migratable:
        return Outcome.EBUSY
    hstate = folio.hstate
    nid = hstate.dequeue_unpromised(nodes)
    is_fresh = nid is None
    if nid is None:
        if hstate.is_gigantic or not nodes or not allocate("page to move to"):
            return Outcome.ENOMEM
        nid = nodes[0]
        hstate.add_temporary(nid, persistent=machine.behaviour.moving_page_is_persistent)
    if folio.anon and folio.subpool is not None:
        if is_fresh:
            hstate.drop_temporary(nid, persistent=machine.behaviour.moving_page_is_persistent)
        else:
            hstate.put_page(nid, promised=False, stays=False)
        return Outcome.EBUSY
    old, promised = page_table.move(number, folio, nid), False
    if old is None:
        old = nid
    else:
        promised, folio.restore_reserve = folio.restore_reserve, False
        if folio.cgroup is not None and machine.behaviour.cgroup_numa_stat is NumaStat.MOVES:  # hugetlb_cgroup_migrate
            folio.cgroup.count_on(hstate, old, -1)
            folio.cgroup.count_on(hstate, nid, 1)
    if is_fresh:
        hstate.remove_temporary(old, nid, promised=promised, persistent=machine.behaviour.moving_page_is_persistent)
        folio.migratable = old != nid or not machine.behaviour.same_node_move_pins
    else:
        hstate.put_page(old, promised=promised, stays=False)
    return Outcome.OK


def is_shared(folio: Folio) -> bool:
    """folio_maybe_mapped_shared: more than one entry of a page table maps it."""
    return folio.mapcount > 1


def move_page(machine: Machine, task: Process, address: int, node: int, *, move_all: bool = False) -> Outcome:
    """move_pages(2) of one own page to a node: the errno of the call, or that of the page's status.

    EPERM: `move_all` without CAP_SYS_NICE. ENODEV: no such node. EACCES: outside the cpuset, or others map the page.
    EBUSY: it cannot be moved. EFAULT: nothing is mapped there. ENOENT: there is no page. ENOMEM: gigantic, and the node
    has no free page.
    """
    if move_all and not task.capable:
        return Outcome.EPERM
    if node not in machine.nodes:
        return Outcome.ENODEV
    if node not in mems_allowed(machine, task.cgroup):
        return Outcome.EACCES
    with task.mm.mmap_lock.read:
        move = _page_to_move(task, address, node, move_all=move_all)
    return move if isinstance(move, Outcome) else migrate_folio(machine, move)


def _page_to_move(task: Process, address: int, node: int, *, move_all: bool) -> Move | Outcome:
    """add_folio_for_migration: the page at an address, or what its status says where it need not move, or cannot."""
    vma = task.mm.find(address)
    if vma is None:
        return Outcome.EFAULT
    if vma.inode is None:
        return Outcome.OK
    number = address >> vma.page_shift
    folio = vma.page_table.get(number)
    if folio is None:
        return Outcome.ENOENT
    if folio.nid == node:
        return Outcome.OK
    if is_shared(folio) and not move_all:
        return Outcome.EACCES
    return Move(vma.page_table, number, folio, (node,))


def migrate_pages(machine: Machine, task: Process, target: Process, old: Placement, new: Placement) -> Outcome:
    """migrate_pages(2): the pages of `target` on nodes `old` move to `new`. EINVAL: none of these is there to be had.

    EPERM: a node outside the target's cpuset, without CAP_SYS_NICE. With it, shared pages move too.
    """
    if not task.capable and not set(new) <= set(mems_allowed(machine, target.cgroup)):
        return Outcome.EPERM
    new = tuple(nid for nid in mems_allowed(machine, task.cgroup) if nid in new)
    if not new:
        return Outcome.EINVAL
    return migrate_mm(machine, target.mm, old, new, move_all=task.capable)


def migrate_mm(machine: Machine, mm: AddressSpace, old: Placement, new: Placement, *, move_all: bool) -> Outcome:
    """do_migrate_pages: each node of `old` moves to that of `new` in the same place, from the end of a chain on.

    Where their numbers differ, what is on a node of both stays. What cannot move is left, but for lack of memory.
    """
    left = list(old)
    while left:
        source = dest = None
        for nid in left:
            there = remap(nid, old, new)
            if nid == there or (len(old) != len(new) and nid in new):
                continue
            source, dest = nid, there
            if dest not in left:
                break
        if source is None or dest is None:
            return Outcome.OK
        left.remove(source)
        outcome = _migrate_to_node(machine, mm, source, dest, move_all=move_all)
        if outcome is Outcome.ENOMEM:
            return outcome
    return Outcome.OK


def remap(nid: int, old: Placement, new: Placement) -> int:
    """node_remap: the node of `new` in the place that `nid` has in `old`; itself if it has none there."""
    return new[old.index(nid) % len(new)] if nid in old and new else nid


def _migrate_to_node(machine: Machine, mm: AddressSpace, source: int, dest: int, *, move_all: bool) -> Outcome:
    """migrate_to_node: all that an address space maps from one node, in address order."""
    with mm.mmap_lock.read:
        moves = {
            folio: Move(vma.page_table, vma.page_base + index, folio, (dest,))
            for vma in mm.vmas
            if vma.inode is not None
            for index, folio in vma.present()
            if folio.nid == source and (move_all or not is_shared(folio))
        }
    for move in moves.values():
        outcome = migrate_folio(machine, move)
        if outcome is Outcome.ENOMEM:
            return outcome
    return Outcome.OK
