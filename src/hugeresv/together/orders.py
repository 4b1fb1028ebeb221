"""Going through the orders of concurrent calls: by replay, depth first, the latest choice changed first.

With a bound, those of at most so many preemptions (a task that could go on is made to wait). Without, dynamic
partial-order reduction (Flanagan and Godefroid, 2005) with sleep sets (Godefroid, 1996): of orders that differ only in
steps that do not touch the same lock, one is run. So what the unbounded search does not find is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from hugeresv.model import locks
from hugeresv.together.rules import guards_of, missing_locks
from hugeresv.together.run import Advance, Body, TaskArbiter, Told, Unlocked, Want
from hugeresv.together.watch import watching

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hugeresv.model.locks import LockOf
    from hugeresv.model.machine import Machine


class Order(NamedTuple):
    """One order: its steps, what each call answered (None: it never ended), and the machine afterwards."""

    steps: tuple[Advance, ...]
    answers: tuple[Any, ...]
    waiting: tuple[tuple[int, Want], ...]
    """The tasks that wait for each other, if that is how it ended."""
    machine: Machine
    holding: tuple[tuple[LockOf, ...], ...] = ()
    """What each task holds at the end, which is something only where tasks wait for each other."""
    unlocked: tuple[Unlocked, ...] = ()

    @property
    def preemptions(self) -> int:
        """How often a task had to wait that could go on."""
        pairs = pairwise(self.steps)
        return sum(before.task != after.task and before.task in after.could for before, after in pairs)

    @property
    def switches(self) -> int:
        """How often another task went on."""
        return sum(before.task != after.task for before, after in pairwise(self.steps))


class Frame(NamedTuple):
    """A step, what functions of the kernel have answered in it; then the pool's counters and the locks held."""

    step: Advance
    told: tuple[Told, ...]
    counters: tuple[int, int, int, int]
    held: tuple[tuple[LockOf, ...], ...]
    """By each task."""


class _Node:
    """A moment of the orders under way: who could go on, who did, who has to be tried, who need not."""

    __slots__ = ("done", "enabled", "now", "sleep", "todo", "want")

    def __init__(self, enabled: list[int], todo: list[int], sleep: dict[int, Want]) -> None:
        self.enabled = enabled
        self.todo = todo
        self.sleep = sleep
        self.done: dict[int, Want] = {}
        self.now = -1
        self.want: Want | None = None

    def next(self) -> bool:
        """Advance to the next task that has to be tried; False: there is none."""
        if self.want is not None:
            self.done[self.now] = self.want
        while self.todo:
            number = self.todo.pop(0)
            if number not in self.done and number not in self.sleep:
                self.now = number
                return True
        return False

    def ask(self, number: int) -> None:
        """A task has to be tried here."""
        if number != self.now and number not in self.done and number not in self.todo:
            self.todo.append(number)


