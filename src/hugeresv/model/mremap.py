"""Moving and shrinking mappings: mremap(2). mm/mremap.c, 5.10, 6.12 and 6.18."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hugeresv.model.address_space import TASK_SIZE
from hugeresv.model.base_page import align_up, is_aligned
from hugeresv.model.behaviour import MremapReach
from hugeresv.model.mlock import is_within_limit
from hugeresv.model.page_table import PTRS_PER_TABLE
from hugeresv.model.reserve import vm_op_open
from hugeresv.model.split import isolate
from hugeresv.model.unmap import do_munmap, remove_vmas, unmap_range
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.address_space import AddressSpace
    from hugeresv.model.machine import Machine
    from hugeresv.model.process import Process
    from hugeresv.model.vma import Vma

_TABLE_BYTES = 1 << 30
"""What a page table covers that processes may share: PUD_SIZE."""

INT_MIN = 1 << 31
"""How far an int reaches below 0."""


@dataclass(slots=True)
class Remap:
    """One call's range [address, address + old_len) and what it shall become, in bytes; `target` None: in place."""

    address: int
    old_len: int
    new_len: int
    target: int | None
    maymove: bool

    @property
    def kept_len(self) -> int:
        """How much of the range there is before and after; only ordinary pages can become more."""
        return min(self.old_len, self.new_len)

    def fit(self, unit: int) -> bool:
        """align_hugetlb: round the lengths up to `unit`; False: an address is off it, or the mapping would grow."""
        self.old_len = align_up(self.old_len, unit)
        self.new_len = align_up(self.new_len, unit)
        return is_aligned(self.address | (self.target or 0), unit) and self.new_len <= self.old_len


def mremap(
    machine: Machine,
    task: Process,
    address: int,
    old_len: int,
    new_len: int,
    *,
    target: int | None = None,
    maymove: bool = False,
    dontunmap: bool = False,
) -> Outcome:
    """mremap(2), addresses and lengths in bytes; `target` as MREMAP_FIXED.

    EINVAL: not aligned, empty, growing, DONTUNMAP, or a target that overlaps the range. EFAULT: not mapped, or a range
    to be moved leaves its VMA. EAGAIN: ordinary pages that are locked would become more than RLIMIT_MEMLOCK.
    """
    with task.mm.mmap_lock:
        return _mremap(machine, task, Remap(address, old_len, new_len, target, maymove), dontunmap=dontunmap)


def _mremap(machine: Machine, task: Process, call: Remap, *, dontunmap: bool) -> Outcome:
    """The call's own checks, then as far as the kernel moves huge pages."""
    address, target = call.address, call.target
    if not is_aligned(address) or align_up(call.new_len) == 0:
        return Outcome.EINVAL
    if (target is not None or dontunmap) and not call.maymove:
        return Outcome.EINVAL
    if dontunmap and call.old_len != call.new_len:
        return Outcome.EINVAL
    reach = machine.behaviour.mremap
    if reach is MremapReach.ONE_VMA and task.mm.find(address) is None:
        return Outcome.EFAULT
    call.old_len, call.new_len = align_up(call.old_len), align_up(call.new_len)
    if reach is MremapReach.MANY_VMAS and call.new_len > TASK_SIZE:
        return Outcome.EINVAL
    if target is not None:
        if not is_aligned(target) or target > TASK_SIZE - call.new_len:
            return Outcome.EINVAL
        if max(address, target) < min(address + call.old_len, target + call.new_len):
            return Outcome.EINVAL
    if reach is MremapReach.NONE:
        return _without_hugetlb(machine, task, call, dontunmap=dontunmap)
    if target is not None and call.old_len == call.new_len and reach is MremapReach.MANY_VMAS:
        return _move_many(machine, task, call, dontunmap=dontunmap)
    return _remap_one(machine, task, call, dontunmap=dontunmap)


def _move_many(machine: Machine, task: Process, call: Remap, *, dontunmap: bool) -> Outcome:
    """remap_move: every VMA's part of the range in turn, gaps between them kept; stops at the first error."""
    assert call.target is not None
    end = call.address + call.old_len
    vmas = task.mm.overlapping(call.address, end)
    if not vmas or vmas[0].vm_start > call.address:
        return Outcome.EFAULT
    delta = call.target - call.address
    for vma in vmas:
        if dontunmap and vma.inode is not None:
            return Outcome.EINVAL
        start = max(vma.vm_start, call.address)
        length = min(vma.vm_end, end) - start
        outcome = _remap_one(
            machine, task, Remap(start, length, length, start + delta, maymove=True), dontunmap=dontunmap
        )
        if outcome is not Outcome.OK:
            return outcome
    return Outcome.OK


