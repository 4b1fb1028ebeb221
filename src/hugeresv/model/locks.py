"""The locks of the kernel's paths and its allocations, as names.

A lock here knows nothing of who holds it: one operation runs after the other, so that holding one means nothing and
costs next to nothing. A search that lets operations interleave, or allocations fail, is an `Arbiter`: while it is
installed it decides who goes on wherever a lock is asked for or let go, and whether there is memory.

A lock stands in the class of what has one: `i_rwsem = Lock("i_rwsem")`. System calls hold it in `with`; a method that
runs under it from its first line to its last says `@takes`, which leaves the method as it is until an arbiter comes.
Names are those of the kernel (mm/rmap.c has their order; mm/hugetlb.c, 6.18).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from itertools import repeat
from types import ModuleType
from typing import Any, NamedTuple, Protocol, TypeVar

Method = TypeVar("Method", bound=Callable[..., Any])


class LockOf(NamedTuple):
    """One lock of a machine: its name, the object that has it (None: there is one of it), and which of several.

    `of`: the index that it stands for where its owner has several; None is all of them.
    """

    name: str
    owner: object = None
    of: int | None = None

    def meets(self, other: LockOf) -> bool:
        """Whether the two are the same, or one is among the other's."""
        return (
            self.name == other.name
            and self.owner == other.owner
            and (self.of is None or other.of is None or self.of == other.of)
        )


class Arbiter(Protocol):
    """Who decides wherever another task could run, or memory could be short."""

    def acquire(self, lock: LockOf, *, alone: bool) -> None:
        """The running task asks for a lock, to hold it alone or with other readers. It has it when this returns."""

    def release(self, lock: LockOf, *, alone: bool) -> None:
        """The running task lets go of a lock."""

    def allocate(self, what: str) -> bool:
        """Whether the running task gets memory for `what`."""

    def asserted(self, lock: LockOf, function: Callable[..., Any]) -> None:
        """A function that has to be called with a lock held is called by the running task."""

    def returned(self, function: Callable[..., Any], arguments: tuple[Any, ...], value: object) -> None:
        """What a function that runs under a lock has answered to the running task."""


