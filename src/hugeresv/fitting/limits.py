"""The limits that can stop a mapping, each of which can be set to another value, to see what it alone does."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

from hugeresv.fitting.situation import Situation


class Limit(ABC):
    """One limit of a situation."""

    __slots__ = ()

    @abstractmethod
    def value(self, situation: Situation) -> int | None:
        """What it is now; None: there is no such limit."""

    @abstractmethod
    def at(self, situation: Situation, value: int) -> Situation:
        """With this value of it."""

    @abstractmethod
    def enough(self, situation: Situation) -> int:
        """A value with which it stops nothing that is asked, whatever else stands in the way."""

    def lifted(self, situation: Situation) -> Situation:
        """Without it, as far as what is asked can tell."""
        return self.at(situation, max(self.value(situation) or 0, self.enough(situation)))


@dataclass(frozen=True, slots=True)
class PoolLimit(Limit):
    """Persistent pages that are added to the pool, on nodes that the task may use."""

    def value(self, situation: Situation) -> int:
        """Those that were added."""
        return situation.grow

    def at(self, situation: Situation, value: int) -> Situation:
        """With so many added."""
        return replace(situation, grow=value)

    def lifted(self, situation: Situation) -> Situation:
        """With enough pages, on any node."""
        return replace(situation.anywhere, grow=self.enough(situation))

    def enough(self, situation: Situation) -> int:
        """Surplus pages become persistent before the pool grows; promises beyond the free pages come on top."""
        pool = situation.pool
        return situation.request.total + pool.surp + abs(pool.rsvd) + situation.free_elsewhere


@dataclass(frozen=True, slots=True)
class MountLimit(Limit):
    """A mount's `size=`. The kernel ignores another one on a remount: it takes a new mount, which has no minimum."""

    def value(self, situation: Situation) -> int | None:
        """Its size."""
        return situation.mount.size_pages if situation.mount is not None else None

    def at(self, situation: Situation, value: int) -> Situation:
        """With a mount of that size, in which as much is taken."""
        lifted = self._sized(situation, value)
        assert lifted.mount is not None
        return replace(lifted, mount=replace(lifted.mount, min_size_pages=None, min_left_pages=0))

    def lifted(self, situation: Situation) -> Situation:
        """With room for all, and its minimum."""
        return self._sized(situation, self.enough(situation))

    def enough(self, situation: Situation) -> int:
        """As much as is taken on top."""
        return situation.request.total + (situation.mount.used_pages if situation.mount is not None else 0)

    @staticmethod
    def _sized(situation: Situation, size_pages: int) -> Situation:
        assert situation.mount is not None
        return replace(situation, mount=replace(situation.mount, size_pages=size_pages))


@dataclass(frozen=True, slots=True)
class CgroupLimit(Limit):
    """The limit of usage or of reservations (`rsvd`) of the cgroup `level` steps above the task's own."""

    level: int
    rsvd: bool

    def value(self, situation: Situation) -> int | None:
        """The limit."""
        use = situation.cgroups[self.level].use
        return use.rsvd_max_pages if self.rsvd else use.max_pages

    def at(self, situation: Situation, value: int) -> Situation:
        """With that limit."""
        return situation.with_cgroup(self.level, **{"rsvd_max_pages" if self.rsvd else "max_pages": value})

    def enough(self, situation: Situation) -> int:
        """As much as is charged on top."""
        return situation.request.total + self.counted(situation)

    def counted(self, situation: Situation) -> int:
        """What is charged to it already."""
        use = situation.cgroups[self.level].use
        return (use.rsvd_pages or 0) if self.rsvd else use.usage_pages


@dataclass(frozen=True, slots=True)
class MemoryLimit(Limit):
    """What memory.max of the cgroup `level` steps above the task's own leaves, in huge pages."""

    level: int

    def value(self, situation: Situation) -> int:
        """The huge pages that it still has room for."""
        return situation.memory[self.level].at_most

    def at(self, situation: Situation, value: int) -> Situation:
        """With room for so many."""
        rooms = list(situation.memory)
        rooms[self.level] = replace(rooms[self.level], at_most=value)
        return replace(situation, memory=tuple(rooms))

    def enough(self, situation: Situation) -> int:
        """All that are asked for."""
        return situation.request.total


@dataclass(frozen=True, slots=True)
class OfCall(Limit):
    """The limit of a call at that position in the situation."""

    position: int

    def value(self, situation: Situation) -> int:
        """The limit, in its own unit."""
        return situation.calls[self.position].value

    def at(self, situation: Situation, value: int) -> Situation:
        """With that limit."""
        calls = list(situation.calls)
        calls[self.position] = replace(calls[self.position], value=value)
        return replace(situation, calls=tuple(calls))

    def enough(self, situation: Situation) -> int:
        """What counts already, and the mappings."""
        limit, request = situation.calls[self.position], situation.request
        return max(limit.counted(request, situation.page_bytes, made + 1) for made in range(len(request.pages)))


def limits_of(situation: Situation) -> list[Limit]:
    """Every limit, in the order in which the kernel asks: call, cgroup, mount, pool; what is promised before usage."""
    calls = [OfCall(position) for position in range(len(situation.calls))]
    levels = range(len(situation.cgroups))
    limits: list[Limit] = [each for each in calls if not situation.calls[each.position].late]
    limits += [CgroupLimit(level, rsvd=True) for level in levels]
    limits += [CgroupLimit(level, rsvd=False) for level in levels]
    limits += [MountLimit(), PoolLimit()]
    limits += [MemoryLimit(level) for level in range(len(situation.memory))]
    limits += [each for each in calls if situation.calls[each.position].late]
    return [limit for limit in limits if limit.value(situation) is not None]


def alone(limit: Limit, situation: Situation) -> Situation:
    """With this limit in force, and no other."""
    for other in limits_of(situation):
        if other != limit:
            situation = other.lifted(situation)
    return replace(situation, refusal=None)


def without_limits(situation: Situation) -> Situation:
    """With no limit in force at all: what does not fit even so is too long for any address space."""
    for limit in limits_of(situation):
        situation = limit.lifted(situation)
    return replace(situation, refusal=None)
