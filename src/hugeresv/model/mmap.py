"""Making a mapping: mmap(2) and hugetlbfs_file_mmap. mm/mmap.c, mm/vma.c and fs/hugetlbfs/inode.c, 6.18."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.address_space import TASK_SIZE
from hugeresv.model.base_page import PAGE_BYTES, align_up, is_aligned
from hugeresv.model.fallocate import MAX_LFS_FILESIZE
from hugeresv.model.inode import Inode
from hugeresv.model.mlock import refused_lock
from hugeresv.model.populate import populate
from hugeresv.model.reserve import reserve_pages
from hugeresv.model.truncate import held_open
from hugeresv.model.unmap import unmap_range
from hugeresv.model.vma import Vma
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.hstate import HState
    from hugeresv.model.machine import Machine
    from hugeresv.model.process import Process
    from hugeresv.words import Prot


def mmap(
    machine: Machine,
    task: Process,
    address: int,
    length: int,
    *,
    shared: bool,
    inode: Inode | None = None,
    hstate: HState | None = None,
    offset: int = 0,
    noreserve: bool = False,
    reserve: bool = True,
    prot: Prot = "rw",
    fill: bool = False,
    locked: bool = False,
    noreplace: bool = False,
    may_write: bool = True,
) -> Outcome:
    """mmap(2) of huge pages at `address` with MAP_FIXED, in bytes; `inode` None: anonymous; `fill`: MAP_POPULATE.

    `locked`, MAP_LOCKED, populates as well, and marks no huge page VMA.

    The pages are those of the file, else of `hstate` (MAP_HUGE_2MB, ...), by default of the machine's first pool.

    `reserve` off: nothing is promised, though the mapping is no MAP_NORESERVE one. `noreplace`: MAP_FIXED_NOREPLACE.
    `may_write` off: a segment that is attached read-only (VM_MAYWRITE).

    EINVAL: empty, address or offset not a multiple of the huge page. ENOMEM: too long, or the pages cannot be promised;
    what lay there before is gone then. EOVERFLOW: behind the largest file offset. EEXIST: something is mapped there
    (do_mmap looks after the address was checked, before the file is asked). EPERM, EAGAIN: see `refused_lock`.
    """
    hstate = inode.hstate if inode is not None else hstate or machine.hstate
    page_bytes = hstate.page_bytes
    if length == 0 or not is_aligned(offset):
        return Outcome.EINVAL
    length = align_up(length, page_bytes)
    if length > TASK_SIZE:
        return Outcome.ENOMEM
    if not is_aligned(address, page_bytes):
        return Outcome.EINVAL
    if address > TASK_SIZE - length:
        return Outcome.ENOMEM
    with task.mm.mmap_lock, held_open(machine, _files(inode, task.mm.overlapping(address, address + length))):
        if refusal := _refusal_at(task, address, length, noreplace=noreplace, locked=locked):
            return refusal
        if offset > MAX_LFS_FILESIZE - length:
            return Outcome.EOVERFLOW
        outcome = unmap_range(machine, task.mm, address, address + length)
        if outcome is not Outcome.OK:
            return _instead_of(outcome, machine)
        if not is_aligned(offset, page_bytes):
            return Outcome.EINVAL
        shift = hstate.page_shift
        file = inode if inode is not None else Inode(hstate, i_size=length >> shift)
        vma = Vma(
            task.mm,
            address,
            address + length,
            inode=file,
            vm_pgoff=offset >> shift,
            shared=shared,
            noreserve=noreserve,
            prot=prot,
        )
        vma.may_write = may_write
        with file.i_rwsem:
            if (
                reserve
                and not noreserve
                and not reserve_pages(machine, file, vma.first_index, vma.end_index, vma, task)
            ):
                return Outcome.ENOMEM
            if prot == "rw":
                file.i_size = max(file.i_size, vma.end_index)
        task.mm.insert(vma)
        file.attach(vma)
    if fill or locked:
        with task.mm.mmap_lock.read:
            populate(machine, task, address, address + length)
    return Outcome.OK


def _refusal_at(task: Process, address: int, length: int, *, noreplace: bool, locked: bool) -> Outcome | None:
    """do_mmap, once the address is known. EEXIST: something is mapped there. EPERM, EAGAIN: see `refused_lock`."""
    if noreplace and task.mm.overlapping(address, address + length):
        return Outcome.EEXIST
    return refused_lock(task, length) if locked else None


def _instead_of(refusal: Outcome, machine: Machine) -> Outcome:
    """What mmap answers where what lies there cannot be unmapped: a huge page would be cut."""
    return Outcome.ENOMEM if machine.behaviour.cut_for_mmap_is_enomem else refusal


def _files(inode: Inode | None, replaced: list[Vma]) -> list[Inode]:
    """The file that is mapped, and those of mappings that are replaced: they go after the new promise, if they do."""
    return [each for each in (inode, *(vma.inode for vma in replaced)) if each is not None]


def mmap_normal(
    machine: Machine,
    task: Process,
    address: int,
    length: int,
    prot: Prot = "rw",
    *,
    shared: bool = False,
    locked: bool = False,
    noreplace: bool = False,
) -> Outcome:
    """mmap(2) of ordinary pages with MAP_FIXED: of interest for what it unmaps."""
    if length == 0 or not is_aligned(address):
        return Outcome.EINVAL
    length = align_up(length, PAGE_BYTES)
    if length > TASK_SIZE or address > TASK_SIZE - length:
        return Outcome.ENOMEM
    with task.mm.mmap_lock:
        if refusal := _refusal_at(task, address, length, noreplace=noreplace, locked=locked):
            return refusal
        outcome = unmap_range(machine, task.mm, address, address + length)
        if outcome is not Outcome.OK:
            return _instead_of(outcome, machine)
        vma = Vma(task.mm, address, address + length, inode=None, shared=shared, prot=prot)
        vma.locked = locked
        task.mm.insert(vma)
    return Outcome.OK
