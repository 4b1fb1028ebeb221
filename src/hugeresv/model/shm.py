"""SysV shared memory of huge pages: shmget, shmat, shmdt, IPC_RMID. ipc/shm.c and hugetlb_file_setup, 6.18.

A segment is its inode: it holds the reservation, made when it was created, until the last of id and attachments goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hugeresv.model.address_space import TASK_SIZE
from hugeresv.model.base_page import align_up
from hugeresv.model.inode import Inode
from hugeresv.model.mmap import mmap
from hugeresv.model.reserve import reserve_pages
from hugeresv.model.truncate import evict_if_unused, held_open
from hugeresv.model.unmap import remove_vmas
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.hstate import HState
    from hugeresv.model.machine import Key, Machine
    from hugeresv.model.process import Process
    from hugeresv.model.vma import Vma


def shmget(
    machine: Machine, task: Process, key: Key, size: int, *, hstate: HState | None = None, noreserve: bool = False
) -> Outcome:
    """shmget(2) of `size` bytes with SHM_HUGETLB, by default of the machine's first pool.

    EINVAL: empty. EPERM: not allowed. ENOMEM: cannot be promised.
    """
    if size == 0:
        return Outcome.EINVAL
    hstate = hstate or machine.hstate
    pages = align_up(size, hstate.page_bytes) >> hstate.page_shift
    inode = Inode(hstate, i_size=pages, sysv=True)
    if not task.can_do_hugetlb_shm:
        if not (machine.behaviour.shm_honours_memlock and _user_shm_lock(machine, task, pages << hstate.page_shift)):
            return Outcome.EPERM
        inode.shm_locked = True
    if not noreserve and not reserve_pages(machine, inode, 0, pages, None, task):
        return Outcome.ENOMEM
    inode.handles = 1
    machine.segments[key] = inode
    return Outcome.OK


def _user_shm_lock(machine: Machine, task: Process, size: int) -> bool:
    """user_shm_lock (mm/mlock.c): whether segments that are allowed by it alone stay below RLIMIT_MEMLOCK.

    It counts those of the user, and all processes here are root's.
    """
    counted = [each for each in machine.segments.values() if each.shm_locked and each.in_use]
    return sum(each.i_size << each.hstate.page_shift for each in counted) + size <= task.memlock_bytes


def shmat(machine: Machine, task: Process, key: Key, address: int, *, readonly: bool = False) -> Outcome:
    """shmat(2) at `address`; the segment keeps the reservation it was created with.

    EINVAL: it is gone, or reaches over the end of the address space, before which every process has its stack.
    """
    inode = machine.segments[key]
    if not inode.in_use or address > TASK_SIZE - (inode.i_size << inode.hstate.page_shift):
        return Outcome.EINVAL
    with held_open(machine, [inode]):
        return mmap(
            machine,
            task,
            address,
            inode.i_size << inode.hstate.page_shift,
            shared=not (readonly and machine.behaviour.readonly_attach_is_private),
            inode=inode,
            reserve=machine.behaviour.shmat_reserves,
            prot="r" if readonly else "rw",
            may_write=not readonly,
        )


def shmdt(machine: Machine, task: Process, address: int) -> Outcome:
    """shmdt(2): what the segment attached at `address` has left within its size from there. EINVAL: nothing."""
    with task.mm.mmap_lock:
        segment = next((vma.inode for vma in task.mm.overlapping(address, TASK_SIZE) if _begins_at(vma, address)), None)
        if segment is None:
            return Outcome.EINVAL
        attached = task.mm.overlapping(address, address + (segment.i_size << segment.hstate.page_shift))
        remove_vmas(machine, [vma for vma in attached if vma.inode is segment and _begins_at(vma, address)])
    return Outcome.OK


def _begins_at(vma: Vma, address: int) -> bool:
    """Whether `vma` is a piece of a segment attached at `address`."""
    return vma.inode is not None and vma.inode.sysv and vma.address_of(0) == address


def shmrm(machine: Machine, key: Key) -> Outcome:
    """shmctl(2) with IPC_RMID: the segment goes with its last attachment. EINVAL: it is gone."""
    inode = machine.segments[key]
    if not inode.in_use:
        return Outcome.EINVAL
    inode.handles = 0
    evict_if_unused(machine, inode)
    return Outcome.OK