def _remap_one(machine: Machine, task: Process, call: Remap, *, dontunmap: bool) -> Outcome:
    """The call for one VMA: the checks, then the target is emptied, the tail cut off, and the rest moved."""
    mm = task.mm
    vma = mm.find(call.address)
    if vma is None:
        return Outcome.EFAULT
    if vma.inode is not None and not call.fit(1 << vma.page_shift):
        return Outcome.EINVAL
    if call.target is None:
        if dontunmap:
            return _leave_for_elsewhere(task, vma, call)
        return _shrink(machine, mm, call) if call.new_len <= call.old_len else _grow(machine, task, vma, call)
    if machine.behaviour.mremap is MremapReach.MANY_VMAS:
        outcome = _movable(task, vma, call, dontunmap=dontunmap)
        if outcome is not Outcome.OK:
            return outcome
    outcome = unmap_range(machine, mm, call.target, call.target + call.new_len)
    if outcome is Outcome.OK:
        outcome = _shrink(machine, mm, call)
    if outcome is not Outcome.OK:
        return outcome
    vma = mm.find(call.address)
    if vma is None:
        return Outcome.EFAULT
    outcome = _movable(task, vma, call, dontunmap=dontunmap)
    if outcome is not Outcome.OK:
        return outcome
    return _leave_behind(vma, call) if dontunmap else _move(machine, vma, call)


def _movable(task: Process, vma: Vma, call: Remap, *, dontunmap: bool) -> Outcome:
    """remap_is_valid, check_prep_vma: huge pages leave nothing behind, and one VMA has all that is moved."""
    if (call.old_len == 0 and not vma.shared) or (dontunmap and vma.inode is not None):
        return Outcome.EINVAL
    if call.kept_len > vma.vm_end - call.address:
        return Outcome.EFAULT
    return _refused_growth(task, vma, call) or Outcome.OK


def _refused_growth(task: Process, vma: Vma, call: Remap) -> Outcome | None:
    """EAGAIN: locked memory would become more than RLIMIT_MEMLOCK."""
    growth = call.new_len - call.old_len
    return Outcome.EAGAIN if vma.locked and growth > 0 and not is_within_limit(task, growth) else None


def _leave_for_elsewhere(task: Process, vma: Vma, call: Remap) -> Outcome:
    """MREMAP_DONTUNMAP to a place of the kernel's choice, to which no name of a scenario leads: no VMA is there."""
    outcome = _movable(task, vma, call, dontunmap=True)
    if outcome is Outcome.OK:
        vma.locked = False
    return outcome


def _leave_behind(vma: Vma, call: Remap) -> Outcome:
    """MREMAP_DONTUNMAP of ordinary pages: they are at the target, and the old range stays mapped, empty."""
    assert call.target is not None
    new = vma.copy(vma.mm)
    new.vm_start, new.vm_end = call.target, call.target + call.new_len
    vma.locked = False
    _link(new)
    return Outcome.OK


def _shrink(machine: Machine, mm: AddressSpace, call: Remap) -> Outcome:
    """Unmap what lies behind the new length, whatever is mapped there."""
    if call.new_len >= call.old_len:
        return Outcome.OK
    return do_munmap(machine, mm, call.address + call.new_len, call.old_len - call.new_len)


def _grow(machine: Machine, task: Process, vma: Vma, call: Remap) -> Outcome:
    """expand_vma of ordinary pages: in place, if the range ends where the VMA does and the space behind is free.

    Otherwise, where it may move, it goes to a place of the kernel's choice, to which no name of a scenario leads.
    """
    if call.old_len == 0:
        return Outcome.EINVAL
    if call.old_len > vma.vm_end - call.address:
        return Outcome.EFAULT
    if refusal := _refused_growth(task, vma, call):
        return refusal
    mm = task.mm
    end = call.address + call.new_len
    if call.address + call.old_len == vma.vm_end and end <= TASK_SIZE and not mm.overlapping(vma.vm_end, end):
        vma.vm_end = end
        return Outcome.OK
    if not call.maymove or end > TASK_SIZE:
        return Outcome.ENOMEM
    return unmap_range(machine, mm, call.address, call.address + call.old_len)


def _move(machine: Machine, vma: Vma, call: Remap) -> Outcome:
    """move_vma of [address, address + new_len) inside `vma`: no counter changes.

    The new VMA takes map, ownership and mark along. Where a part is moved, clear_vma_resv_huge_pages has taken them
    from the whole old VMA, so that what stays is an orphan and its promises are never withdrawn.
    """
    assert call.target is not None
    if machine.behaviour.mremap_waits_for_itself and _shares_a_table(vma, call):
        return Outcome.HANG
    mm = vma.mm
    new = vma.copy(mm)
    new.vm_pgoff = vma.pagecache_offset(call.address)
    new.vm_start, new.vm_end = call.target, call.target + call.new_len
    vm_op_open(new)
    if machine.behaviour.mremap_length_is_int:
        moved = _moved_length(vma, call.address, call.kept_len)
        if moved < call.kept_len:
            _fail_to_move(machine, vma, new, moved)
            return Outcome.ENOMEM
    start, end = vma.vm_start, vma.vm_end
    old = isolate(vma, call.address, call.address + call.kept_len)
    assert old is not None
    _link(new)
    _move_page_tables(machine, old, new, old.first_index, old.end_index)
    if machine.behaviour.partial_mremap_drops_map:
        for piece in mm.overlapping(start, end):
            _drop_map(piece)
    else:
        _drop_map(old)
    remove_vmas(machine, [old])
    return Outcome.OK