class Section:
    """A stretch of code in which a lock is held, or let go."""

    __slots__ = ()

    def __enter__(self) -> None:
        """Without an arbiter it means nothing."""

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Without an arbiter it means nothing."""


class Lock(Section):
    """`with lock:` holds it alone, `with lock.read:` together with other readers.

    `with lock.dropped:` its holder is without it for a while: whatever it protects may have changed afterwards.
    """

    __slots__ = ("dropped", "name", "read", "single")

    def __init__(self, name: str, *, single: bool = False) -> None:
        """A lock that the kernel calls so; `single`: there is one for all objects of the class."""
        self.name = name
        self.single = single
        self.read: Section = Section()
        self.dropped: Section = Section()

    def __set_name__(self, owner: type, name: str) -> None:
        """It is the lock of a class."""
        _locks.append((owner, name, self))

    def of(self, index: int) -> Lock:
        """The one of several that stands for `index`."""
        return self


hugetlb_lock = Lock("hugetlb_lock", single=True)
"""There is one, for the counters of all pools."""

_locks: list[tuple[type, str, Lock]] = []
_taking: list[tuple[Callable[..., Any], Lock]] = []
_holding: list[tuple[Callable[..., Any], Callable[..., Section]]] = []
_asserting: list[tuple[Callable[..., Any], Callable[..., Section]]] = []
_instead: dict[Callable[..., Any], Callable[..., Any]] = {}
"""What stands in the place of a function that `holds` a lock."""
_homes: dict[Callable[..., Any], tuple[int, Sequence[ModuleType]]] = {}
"""The modules that have such a function, and how many modules there were when they were looked for."""
_arbiter: Arbiter | None = None


def takes(lock: Lock) -> Callable[[Method], Method]:
    """The method runs under that lock of its object."""

    def register(method: Method) -> Method:
        _taking.append((method, lock))
        return method

    return register


def holds(lock: Callable[..., Section]) -> Callable[[Method], Method]:
    """The function runs under the lock that its arguments lead to."""

    def register(function: Method) -> Method:
        _holding.append((function, lock))
        return function

    return register


def asserts(lock: Callable[..., Section]) -> Callable[[Method], Method]:
    """lockdep_assert_held: whoever calls the function holds the lock that its arguments lead to."""

    def register(function: Method) -> Method:
        _asserting.append((function, lock))
        return function

    return register


def allocate(what: str) -> bool:
    """kmalloc and its kin: whether there is memory for `what`."""
    return _arbiter is None or _arbiter.allocate(what)


def portions(pages: int) -> Iterable[int]:
    """`pages` as they come: one by one, since others may run in between; all at once where there are none."""
    return (pages,) if _arbiter is None else repeat(1, pages)


def kernel_name(function: Callable[..., Any]) -> str:
    """What the kernel calls a function of the model: the first word of its docstring, or else its own name."""
    name = re.split(r"[:, ]", (function.__doc__ or "").partition("\n")[0], maxsplit=1)[0]
    return name if "_" in name else function.__name__.lstrip("_")


def ensure(arbiter: Arbiter) -> None:
    """`arbiter` decides, whoever did before."""
    if _arbiter is not arbiter:
        install(arbiter)


def dismiss(arbiter: Arbiter) -> None:
    """`arbiter` decides no more."""
    if _arbiter is arbiter:
        install(None)


def install(arbiter: Arbiter | None) -> None:
    """From now on `arbiter` decides. None: none does, and every class is as it was written."""
    global _arbiter  # noqa: PLW0603  whoever decides does so for the whole model
    _arbiter = arbiter
    for owner, name, lock in _locks:
        setattr(owner, name, lock if arbiter is None else _Arbitrated(arbiter, lock))
    for method, lock in _taking:
        owner = getattr(sys.modules[method.__module__], method.__qualname__.split(".")[0])
        setattr(
            owner, method.__name__, method if arbiter is None else _under(arbiter, _locked_by(arbiter, lock), method)
        )
    for function, section in _holding:
        _replace(function, function if arbiter is None else _under(arbiter, section, function))
    for function, section in _asserting:
        _replace(function, function if arbiter is None else _asserted(section, function))


def _replace(function: Callable[..., Any], new: Callable[..., Any]) -> None:
    """Whoever calls `function` calls `new` from now on: also modules that have it by `from … import`."""
    now, name = _instead.get(function, function), function.__name__
    _instead[function] = new
    count, homes = _homes.get(function, (0, ()))
    if count != len(sys.modules):
        every = list(sys.modules.values())
        homes = [module for module in every if getattr(module, "__dict__", {}).get(name) is now]
        _homes[function] = len(every), homes
    for module in homes:
        setattr(module, name, new)


class _Arbitrated:
    """A lock in its class while an arbiter decides: asked for by an object, it is that object's."""

    def __init__(self, arbiter: Arbiter, lock: Lock) -> None:
        self._arbiter = arbiter
        self._lock = lock

    def __get__(self, instance: object, owner: type) -> _Bound:
        return _bound(self._arbiter, self._lock, instance)


def _bound(arbiter: Arbiter, lock: Lock, instance: object) -> _Bound:
    return _Bound(arbiter, LockOf(lock.name, None if lock.single else instance))


def _locked_by(arbiter: Arbiter, lock: Lock) -> Callable[..., Section]:
    return lambda instance, *_, **__: _bound(arbiter, lock, instance)


def _under(arbiter: Arbiter, section: Callable[..., Section], function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        with section(*args, **kwargs):
            value = function(*args, **kwargs)
            arbiter.returned(function, args, value)
            return value

    return run


def _asserted(section: Callable[..., Section], function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        lock = section(*args, **kwargs)
        if isinstance(lock, _Bound):
            lock.asserted(function)
        return function(*args, **kwargs)

    return run


class _Bound(Section):
    """A lock of one object, whose holders an arbiter knows."""

    __slots__ = ("_alone", "_arbiter", "_lock")

    def __init__(self, arbiter: Arbiter, lock: LockOf, *, alone: bool = True) -> None:
        self._arbiter = arbiter
        self._lock = lock
        self._alone = alone

    def __enter__(self) -> None:
        self._arbiter.acquire(self._lock, alone=self._alone)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._arbiter.release(self._lock, alone=self._alone)

    @property
    def read(self) -> _Bound:
        return _Bound(self._arbiter, self._lock, alone=False)

    @property
    def dropped(self) -> _Dropped:
        return _Dropped(self._arbiter, self._lock)

    def asserted(self, function: Callable[..., Any]) -> None:
        """`function` is called, for which it has to be held."""
        self._arbiter.asserted(self._lock, function)

    def of(self, index: int) -> _Bound:
        return _Bound(self._arbiter, self._lock._replace(of=index))


class _Dropped(_Bound):
    """The same for as long as it is let go."""

    __slots__ = ()

    def __enter__(self) -> None:
        self._arbiter.release(self._lock, alone=True)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._arbiter.acquire(self._lock, alone=True)
