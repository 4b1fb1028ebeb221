"""Random histories of a machine: every operation, on what is there at the time, so that everything soon meets.

Hypothesis draws moves: a kind of operation and a few small numbers. A move becomes an operation when its turn comes, by
spending its numbers on choices among the processes, mappings and files that there are; 0 is the youngest, or the
plainest.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

from hugeresv.errors import UnsupportedError
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.model.session import ModelSession
from hugeresv.kernels.protocol import Answer
from hugeresv.model.behaviour import Behaviour
from hugeresv.outcome import Outcome
from hugeresv.scenario import operation as op
from hugeresv.scenario.scenario import Cgroup, Pool

T = TypeVar("T")
Spanning = TypeVar("Spanning", bound=op.Span)
Move = tuple[str, list[int]]

PAGE = 2 * 1024 * 1024
ODD_BYTES = [0, PAGE, 4096, PAGE + 4096]
PROCESSES = "pqrs"
CGROUPS = {"top": Cgroup(4, 6), "in": Cgroup(3, None, "top"), "by": Cgroup(None, 4)}
"""A parent with a child, and one beside them."""

_MEMORY = {
    "touch": 16, "mmap": 7, "munmap": 3, "madvise": 4, "mprotect": 2, "mremap": 3, "fork": 3, "exit": 2, "mlock": 1,
    "munlock": 1, "set_nr_hugepages": 1, "set_nr_overcommit": 1,
}  # fmt: skip
_FILES = {
    "open_file": 2, "memfd": 1, "close_file": 1, "ftruncate": 3, "fallocate": 5, "fadvise": 1, "readahead": 1,
}  # fmt: skip
_MOUNTS = {"mount": 3, "umount": 1, "open_file": 3}
_SEGMENTS = {"shmget": 3, "shmat": 5, "shmdt": 2, "shmrm": 2}
_CGROUPS = {"cgroup_move": 4, "cgroup_set": 1, "cgroup_rmdir": 1}
THEMES = (
    _MEMORY, _MEMORY | _FILES, _MEMORY | _FILES | _MOUNTS, _MEMORY | _SEGMENTS, _MEMORY | _FILES | _CGROUPS,
    _MEMORY | _FILES | _MOUNTS | _SEGMENTS | _CGROUPS,
)  # fmt: skip
"""Kinds of operations that a history is made of, and how often each is drawn."""

_numbers = st.lists(st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7]), min_size=8, max_size=8)


def _moves(theme: dict[str, int], tens: int) -> st.SearchStrategy[list[Move]]:
    kinds = st.sampled_from([kind for kind, weight in theme.items() for _ in range(weight)])
    return st.lists(st.tuples(kinds, _numbers), min_size=10 * tens, max_size=10 * tens + 9)


moves = st.tuples(st.sampled_from(THEMES), st.integers(0, 5)).flatmap(lambda drawn: _moves(*drawn))
"""Up to 59 moves; lists alone would mostly be short."""
pools = st.builds(Pool, st.just(2048), st.sampled_from([8, 6, 10, 4, 3, 2, 1, 0]), st.sampled_from([None, None, 1, 3]))


def start(behaviour: Behaviour, pool: Pool) -> ModelSession:
    """A fresh machine with `CGROUPS`."""
    return ModelKernel(behaviour).start(pool, CGROUPS)


def play(session: ModelSession, moves: Sequence[Move]) -> Iterator[tuple[op.Operation, Answer]]:
    """Carry out moves one by one, each when its answer is asked for; those that find nothing to act on are left out."""
    for kind, numbers in moves:
        operation = operation_of(session, kind, numbers)
        if operation is not None:
            try:
                answer = session.apply(operation)
            except UnsupportedError:
                continue
            yield operation, answer
            if answer.outcome is Outcome.HANG:
                return


def operation_of(session: ModelSession, kind: str, numbers: Sequence[int]) -> op.Operation | None:
    """The operation that a move becomes on this machine; None where there is nothing to act on."""
    choice = _Choice(session, numbers)
    operation: op.Operation | None = getattr(choice, kind)()
    return operation


class _Choice:
    """Operations by their names, with arguments chosen by a row of numbers."""

    def __init__(self, session: ModelSession, numbers: Sequence[int]) -> None:
        self._session = session
        self._machine = session.machine
        self._numbers = iter(numbers)

    def _next(self) -> int:
        return next(self._numbers, 0)

    def _of(self, things: Sequence[T]) -> T:
        return things[self._next() % len(things)]

    def _yes(self) -> bool | None:
        return True if self._next() > 5 else None

    def _youngest(self, names: Sequence[str]) -> str:
        return names[-1 - self._next() % len(names)]

    def _process(self) -> str:
        return self._youngest(list(self._session.processes) or ["p"])

    def _vma(self) -> tuple[str, str, int, int] | None:
        """Process, a mapping by name, and where one of its VMAs begins and how long it is, in pages."""
        process = self._process()
        named = self._session.processes.get(process)
        if named is None or not named.task.mm.vmas:
            return None
        vma = named.task.mm.vmas[-1 - self._next() % len(named.task.mm.vmas)]
        below = [(m.address, name) for name, m in named.mappings.items() if m.address <= vma.vm_start]
        address, name = max(below)
        return process, name, (vma.vm_start - address) // PAGE, -(-(vma.vm_end - vma.vm_start) // PAGE)

    def _page(self) -> tuple[str, str, int] | None:
        """A page of a VMA, now and then the one behind it."""
        found = self._vma()
        if found is None:
            return None
        process, name, first, pages = found
        return process, name, first + self._next() % (pages + (self._next() > 6))

    def _file(self) -> str | None:
        return self._youngest(list(self._machine.files)) if self._machine.files else None

    def _fresh(self, process: str) -> str:
        named = self._session.processes.get(process)
        return f"m{len(named.mappings) if named is not None else 0}"

    def _place(self, process: str) -> op.Place | None:
        named = self._session.processes.get(process)
        if self._next() < 6 or named is None or not named.mappings:
            return None
        return op.Place(self._youngest(list(named.mappings)), page=self._of([0, 1, 2, 3, 4]))

    def mmap(self) -> op.Operation:
        process = self._process()
        file = self._file() if self._machine.files and self._next() < 4 else None
        pages, length_bytes = (1 + self._next() % 4, None) if self._next() < 7 else (None, 4096)
        return op.Mmap(
            process, self._fresh(process), self._of(["private", "private", "shared"]), pages, length_bytes, file,
            offset=self._of([None, None, 1, 2]) if file else None, over=self._place(process), noreserve=self._yes(),
            populate=self._yes(), prot=self._of([None, None, None, None, None, "r", "none"]),
            normal=None if file or length_bytes is None else True,
        )  # fmt: skip

    def touch(self) -> op.Operation | None:
        found = self._page()
        if found is None:
            return None
        process, name, page = found
        return op.Touch(process, name, self._of(["write", "write", "read"]), page)

    def _span(self, kind: type[Spanning], **arguments: Any) -> Spanning | None:
        """A range that begins in a VMA, now and then off the page."""
        found = self._page()
        if found is None:
            return None
        process, name, page = found
        if self._next() > 6:
            odd = {"offset_bytes": page * PAGE + self._of(ODD_BYTES), "length_bytes": self._of(ODD_BYTES)}
            return kind(process, name, **odd, **arguments)
        return kind(process, name, page, self._of([1, 2, 3, 4]), **arguments)

    def munmap(self) -> op.Operation | None:
        return self._span(op.Munmap)

    def mprotect(self) -> op.Operation | None:
        return self._span(op.Mprotect, prot=self._of(["rw", "r", "none"]))

    def madvise(self) -> op.Operation | None:
        advice = self._of(
            ["dontneed", "remove", "dontfork", "dofork", "populate_write", "populate_read", "dontneed_locked", "cold"]
        )
        return self._span(op.Madvise, advice=advice)

    def mlock(self) -> op.Operation | None:
        return self._span(op.Mlock)

    def munlock(self) -> op.Operation | None:
        return self._span(op.Munlock)

    def mremap(self) -> op.Operation | None:
        found = self._page()
        if found is None:
            return None
        process, name, page = found
        pages = self._of([1, 2, 3, 4])
        new_pages = max(1, pages + self._of([0, 0, 0, -1, 1]))
        over = self._place(process)
        move_to = None if over is not None or self._next() > 5 else self._fresh(process)
        return op.Mremap(process, name, page, pages, new_pages=new_pages, over=over, move_to=move_to)

    def fork(self) -> op.Operation | None:
        free = [name for name in PROCESSES if name not in self._session.processes]
        return op.Fork(self._process(), free[0]) if free and self._session.processes else None

    def exit(self) -> op.Operation | None:
        return op.Exit(self._process()) if self._session.processes else None

    def open_file(self) -> op.Operation | None:
        free = [name for name in "fgh" if name not in self._machine.files]
        return op.OpenFile(free[0], self._of([*reversed(self._machine.mounts), None])) if free else None

    def memfd(self) -> op.Operation | None:
        free = [name for name in "fgh" if name not in self._machine.files]
        return op.Memfd(free[0]) if free else None

    def close_file(self) -> op.Operation | None:
        file = self._file()
        return op.CloseFile(file) if file else None

    def ftruncate(self) -> op.Operation | None:
        file = self._file()
        return op.Ftruncate(self._process(), file, self._of([0, 1, 2, 3, 4])) if file else None

    def fallocate(self) -> op.Operation | None:
        file, process = self._file(), self._process()
        mode: op.FallocateMode = self._of(["alloc", "punch", "alloc_keep_size"])
        if file is None:
            return None
        if self._next() > 6:
            odd = self._of(ODD_BYTES), self._of(ODD_BYTES)
            return op.Fallocate(process, file, mode=mode, offset_bytes=odd[0], length_bytes=odd[1])
        return op.Fallocate(process, file, self._of([0, 1, 2, 3]), self._of([1, 2, 3, 4]), mode=mode)

    def fadvise(self) -> op.Operation | None:
        file = self._file()
        return op.Fadvise(self._process(), file, 0, 2) if file else None

    def readahead(self) -> op.Operation | None:
        file = self._file()
        return op.Readahead(self._process(), file, 0, 2) if file else None

    def shmget(self) -> op.Operation | None:
        free = [name for name in "st" if name not in self._machine.segments]
        return op.Shmget(self._process(), free[0], 1 + self._next() % 4, noreserve=self._yes()) if free else None

    def shmat(self) -> op.Operation | None:
        process = self._process()
        if not self._machine.segments:
            return None
        return op.Shmat(process, self._youngest(list(self._machine.segments)), self._fresh(process), self._yes())

    def shmdt(self) -> op.Operation | None:
        found = self._vma()
        return op.Shmdt(*found[:2]) if found else None

    def shmrm(self) -> op.Operation | None:
        return op.Shmrm(self._youngest(list(self._machine.segments))) if self._machine.segments else None

    def mount(self) -> op.Operation | None:
        free = [name for name in "mn" if name not in self._machine.mounts]
        size, minimum = self._of([None, 4, 3, 6, 2, 0]), self._of([None, 2, 1, 3])
        return op.Mount(free[0], size, minimum) if free else None

    def umount(self) -> op.Operation | None:
        return op.Umount(self._youngest(list(self._machine.mounts))) if self._machine.mounts else None

    def set_nr_hugepages(self) -> op.Operation:
        return op.SetNrHugepages(self._next())

    def set_nr_overcommit(self) -> op.Operation:
        return op.SetNrOvercommit(self._next() % 4)

    def cgroup_move(self) -> op.Operation | None:
        cgroups = self._machine.cgroups
        return op.CgroupMove(self._process(), self._youngest(list(cgroups))) if cgroups else None

    def cgroup_set(self) -> op.Operation | None:
        cgroups = self._machine.cgroups
        limits = self._of([4, 3, None, 2]), self._of([4, 6, None, 2])
        return op.CgroupSet(self._youngest(list(cgroups)), *limits) if cgroups else None

    def cgroup_rmdir(self) -> op.Operation | None:
        cgroups = self._machine.cgroups
        return op.CgroupRmdir(self._youngest(list(cgroups))) if cgroups else None