def _shares_a_table(vma: Vma, call: Remap) -> bool:
    """Whether the walk asks huge_pmd_share for a table of the target. The walk holds i_mmap_rwsem for writing already.

    It is where a page that is mapped goes to a whole GiB of the new mapping (want_pmd_share). Tables that another
    process shares do not move. The model does not know what this process maps of a shared file: it takes all that is
    cached, if no other process maps the file.
    """
    assert call.target is not None
    span = PTRS_PER_TABLE << vma.page_shift
    if not vma.shared or vma.inode is None or span != _TABLE_BYTES:
        return False
    first, end = align_up(call.target, span), (call.target + call.kept_len) // span * span
    if first >= end or vma.inode.vmas > sum(each.inode is vma.inode for each in vma.mm.vmas):
        return False
    back = call.address - call.target
    return bool(vma.inode.cached_in(vma.pagecache_offset(first + back), vma.pagecache_offset(end + back - 1) + 1))


def _fail_to_move(machine: Machine, vma: Vma, new: Vma, moved: int) -> None:
    """The way back: what is known to have moved returns, and the copy goes with all that is left in it.

    The map stays with the old VMA. From 6.16 to 6.18 it is the copy's (fixup_hugetlb_reservations), and goes with it.
    """
    first = new.first_index
    _link(new)
    _move_page_tables(machine, vma, new, first, new.end_index)
    _move_page_tables(machine, new, vma, first, first + (moved >> vma.page_shift))
    _drop_map(vma if machine.behaviour.failed_move_drops_map else new)
    remove_vmas(machine, [new])


def _link(new: Vma) -> None:
    """The VMA is in its address space, and maps its file."""
    new.mm.insert(new)
    if new.inode is not None:
        new.inode.attach(new)


def _moved_length(vma: Vma, address: int, length: int) -> int:
    """What move_hugetlb_page_tables answers to a move of `length` bytes; less than that is taken for a failure.

    The walk leaves out what a missing page table would cover, and may so go beyond the end; what it has walked is told
    as an int where the kernel's prototype says so. A negative one is as good as any length.
    """
    if vma.inode is None:
        return length
    shift = vma.page_shift
    span = PTRS_PER_TABLE << shift
    end = address + length
    table = (end - 1) // span * span
    told = ((length if _walks(vma, table, end - 1) else table + span - address) + INT_MIN) % (1 << 32) - INT_MIN
    return told if told >= 0 else length


def _walks(vma: Vma, table: int, last: int) -> bool:
    """Whether the walk finds the table that begins at `table`, with the entry of address `last`.

    It leaves a table out that it shares with another process. The model does not know which are shared: the table of a
    whole GiB of a shared mapping is taken to be there if a page of it is cached.
    """
    assert vma.inode is not None
    span = PTRS_PER_TABLE << vma.page_shift
    if vma.shared and span == _TABLE_BYTES and vma.vm_start <= table and table + span <= vma.vm_end:
        return bool(vma.inode.cached_in(vma.pagecache_offset(table), vma.pagecache_offset(last) + 1))
    return vma.mm.has_table(last, vma.page_shift)


def _drop_map(vma: Vma) -> None:
    """clear_vma_resv_huge_pages: the VMA's reference goes without any accounting."""
    if vma.resv_map is not None:
        vma.resv_map.refs -= 1
    vma.clear_private_data()


def _move_page_tables(machine: Machine, source: Vma, target: Vma, first: int, end: int) -> None:
    """move_hugetlb_page_tables, without its answer: what `source` maps of file indices [first, end)."""
    if source.inode is None:
        return
    page_table, old, new = source.page_table, source.page_base, target.page_base
    tables = machine.behaviour.mremap_length_is_int
    if tables and source.shared:
        for index in source.inode.cached_in(first, end):
            if source.mm.has_table(source.address_of(index), source.page_shift):
                target.mm.make_tables(target.address_of(index), target.page_shift)
    with source.inode.i_mmap_rwsem:
        for index, _ in list(source.present(first, end)):
            folio = page_table.clear(old + index)
            if folio is not None:
                page_table.set(new + index, folio)
                if tables:
                    target.mm.make_tables(target.address_of(index), target.page_shift)


def _without_hugetlb(machine: Machine, task: Process, call: Remap, *, dontunmap: bool) -> Outcome:
    """mremap before 5.16 looks at the VMA when target and tail are gone, and refuses one of huge pages then."""
    mm = task.mm
    if call.target is not None:
        outcome = unmap_range(machine, mm, call.target, call.target + call.new_len)
        if outcome is not Outcome.OK:
            return outcome
    outcome = _shrink(machine, mm, call)
    if outcome is not Outcome.OK or not (dontunmap or call.new_len > call.old_len or call.target is not None):
        return outcome
    vma = mm.find(call.address)
    if vma is None:
        return Outcome.EFAULT
    if vma.inode is not None:
        return Outcome.EINVAL
    return _remap_one(machine, task, call, dontunmap=dontunmap)
