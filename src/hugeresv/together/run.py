"""One run of concurrent calls, under a schedule: which task goes on wherever one asks for a lock.

A step of a task ends where it asks for a lock, or uses something without the lock that protects it. So two uses of the
same thing are either in an order that a lock gives them, or another task may come in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from greenlet import GreenletExit, getcurrent, greenlet

from hugeresv.model.locks import LockOf, kernel_name
from hugeresv.outcome import Outcome

if TYPE_CHECKING:
    from hugeresv.model.machine import Machine
    from hugeresv.together.rules import LockRule

_ADDRESSES = 1 << 18
"""Larger numbers are addresses, or count pages from address 0, and tell nothing."""

_SINGLE = ("hugetlb_lock", "page_counter", "css_set_lock")
"""Locks of which there is one."""

Body = Callable[["Machine"], Any]


class Want(NamedTuple):
    """What a task waits for: a lock to hold (`takes`), or a moment in which to use what a lock protects without it."""

    lock: LockOf
    alone: bool
    takes: bool = True

    def conflicts(self, other: Want) -> bool:
        """Whether the order of the two may matter."""
        return (self.alone or other.alone) and self.lock.meets(other.lock)


class Advance(NamedTuple):
    """One step: the task that went on, what it had waited for, and the tasks that could have."""

    task: int
    want: Want
    could: tuple[int, ...]


class Told(NamedTuple):
    """What a function of the kernel has answered to a task: `region_chg(0, 1) = 1`."""

    task: int
    function: str
    arguments: tuple[int, ...]
    value: str


class Unlocked(NamedTuple):
    """A task has called a function of the kernel without the lock that it has to be called with."""

    task: int
    function: str
    lock: LockOf


class Contender:
    """A call under way: what it waits for, what it holds, and what it has answered."""

    __slots__ = ("answer", "body", "held", "made", "number", "thread", "want")

    def __init__(self, number: int, body: Callable[[], Any], hub: greenlet) -> None:
        self.number = number
        self.body = body
        self.want: Want | None = None
        self.held: list[tuple[LockOf, bool]] = []
        self.made: list[object] = []
        """What it has brought into being, kept so that nothing else gets its place in memory."""
        self.answer: Any = None
        self.thread = greenlet(self._run, hub)

    def _run(self) -> None:
        self.answer = self.body()


class TaskArbiter:
    """The arbiter of one run after the other; its tasks are those of the run that is under way."""

    def __init__(
        self, guards: Mapping[tuple[str, str], LockRule], missing: frozenset[str], fails: Mapping[int, int]
    ) -> None:
        self._guards = guards
        self._missing = missing
        self._fails = fails
        self._hub = getcurrent()
        self._current: Contender | None = None
        self._asked: dict[int, int] = {}
        self._ending = False
        self._names: dict[int, str] = {}
        self.tasks: list[Contender] = []
        self.unlocked: list[Unlocked] = []
        """The functions that were called without their lock in this run."""
        self.told: list[Told] | None = None
        """What functions have answered since it was emptied last; None: they are not kept."""

    # What the model asks

    def acquire(self, lock: LockOf, *, alone: bool) -> None:
        """Wait until no task holds it in a way that excludes this one."""
        task = self._current
        if task is None or lock.name in self._missing:
            return
        if self._ending:
            raise GreenletExit
        lock = self._named(lock)
        task.want = Want(lock, alone)
        self._hub.switch()
        if self._ending:
            raise GreenletExit
        task.held.append((lock, alone))

    def release(self, lock: LockOf, *, alone: bool) -> None:
        """It is free again for others, who have to wait for their turn all the same."""
        task = self._current
        if task is not None and not self._ending and lock.name not in self._missing:
            task.held.remove((self._named(lock), alone))

    def allocate(self, what: str) -> bool:
        """Whether this is not the allocation that fails."""
        task = self._current
        if task is None or task.number not in self._fails:
            return True
        self._asked[task.number] = self._asked.get(task.number, 0) + 1
        return self._asked[task.number] != self._fails[task.number]

    def asserted(self, lock: LockOf, function: Callable[..., Any]) -> None:
        """Note where the task has not the lock with which the function has to be called."""
        task = self._current
        if task is not None and not self._ending:
            wanted = self._named(lock)
            if not any(alone and wanted.meets(held) for held, alone in task.held):
                self.unlocked.append(Unlocked(task.number, kernel_name(function), wanted))

    def returned(self, function: Callable[..., Any], arguments: tuple[Any, ...], value: object) -> None:
        """Kept for whoever shows the run."""
        task = self._current
        if self.told is not None and task is not None and not self._ending:
            self.told.append(Told(task.number, *_shown(function, arguments, value)))

    def use(self, thing: object, cls: str, field: str, written: bool) -> None:
        """A use without the lock that protects it is a step of its own."""
        task = self._current
        if task is None or self._ending:
            return
        guard = self._guards.get((cls, field))
        if guard is None:
            return
        name = self._name(thing)
        if not guard.kept(task.held, name, written=written):
            need = guard.needs[0][-1].name
            task.want = Want(LockOf(need, None if need in _SINGLE else name), written, takes=False)
            self._hub.switch()
            if self._ending:
                raise GreenletExit

    def _named(self, lock: LockOf) -> LockOf:
        """The lock with its owner's name in the place of the owner, which is another object in every run."""
        return lock if lock.owner is None else LockOf(lock.name, self._name(lock.owner), lock.of)

    def _name(self, thing: object) -> str:
        """What the thing is called; one that came into being during the run by its task and its turn."""
        name = self._names.get(id(thing))
        if name is None:
            assert self._current is not None
            task = self._current
            task.made.append(thing)
            name = self._names[id(thing)] = f"{len(task.made)} of task {task.number}"
        return name

    # What a search does

    def begin(self, machine: Machine, names: dict[int, str], bodies: Sequence[Body]) -> None:
        """Let every task come to its first step: what lies before touches nothing that others have."""
        self._names = names
        self._current = None
        self._ending = False
        self._asked = {}
        self.unlocked = []
        self.tasks = [Contender(number, partial(body, machine), self._hub) for number, body in enumerate(bodies)]
        for task in self.tasks:
            self._go_on(task)

    def enabled(self) -> list[int]:
        """The tasks that can go on."""
        return [task.number for task in self.tasks if task.want is not None and self._can_have(task.want)]

    def _can_have(self, want: Want) -> bool:
        if not want.takes:
            return True
        return not any(
            (alone or want.alone) and lock.meets(want.lock) for other in self.tasks for lock, alone in other.held
        )

    def advance(self, number: int) -> Want:
        """Let a task go on to the end of its next step; what it had waited for."""
        task = self.tasks[number]
        want, task.want = task.want, None
        assert want is not None
        self._go_on(task)
        return want

    def _go_on(self, task: Contender) -> None:
        self._current = task
        task.thread.switch()
        self._current = None

    def end(self) -> None:
        """Throw out what has not come to its end."""
        self._ending = True
        for task in self.tasks:
            if not task.thread.dead:
                self._current = task
                task.thread.throw()
        self._current = None


def _shown(function: Callable[..., Any], arguments: tuple[Any, ...], value: object) -> tuple[str, tuple[int, ...], str]:
    """A call by the kernel's name for it, its numbers, and its answer."""
    numbers = tuple(each for each in arguments if type(each) is int and each < _ADDRESSES)
    return kernel_name(function), numbers, _spelt(function, value)


def _spelt(function: Callable[..., Any], value: object) -> str:
    """An answer in a word; nothing for a function that has none, or one that means something only to the model."""
    if function.__annotations__.get("return") in ("None", None):
        return ""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int | Outcome) else ""
