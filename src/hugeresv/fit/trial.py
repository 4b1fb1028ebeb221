"""Trying it on the model: the call that makes the mapping, then a touch of every page."""

from dataclasses import dataclass

from hugeresv.fit.machine import MOUNT, World, world_of
from hugeresv.fit.situation import Request, Situation, What
from hugeresv.fit.touching import touch_all
from hugeresv.model.address_space import TASK_SIZE
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.mmap import mmap
from hugeresv.model.mount import open_file
from hugeresv.model.shm import shmat, shmget
from hugeresv.outcome import Outcome

_FILE = "file"
_SEGMENT = "segment"


@dataclass(frozen=True, slots=True)
class Trial:
    """How far it came.

    call           what answered `outcome`: `mmap`, `shmget`, `open` or `touch`; `touch` also where all succeeded
    page           of a touch that failed, counted from 0
    surplus_pages  that overcommit had to find in free memory until then
    """

    call: str
    outcome: Outcome
    page: int | None = None
    surplus_pages: int = 0

    @property
    def fits(self) -> bool:
        """Whether every page could be had."""
        return self.outcome is Outcome.OK

    @property
    def reach(self) -> int:
        """A measure of how far it came: -2 before any page was counted, -1 the call, else the page that failed."""
        if self.call == "touch":
            return self.page if self.page is not None else 1 << 62
        return -2 if self.outcome in {Outcome.EPERM, Outcome.EACCES, Outcome.EROFS} else -1


def attempt(request: Request, situation: Situation, behaviour: Behaviour) -> Trial:
    """Try it."""
    if situation.refusal is not None:
        return Trial(situation.refusal.call, situation.refusal.outcome)
    world = world_of(situation, behaviour)
    before = world.machine.hstate.surplus_huge_pages
    call = "shmget" if request.what is What.SYSV else "mmap"
    address = max(situation.page_bytes, 1 << 30)
    outcome = _map(request, world, address)
    if outcome is not Outcome.OK:
        return Trial(call, outcome)
    done, outcome = touch_all(world.machine, world.task, address, request.pages)
    surplus = world.machine.hstate.surplus_huge_pages - before
    return Trial("touch", outcome, None if outcome is Outcome.OK else done, surplus)


def _map(request: Request, world: World, address: int) -> Outcome:
    machine, task = world.machine, world.task
    length = request.pages * machine.hstate.page_bytes
    if length > TASK_SIZE - address:
        return Outcome.ENOMEM
    if request.what is What.SYSV:
        outcome = shmget(machine, task, _SEGMENT, length, noreserve=request.noreserve)
        return shmat(machine, task, _SEGMENT, address) if outcome is Outcome.OK else outcome
    inode = None
    if MOUNT in machine.mounts:
        open_file(machine, _FILE, machine.mounts[MOUNT])
        inode = machine.files[_FILE]
    shared = request.what is What.SHARED
    return mmap(machine, task, address, length, shared=shared, inode=inode, noreserve=request.noreserve)
