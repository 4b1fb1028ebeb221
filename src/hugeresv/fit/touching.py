"""Touching a mapping's pages one after the other, over stretches in which nothing new can happen at one stroke.

The model takes 10 us for a touch, and a mapping may have millions of pages. But a fault on a fresh page moves a few
counters by one each, and all that it decides it decides by comparing counters with one another and with limits. So
when three touches in a row have moved every counter alike, the next ones do too, until two of the compared values come
near each other; up to there the counters are moved at once. Around such a point every touch is the model's own.

Pages that are skipped so are not in the page table. Nothing may be asked of them afterwards.
"""

from collections.abc import Iterator
from typing import Any

from hugeresv.fit.machine import NodesHState
from hugeresv.model.fault import touch
from hugeresv.model.machine import Machine
from hugeresv.model.process import Process
from hugeresv.outcome import Outcome

_ALIKE = 3
"""Touches that moved the counters alike, before the next are taken to do so too."""
_NEAR = 3
"""Touches before and after a meeting of two values that are made one by one."""
_NEVER = 1 << 62

Gauge = tuple[Any, str]
"""An object of the model and the name of a counter of it."""


def touch_all(machine: Machine, task: Process, address: int, pages: int) -> tuple[int, Outcome]:
    """Write to each of `pages` fresh pages from `address` on: how many could be had, and what the next answered."""
    gauges = list(_gauges(machine))
    limits = list(_limits(machine))
    size = machine.hstate.page_bytes
    steps: list[int] = []
    alike = page = 0
    while page < pages:
        before = _read(gauges)
        outcome = touch(machine, task, address + page * size, write=True)
        if outcome is not Outcome.OK:
            return page, outcome
        page += 1
        moved = [now - then for now, then in zip(_read(gauges), before, strict=True)]
        alike = alike + 1 if moved == steps else 1
        steps = moved
        if alike >= _ALIKE:
            stretch = max(0, min(_until_a_meeting(_read(gauges), steps, limits), pages - page))
            for (owner, name), step in zip(gauges, steps, strict=True):
                setattr(owner, name, getattr(owner, name) + stretch * step)
            page += stretch
    return pages, Outcome.OK


def _until_a_meeting(values: list[int], steps: list[int], limits: list[int]) -> int:
    """The touches that are not within _NEAR of a meeting of two values, before it or behind it."""
    points = [*zip(values, steps, strict=True), *((limit, 0) for limit in limits)]
    ahead = []
    for value, step in points[: len(values)]:
        for other, other_step in points:
            approach = step - other_step
            if approach:
                ahead.append((other - value) // approach)
    return min((touches for touches in ahead if touches >= -_NEAR), default=_NEVER) - _NEAR


def _read(gauges: list[Gauge]) -> list[int]:
    return [getattr(owner, name) for owner, name in gauges]


def _gauges(machine: Machine) -> Iterator[Gauge]:
    """All counters that a fault moves."""
    for name in ("free_huge_pages", "resv_huge_pages", "surplus_huge_pages", "nr_huge_pages"):
        yield machine.hstate, name
    for mount in machine.mounts.values():
        for name in ("used_hpages", "rsv_hpages"):
            yield mount.subpool, name
    for cgroup in machine.cgroups.values():
        for name in ("usage", "rsvd"):
            yield cgroup, name


def _limits(machine: Machine) -> Iterator[int]:
    """All that a fault compares them with."""
    yield 0
    yield machine.hstate.nr_overcommit_huge_pages
    if isinstance(machine.hstate, NodesHState):
        yield machine.hstate.free_elsewhere
    for mount in machine.mounts.values():
        if mount.subpool is not None:
            yield from (limit for limit in (mount.subpool.max_hpages, mount.subpool.min_hpages) if limit is not None)
    for cgroup in machine.cgroups.values():
        yield from (limit for limit in (cgroup.max_pages, cgroup.rsvd_max_pages) if limit is not None)
