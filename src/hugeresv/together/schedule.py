"""An order of concurrent calls as a scenario writes it: where a process stops and lets another go on.

`b@resv_map->lock#2`: b goes on until it asks for that lock for the second time. `b`: it goes on as far as it can.
`b@hugetlb_lock#3?`: only some kernels ask for it so often; on others b goes on to its end. What
comes after the last of them is serial: the other processes in the order of the block, then the one that has stopped.
Only stops are written, so that an order means the same when other steps have come or gone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from hugeresv.errors import InputError
from hugeresv.together.run import Advance, Want

_STOP = re.compile(r"(?P<task>.+?)(?:@(?P<lock>.+?)(?:#(?P<time>[1-9][0-9]{0,8}))?(?P<may_miss>\?)?)?")


class Stop(NamedTuple):
    """A task goes on until it asks for a lock of that name for the `time`-th time; None: as far as it can.

    `may_miss`: or to its end, where it does not ask so often.
    """

    task: int
    lock: str | None
    time: int
    may_miss: bool = False


def read_switch(switch: Sequence[str], tasks: Sequence[str]) -> list[Stop]:
    """The stops that a scenario writes. InputError for a task that is not there."""
    stops = []
    for text in switch:
        found = _STOP.fullmatch(text)
        if found is None or found["task"] not in tasks:
            raise InputError(f"switch {text!r} names none of the calls: {', '.join(tasks)}")
        may_miss = found["may_miss"] is not None
        stops.append(Stop(tasks.index(found["task"]), found["lock"], int(found["time"] or 1), may_miss))
    return stops


class Follow:
    """Goes by stops: whose turn it is after the steps so far."""

    def __init__(self, stops: Sequence[Stop]) -> None:
        self._stops = list(stops)
        self._at = 0
        self._missed: list[Stop] = []

    @property
    def missed(self) -> list[Stop]:
        """After the last step: the stops at which no task has stopped, because it never asked for the lock so often."""
        missed = self._missed + self._stops[self._at :]
        return [stop for stop in missed if stop.lock is not None and not stop.may_miss]

    def __call__(self, steps: Sequence[Advance], enabled: Sequence[int], wants: Sequence[Want | None]) -> int:
        """The task that goes on, of those that can."""
        while self._at < len(self._stops):
            task, lock, time, _ = self._stops[self._at]
            want = wants[task]
            waits = want is not None and want.lock.name == lock and _asked(steps, task, lock) == time - 1
            if want is None or waits or (lock is None and task not in enabled):
                if want is None:
                    self._missed.append(self._stops[self._at])
                self._at += 1
            elif task in enabled:
                return task
            else:
                return enabled[0]
        stopped = self._stops[-1].task if self._stops else -1
        running = steps[-1].task if steps else -1
        if running in enabled and running != stopped:
            return running
        return min(enabled, key=lambda task: (task == stopped, task))


def check_reached(follow: Follow, switch: Sequence[str], tasks: Sequence[str], steps: Sequence[Advance]) -> None:
    """InputError for a stop that the order gone by did not reach, with the locks that its task has asked for."""
    for missed in follow.missed:
        text = next(each for each, stop in zip(switch, read_switch(switch, tasks), strict=True) if stop == missed)
        asked = Counter(step.want.lock.name for step in steps if step.task == missed.task)
        named = {lock: count for lock, count in asked.items() if lock == missed.lock} or asked
        locks = ", ".join(f"{lock} {_times(count)}" for lock, count in named.items())
        raise InputError(
            f"switch {text!r} is never reached: on this kernel {tasks[missed.task]} asks for {locks};"
            f" write one of these, or '{text}?' for a stop that only some kernels have"
        )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def write_switch(steps: Sequence[Advance], tasks: Sequence[str]) -> tuple[str, ...]:
    """The stops of an order, so many as do not follow from the others."""
    stops = list(_stops(steps))
    while stops and _same_order(stops[:-1], steps):
        stops.pop()
    return tuple(
        tasks[task] + (f"@{lock}" + (f"#{time}" if time > 1 else "") if lock is not None else "")
        for task, lock, time, _ in stops
    )


def _stops(steps: Sequence[Advance]) -> Iterator[Stop]:
    """One for each stretch of steps of one task."""
    for at, (step, after) in enumerate(pairwise(steps)):
        if step.task != after.task:
            rest = [later for later in steps[at + 1 :] if later.task == step.task]
            if rest and step.task in after.could:
                lock = rest[0].want.lock.name
                yield Stop(step.task, lock, _asked(steps[: at + 1], step.task, lock) + 1)
            else:
                yield Stop(step.task, None, 1)


def _same_order(stops: Sequence[Stop], steps: Sequence[Advance]) -> bool:
    """Whether going by these stops takes the same steps."""
    follow = Follow(stops)
    for at, step in enumerate(steps):
        wants = [_next_want(steps[at:], task) for task in range(1 + max(each.task for each in steps))]
        if follow(steps[:at], step.could, wants) != step.task:
            return False
    return True


def _next_want(steps: Sequence[Advance], task: int) -> Want | None:
    return next((step.want for step in steps if step.task == task), None)


def _asked(steps: Sequence[Advance], task: int, lock: str | None) -> int:
    return sum(step.task == task and step.want.lock.name == lock for step in steps)
