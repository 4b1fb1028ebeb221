"""Each call as the model's transition: what its words mean there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hugeresv.calls import abi
from hugeresv.calls.call import Call, OfFile
from hugeresv.errors import UnsupportedError
from hugeresv.kernels.model.pool_calls import POOL_CALLS, flagged_pool, pool_of
from hugeresv.model.address_space import AddressSpace
from hugeresv.model.fallocate import fallocate, fallocate_punch
from hugeresv.model.fault import touch
from hugeresv.model.fork import fork
from hugeresv.model.madvise import madvise
from hugeresv.model.mlock import mlock, munlock
from hugeresv.model.mmap import mmap, mmap_normal
from hugeresv.model.mount import close_file, mount, open_file, umount
from hugeresv.model.mprotect import mprotect
from hugeresv.model.mremap import mremap
from hugeresv.model.process import Process, mlock_limit
from hugeresv.model.shm import shmat, shmdt, shmget, shmrm
from hugeresv.model.truncate import ftruncate
from hugeresv.model.unmap import exit_process, munmap
from hugeresv.model.unsigned import signed, unsigned
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.machine import Machine
    from hugeresv.words import Advice, Prot

Returned = Outcome | tuple[Outcome, int]
"""What a call answers, with the value that it returns where that is an address."""

_PROT: Mapping[int, Prot] = {number: prot for prot, number in abi.PROT.items()}  # type: ignore[misc]
_ADVICE: Mapping[int, Advice] = {number: advice for advice, number in abi.ADVICE.items()}  # type: ignore[misc]


def carry_out(machine: Machine, call: Call) -> Returned:
    """Carry out a call. Its process comes into being when it is first named; a call without one finds None."""
    transition = _CALLS.get(call.name)
    if transition is None:
        raise UnsupportedError(f"{call.name} is not modelled")
    return transition(machine, machine.processes.get(call.task) or task_of(machine, call), call)


def task_of(machine: Machine, call: Call) -> Process | None:
    """The process that makes a call, there from now on."""
    if call.task is None:
        return None
    task = machine.processes.get(call.task)
    if task is None:
        limit = mlock_limit(machine)
        task = machine.processes[call.task] = Process(AddressSpace(), None, machine.nodes[0], limit)
    return task


def _mmap(m: Machine, task: Process, call: Call) -> Returned:
    address, length, prot, flags, file, offset = call.words
    shared, locked = bool(flags & abi.MAP_SHARED), bool(flags & abi.MAP_LOCKED)
    noreplace = bool(flags & abi.MAP_FIXED_NOREPLACE)
    if flags & abi.MAP_ANONYMOUS and not flags & abi.MAP_HUGETLB:
        outcome = mmap_normal(
            m, task, address, unsigned(length), _PROT[prot], shared=shared, locked=locked, noreplace=noreplace
        )
        return outcome, address
    outcome = mmap(
        m,
        task,
        address,
        unsigned(length),
        shared=shared,
        inode=m.files[file.name] if isinstance(file, OfFile) else None,
        hstate=flagged_pool(m, flags),
        offset=unsigned(offset),
        noreserve=bool(flags & abi.MAP_NORESERVE),
        prot=_PROT[prot],
        fill=bool(flags & abi.MAP_POPULATE),
        locked=locked,
        noreplace=noreplace,
    )
    return outcome, address


def _touch(m: Machine, task: Process, call: Call) -> Outcome:
    address, write = call.words
    return touch(m, task, address, write=write)


def _span(call: Call) -> tuple[int, int]:
    """Address and length in bytes of a range of memory."""
    return unsigned(call.words[0]), unsigned(call.words[1])


def _mremap(m: Machine, task: Process, call: Call) -> Returned:
    _, _, new_length, flags, target = call.words
    fixed = bool(flags & abi.MREMAP_FIXED)
    address, length = _span(call)
    outcome = mremap(
        m,
        task,
        address,
        length,
        unsigned(new_length),
        target=target if fixed else None,
        maymove=bool(flags & abi.MREMAP_MAYMOVE),
        dontunmap=bool(flags & abi.MREMAP_DONTUNMAP),
    )
    if fixed:
        return outcome, target
    with task.mm.mmap_lock.read:
        return outcome, address if task.mm.find(address) is not None else _ELSEWHERE


_ELSEWHERE = 0
"""What mremap returns where it has moved to a place of the kernel's choice: an address that no name stands for."""


def _fork(m: Machine, task: Process, call: Call) -> Outcome:
    m.processes[call.words[0]] = fork(m, task)
    return Outcome.OK


def _exit(m: Machine, task: Process, call: Call) -> Outcome:
    exit_process(m, task)
    del m.processes[call.task]
    return Outcome.OK


def _open_file(m: Machine, _task: None, call: Call) -> Outcome:
    there, page_bytes = call.words[0]
    if there is not None:
        open_file(m, _made(call), m.mounts[there])
    else:
        open_file(m, _made(call), hstate=pool_of(m, page_bytes or m.hstate.page_bytes))
    return Outcome.OK


