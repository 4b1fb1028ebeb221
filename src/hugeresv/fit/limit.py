"""The limits that can stop a mapping, each of which can be lifted or raised, to see what it alone does."""

from dataclasses import dataclass, replace
from typing import Protocol

from hugeresv.fit.situation import Situation


class Limit(Protocol):
    """One limit of a situation."""

    def lifted(self, situation: Situation, pages: int) -> Situation:
        """Without it, as far as a mapping of `pages` pages can tell."""

    def raised(self, situation: Situation, pages: int) -> Situation:
        """With it higher by `pages`."""

    def most(self, situation: Situation, pages: int) -> int:
        """A raise that is enough for `pages` pages, whatever else stands in their way."""


@dataclass(frozen=True, slots=True)
class PoolLimit:
    """The pool's pages, on the nodes that the task may use, and the surplus that overcommit may add."""

    def lifted(self, situation: Situation, pages: int) -> Situation:
        """With enough pages, on any node."""
        return replace(situation, grow=self.most(situation, pages), free_elsewhere=0)

    def raised(self, situation: Situation, pages: int) -> Situation:
        """With more persistent pages on the nodes that the task may use."""
        return replace(situation, grow=situation.grow + pages)

    def most(self, situation: Situation, pages: int) -> int:
        """Surplus pages become persistent before the pool grows; promises beyond the free pages come on top."""
        pool = situation.pool
        return pages + pool.surp + abs(pool.rsvd) + situation.free_elsewhere


@dataclass(frozen=True, slots=True)
class MountLimit:
    """A mount's `size=`."""

    def lifted(self, situation: Situation, pages: int) -> Situation:
        """With room for all."""
        return self.raised(situation, self.most(situation, pages))

    def raised(self, situation: Situation, pages: int) -> Situation:
        """With a larger size; without a mount or a size, the same."""
        mount = situation.mount
        if mount is None or mount.size_pages is None:
            return situation
        return replace(situation, mount=replace(mount, size_pages=mount.size_pages + pages))

    def most(self, situation: Situation, pages: int) -> int:
        """As much as is taken on top."""
        return pages + (situation.mount.used_pages if situation.mount is not None else 0)


@dataclass(frozen=True, slots=True)
class CgroupLimit:
    """The limit of usage or of reservations (`rsvd`) of the cgroup `level` steps above the task's own."""

    level: int
    rsvd: bool

    def lifted(self, situation: Situation, pages: int) -> Situation:
        """Unlimited."""
        return situation.with_cgroup(self.level, **{self._field: None})

    def raised(self, situation: Situation, pages: int) -> Situation:
        """With a higher limit; without one, the same."""
        limit = self.value(situation)
        return situation if limit is None else situation.with_cgroup(self.level, **{self._field: limit + pages})

    def most(self, situation: Situation, pages: int) -> int:
        """As much as is charged on top."""
        return pages + self.counted(situation)

    def value(self, situation: Situation) -> int | None:
        """The limit, in pages."""
        cgroup = situation.cgroups[self.level]
        return cgroup.rsvd_max_pages if self.rsvd else cgroup.max_pages

    def counted(self, situation: Situation) -> int:
        """What is charged to it already, in pages."""
        cgroup = situation.cgroups[self.level]
        return (cgroup.rsvd_pages or 0) if self.rsvd else cgroup.usage_pages

    @property
    def _field(self) -> str:
        return "rsvd_max_pages" if self.rsvd else "max_pages"


def limits_of(situation: Situation) -> list[Limit]:
    """Every limit, in the order in which the kernel asks them: cgroup, mount, pool; what is promised before usage."""
    levels = range(len(situation.cgroups))
    limits: list[Limit] = [CgroupLimit(level, rsvd=True) for level in levels]
    limits += [CgroupLimit(level, rsvd=False) for level in levels]
    limits += [MountLimit(), PoolLimit()]
    return limits


def alone(limit: Limit, situation: Situation, pages: int) -> Situation:
    """With this limit in force, and no other."""
    for other in limits_of(situation):
        if other != limit:
            situation = other.lifted(situation, pages)
    return replace(situation, refusal=None)


def without_limits(situation: Situation, pages: int) -> Situation:
    """With no limit in force at all: what does not fit even so is too long for any address space."""
    for limit in limits_of(situation):
        situation = limit.lifted(situation, pages)
    return replace(situation, refusal=None)
