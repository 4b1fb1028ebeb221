"""Setting memory policies: set_mempolicy(2) and mbind(2). mm/mempolicy.c, 6.18."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.base_page import align_up, is_aligned
from hugeresv.model.mempolicy import MemPolicy, mems_allowed, migration_nodes
from hugeresv.model.migrate import Move, is_shared, migrate_folio
from hugeresv.model.split import isolate
from hugeresv.model.unsigned import ULONG_MAX
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.behaviour import Behaviour
    from hugeresv.model.folio import Folio
    from hugeresv.model.machine import Machine
    from hugeresv.model.mempolicy import Placement
    from hugeresv.model.process import Process
    from hugeresv.model.vma import Vma
    from hugeresv.words import PolicyMode


def set_mempolicy(machine: Machine, task: Process, mode: PolicyMode, nodes: Placement) -> Outcome:
    """set_mempolicy(2): where pages come from for mappings without a policy, and which nodes promises are held against.

    EINVAL: as `mbind`.
    """
    if not _has_mode(machine.behaviour, mode):
        return Outcome.EINVAL
    policy = _new_policy(machine, task, mode, nodes)
    if isinstance(policy, Outcome):
        return policy
    task.policy = policy
    return Outcome.OK


def mbind(
    machine: Machine,
    task: Process,
    address: int,
    length: int,
    mode: PolicyMode,
    nodes: Placement,
    *,
    move: bool = False,
    move_all: bool = False,
    strict: bool = False,
) -> Outcome:
    """mbind(2) of `length` bytes: where pages come from from now on; with `move` those that are elsewhere come along.

    `move` leaves pages that other page tables map, too; `move_all` takes these along. EINVAL: no such node, nodes with
    a mode that has none, or a cut inside a huge page. EFAULT: something in the range is not mapped; for the default
    policy, nothing is. EPERM: `move_all` without CAP_SYS_NICE. EIO: `strict` and not the default policy, and a page is
    on another node; with `move` one that could not be moved, when the policy is set and the others have moved.
    """
    if not _has_mode(machine.behaviour, mode):
        return Outcome.EINVAL
    if move_all and not task.capable:
        return Outcome.EPERM
    if not is_aligned(address):
        return Outcome.EINVAL
    end = address + align_up(length)
    if end > ULONG_MAX:
        return Outcome.EINVAL
    if end == address:
        return Outcome.OK
    policy = _new_policy(machine, task, mode, nodes)
    if isinstance(policy, Outcome):
        return policy
    with task.mm.mmap_lock:
        moves = _bind_range(machine, task, address, end, policy, nodes, move=move, move_all=move_all, strict=strict)
    if isinstance(moves, Outcome):
        return moves
    moved = [migrate_folio(machine, each) is Outcome.OK for each in moves]
    return Outcome.OK if all(moved) or not strict or policy is None else Outcome.EIO


def _bind_range(
    machine: Machine,
    task: Process,
    start: int,
    end: int,
    policy: MemPolicy | None,
    nodes: Placement,
    *,
    move: bool,
    move_all: bool,
    strict: bool,
) -> list[Move] | Outcome:
    """do_mbind as long as it holds mmap_lock: the policy is set; which pages are to move, and where to."""
    vmas = task.mm.overlapping(start, end)
    if not vmas:
        return Outcome.EFAULT
    if policy is not None:
        refusal = _refusal(vmas, start, end, nodes if strict and not (move or move_all) else None)
        if refusal is not None:
            return refusal
    misplaced = {
        folio: (vma.address_of(index), index) for vma in vmas for index, folio in _elsewhere(vma, start, end, nodes)
    }
    outcome = _bind(vmas, start, end, policy)
    if outcome is not Outcome.OK:
        return outcome
    moves = []
    for folio, (where, index) in misplaced.items():
        vma = task.mm.find(where)  # _bind has split those that were found before
        if vma is not None and (move_all or (move and not is_shared(folio))):
            to = migration_nodes(machine, task, vma, index)
            moves.append(Move(vma.page_table, where >> vma.page_shift, folio, to))
    return moves


def _has_mode(behaviour: Behaviour, mode: PolicyMode) -> bool:
    """sanitize_mpol_flags: whether the kernel has a mode, which it asks before anything else."""
    if mode == "preferred_many":
        return behaviour.preferred_many
    return mode != "weighted_interleave" or behaviour.weighted_interleave


def _new_policy(machine: Machine, task: Process, mode: PolicyMode, nodes: Placement) -> MemPolicy | Outcome | None:
    """mpol_new and mpol_set_nodemask: the policy, None for the default one. EINVAL: no node where there must be one.

    Nodes outside the task's cpuset do not count.
    """
    if mode in ("default", "local"):
        if nodes:
            return Outcome.EINVAL
        return None if mode == "default" else MemPolicy("local", (), ())
    if mode == "preferred" and not nodes:
        return MemPolicy("local", (), ())
    mems = mems_allowed(machine, task.cgroup)
    there = tuple(nid for nid in mems if nid in nodes)
    if not there:
        return Outcome.EINVAL
    return MemPolicy(mode, there[:1] if mode == "preferred" else there, mems)


def _refusal(vmas: list[Vma], start: int, end: int, strict: Placement | None) -> Outcome | None:
    """queue_pages_test_walk, VMA by VMA: EFAULT for a hole before or behind it, then EIO for its pages off `strict`."""
    reached = start
    for number, vma in enumerate(vmas, 1):
        follows = vmas[number].vm_start if number < len(vmas) else end
        if vma.vm_start > reached or (vma.vm_end < end and vma.vm_end < follows):
            return Outcome.EFAULT
        if strict is not None and _elsewhere(vma, start, end, strict):
            return Outcome.EIO
        reached = vma.vm_end
    return None


def _elsewhere(vma: Vma, start: int, end: int, nodes: Placement) -> list[tuple[int, Folio]]:
    """queue_folios_hugetlb: what a VMA of huge pages maps in a range from other nodes than these."""
    if vma.inode is None:
        return []
    first = vma.pagecache_offset(max(start, vma.vm_start))
    last = vma.pagecache_offset(min(end, vma.vm_end) - 1)
    return [(index, folio) for index, folio in vma.present(first, last + 1) if folio.nid not in nodes]


def _bind(vmas: list[Vma], start: int, end: int, policy: MemPolicy | None) -> Outcome:
    """mbind_range: VMA by VMA, a piece of its own where the policy changes. EINVAL: a huge page would be cut."""
    for vma in vmas:
        if _says(vma.policy) == _says(policy):
            continue
        piece = isolate(vma, start, end)
        if piece is None:
            return Outcome.EINVAL
        piece.policy = policy
    return Outcome.OK


def _says(policy: MemPolicy | None) -> tuple[PolicyMode, Placement] | None:
    """What mpol_equal compares."""
    return policy and (policy.mode, policy.nodes)