def _memfd_create(m: Machine, _task: None, call: Call) -> Outcome:
    open_file(m, _made(call), hstate=flagged_pool(m, call.words[1]))
    return Outcome.OK


def _close(m: Machine, _task: None, call: Call) -> Outcome:
    close_file(m, call.words[0].name)
    return Outcome.OK


def _fallocate(m: Machine, task: Process, call: Call) -> Outcome:
    file, mode, start, length = call.words
    inode, start, length = m.files[file.name], signed(start), signed(length)
    if mode & abi.FALLOC_FL_PUNCH_HOLE:
        return fallocate_punch(m, inode, start, length)
    return fallocate(m, task, inode, start, length, keep_size=bool(mode & abi.FALLOC_FL_KEEP_SIZE))


def _no_effect(_machine: Machine, _task: Process, _call: Call) -> Outcome:
    """hugetlbfs has no backing store to read ahead from (generic_fadvise, noop_backing_dev_info)."""
    return Outcome.OK


def _shmget(m: Machine, task: Process, call: Call) -> Outcome:
    _, length, flags = call.words
    return shmget(
        m,
        task,
        _made(call),
        unsigned(length),
        hstate=flagged_pool(m, flags),
        noreserve=bool(flags & abi.SHM_NORESERVE),
    )


def _shmat(m: Machine, task: Process, call: Call) -> Returned:
    segment, address, flags = call.words
    return shmat(m, task, segment.name, address, readonly=bool(flags & abi.SHM_RDONLY)), address


def _capset(_m: Machine, task: Process, _call: Call) -> Outcome:
    """The one that scenarios have, after which there is no capability."""
    task.capable = False
    return Outcome.OK


def _prlimit64(_m: Machine, task: Process, call: Call) -> Outcome:
    """The one that scenarios have, of RLIMIT_MEMLOCK."""
    return task.set_memlock(int.from_bytes(call.words[2][:8], sys.byteorder))


def _mount(m: Machine, _task: None, call: Call) -> Outcome:
    *limits, page_bytes = call.words
    hstate = pool_of(m, page_bytes)
    size, minimum = (None if limit is None else limit >> hstate.page_shift for limit in limits)
    return mount(m, _made(call), size, minimum, hstate)


def _cgroup_set(m: Machine, _task: None, call: Call) -> Outcome:
    """Two writes; the second is not made when the first is refused."""
    cgroup, most, rsvd_most, page_bytes = call.words
    counters = m.cgroups[cgroup.name].of(pool_of(m, page_bytes))
    outcome = Outcome.OK
    if most is not None:
        outcome = counters.set_max(most)
    if outcome is Outcome.OK and rsvd_most is not None:
        outcome = counters.set_rsvd_max(rsvd_most)
    return outcome


def _remove_cgroup(m: Machine, _task: None, call: Call) -> Outcome:
    name = call.words[1].name
    outcome = m.cgroups[name].rmdir()
    if outcome is Outcome.OK:
        del m.cgroups[name]
    return outcome


def _made(call: Call) -> str:
    """The name of what the call makes."""
    assert call.makes is not None
    assert call.makes.name is not None
    return call.makes.name


_CALLS: Mapping[str, Callable[[Machine, Any, Call], Returned]] = {
    "mmap": _mmap,
    "touch": _touch,
    "munmap": lambda m, task, call: munmap(m, task.mm, *_span(call)),
    "mprotect": lambda _m, task, call: mprotect(task, *_span(call), _PROT[call.words[2]]),
    "madvise": lambda m, task, call: madvise(m, task, *_span(call), _ADVICE[call.words[2]]),
    "mlock": lambda m, task, call: mlock(m, task, *_span(call)),
    "mlock2": lambda m, task, call: mlock(m, task, *_span(call)),
    "munlock": lambda _m, task, call: munlock(task, *_span(call)),
    "mremap": _mremap,
    "fork": _fork,
    "exit": _exit,
    "open_file": _open_file,
    "memfd_create": _memfd_create,
    "close": _close,
    "ftruncate": lambda m, _task, call: ftruncate(m, m.files[call.words[0].name], signed(call.words[1])),
    "fallocate": _fallocate,
    "fadvise64": _no_effect,
    "readahead": _no_effect,
    "shmget": _shmget,
    "shmat": _shmat,
    "shmdt": lambda m, task, call: shmdt(m, task, call.words[0]),
    "shmctl": lambda m, _task, call: shmrm(m, call.words[0].name),
    "setresgid": lambda _m, task, call: task.set_gid(call.words[0]),
    "capset": _capset,
    "prlimit64": _prlimit64,
    "mount": _mount,
    "umount": lambda m, _task, call: umount(m, call.words[0].name),
    "cgroup_set": _cgroup_set,
    "unlinkat": _remove_cgroup,
    **POOL_CALLS,
}
"""Every call by its name."""