class Interleavings:
    """The orders of calls, each of which begins on a copy of `machine`.

    `preemptions`: at most so many; None: any number. `every`: without reduction. `fails`: by its number, which
    allocation of a task fails.
    """

    def __init__(
        self,
        machine: Machine,
        bodies: Sequence[Body],
        *,
        preemptions: int | None = None,
        every: bool = False,
        fails: Mapping[int, int] | None = None,
    ) -> None:
        self._machine = self._filmed = machine
        self._bodies = bodies
        self._bound = preemptions
        self._reduced = preemptions is None and not every
        self._tasks = TaskArbiter(guards_of(machine.behaviour), missing_locks(machine.behaviour), fails or {})
        self._stack: list[_Node] = []
        self.steps = 0
        """Taken in all runs."""
        self.runs = 0
        """Made, those included that were given up because another is like them."""

    def __iter__(self) -> Iterator[Order]:
        """Every order that is to be run; the first one is a serial order."""
        try:
            while True:
                locks.ensure(self._tasks)
                run = self._run()
                if run is not None:
                    yield run
                while self._stack and not self._stack[-1].next():
                    self._stack.pop()
                if not self._stack:
                    return
        finally:
            locks.dismiss(self._tasks)

    def film(self, run: Order) -> list[Frame]:
        """The same order once more, and what its steps did."""
        frames: list[Frame] = []
        tasks = self._tasks
        tasks.told = []

        def choose(steps: Sequence[Advance], *_: object) -> int:
            self._frame(steps, frames)
            return run.steps[len(steps)].task

        try:
            again = self.replay(choose)
            self._frame(again.steps, frames)
        finally:
            tasks.told = None
        return frames

    def _frame(self, steps: Sequence[Advance], frames: list[Frame]) -> None:
        told, self._tasks.told = self._tasks.told or [], []
        if steps:
            h = self._filmed.hstate
            counters = h.nr_huge_pages, h.free_huge_pages, h.resv_huge_pages, h.surplus_huge_pages
            held = tuple(tuple(lock for lock, _ in task.held) for task in self._tasks.tasks)
            frames.append(Frame(steps[-1], tuple(told), counters, held))

    def replay(self, choose: Callable[[Sequence[Advance], Sequence[int], Sequence[Want | None]], int]) -> Order:
        """The order in which `choose` says who goes on: after the steps so far, of those who can, by their wants."""
        locks.ensure(self._tasks)
        try:
            machine = self._filmed = self._machine.copy()
            steps: list[Advance] = []
            with watching(machine, self._tasks.use) as names:
                self._tasks.begin(machine, names, self._bodies)
                while enabled := self._tasks.enabled():
                    number = choose(steps, enabled, [task.want for task in self._tasks.tasks])
                    self._step(steps, number, enabled)
                return self._ended(machine, steps)
        finally:
            locks.dismiss(self._tasks)

    def _run(self) -> Order | None:
        """One run along the stack and beyond; None where every continuation is known."""
        machine = self._machine.copy()
        tasks, stack, reduced = self._tasks, self._stack, self._reduced
        steps: list[Advance] = []
        sleep: dict[int, Want] = {}
        order = _Clocks(len(self._bodies)) if reduced else None
        preempted, last = 0, -1
        self.runs += 1
        with watching(machine, tasks.use) as names:
            tasks.begin(machine, names, self._bodies)
            while enabled := tasks.enabled():
                depth = len(steps)
                if depth == len(stack):
                    node = self._node(enabled, last, preempted, sleep)
                    stack.append(node)
                    if not node.next():
                        tasks.end()
                        return None
                node = stack[depth]
                number = node.now
                if last != number and last in enabled:
                    preempted += 1
                node.want = self._step(steps, number, enabled)
                if order is not None:
                    sleep = _still_asleep(node)
                    order.backtrack(stack, number, node.want)
                last = number
            if order is not None:
                for task in tasks.tasks:
                    if task.want is not None:
                        order.blocked(stack, task.number, task.want)
            return self._ended(machine, steps)

    def _node(self, enabled: list[int], last: int, preempted: int, sleep: dict[int, Want]) -> _Node:
        todo = sorted(enabled, key=lambda number: number != last)
        if self._bound is not None and last in enabled and preempted >= self._bound:
            todo = [last]
        if self._reduced:
            todo = next(([number] for number in todo if number not in sleep), [])
        return _Node(enabled, todo, dict(sleep))

    def _step(self, steps: list[Advance], number: int, enabled: list[int]) -> Want:
        want = self._tasks.advance(number)
        steps.append(Advance(number, want, tuple(enabled)))
        self.steps += 1
        return want

    def _ended(self, machine: Machine, steps: list[Advance]) -> Order:
        tasks = self._tasks.tasks
        waiting = tuple((task.number, task.want) for task in tasks if task.want is not None)
        holding = tuple(tuple(lock for lock, _ in task.held) for task in tasks)
        self._tasks.end()
        return Order(
            tuple(steps), tuple(task.answer for task in tasks), waiting, machine, holding, tuple(self._tasks.unlocked)
        )


def _still_asleep(node: _Node) -> dict[int, Want]:
    """What need not be tried after a step either: it is known, and the step does not touch what it is about."""
    assert node.want is not None
    known = {**node.sleep, **node.done}
    return {number: want for number, want in known.items() if number != node.now and not want.conflicts(node.want)}


class _Clocks:
    """Which steps of a run come after which, by the locks that both touch: vector clocks."""

    def __init__(self, tasks: int) -> None:
        self._clocks: list[list[int]] = [[-1] * tasks for _ in range(tasks)]
        self._events: list[tuple[int, Want, list[int]]] = []
        """Of every step: the task, what it touched, and the clock that it had then."""
        self._by_name: dict[str, list[int]] = {}

    def backtrack(self, stack: list[_Node], number: int, want: Want) -> None:
        """The step just taken: where it could have come before one that it touches the same lock as."""
        at = len(self._events)
        clock = self._clocks[number]
        self.blocked(stack, number, want)
        for earlier in self._by_name.get(want.lock.name, ()):
            _, touched, then = self._events[earlier]
            if want.conflicts(touched):
                clock[:] = map(max, clock, then)
        self._by_name.setdefault(want.lock.name, []).append(at)
        clock[number] = at
        self._events.append((number, want, clock[:]))

    def blocked(self, stack: list[_Node], number: int, want: Want) -> None:
        """A task that is about to touch a lock: the last step that it is not after, and that touched the same."""
        clock = self._clocks[number]
        for earlier in reversed(self._by_name.get(want.lock.name, ())):
            task, touched, _ = self._events[earlier]
            if task == number or not want.conflicts(touched):
                continue
            if clock[task] >= earlier:
                continue
            node = stack[earlier]
            if number in node.enabled:
                node.ask(number)
            else:
                for other in node.enabled:
                    node.ask(other)
            return
