"""What is explored: a pool, processes, a few pages of memory, and the operations that the processes may make.

An operation of a bound is a scenario's operation with all its operands, so that nothing is said of it here but which
operands to try. `OFFERS` has one function for each word that a user can choose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from hugeresv.errors import InputError
from hugeresv.plain import count_of
from hugeresv.scenario import operation as op
from hugeresv.scenario.format_error import did_you_mean
from hugeresv.scenario.scenario import Cgroup, Pool, Step

PAGE_KB = 2048
PROCESSES = ("p", "q", "r", "t", "u")
PRIVATE, SHARED, MOVED = "a", "s", "b"
"""The mappings of a process: private pages, pages of a shared file, and where mremap moves private ones to."""
FILE, PRIVATE_FILE, MOUNT, CGROUP = "f", "g", "data", "g"
USUAL = ("mmap", "touch", "munmap", "fork", "exit", "punch")

MOST_PAGES = 1000
"""Of anything: operands are as many as its ranges of pages, half a million here, and nothing explores them all."""


@dataclass(frozen=True, slots=True)
class Bound:
    """How much there is of everything, in pages; the length of a history has no bound.

    `pages`: of the private mapping that each process may have. `shared`: of a file that all may map shared. `min_size`
    or `size`: both are of files on a mount with these limits. `cgroup_max`, `cgroup_rsvd_max`: the limits of a cgroup,
    which processes enter by the operation cgroup_move.
    """

    pool: int = 4
    pages: int = 3
    shared: int = 0
    processes: int = 2
    operations: tuple[str, ...] = USUAL
    overcommit: int = 0
    size: int | None = None
    min_size: int | None = None
    cgroup_max: int | None = None
    cgroup_rsvd_max: int | None = None

    def __post_init__(self) -> None:
        """InputError for what cannot be explored."""
        for word in self.operations:
            if word not in OFFERS:
                raise InputError(
                    f"unknown operation {word!r}{did_you_mean(word, OFFERS)}; there is: {', '.join(OFFERS)}"
                )
        if not 1 <= self.processes <= len(PROCESSES):
            raise InputError(f"{count_of(self.processes, 'process')}: expected 1 to {len(PROCESSES)}")
        if (most := max(self.pool, self.pages, self.shared, self.overcommit)) > MOST_PAGES:
            raise InputError(f"{count_of(most, 'page')}: expected {MOST_PAGES} or less")
        if self.pages + self.shared == 0:
            raise InputError("nothing can be mapped: give a number of private pages or of shared ones")
        if "cgroup_move" in self.operations and not self.has_cgroup:
            raise InputError("cgroup_move: give the limits of the cgroup")

    @property
    def has_mount(self) -> bool:
        """Whether the files are on a mount with limits."""
        return self.size is not None or self.min_size is not None

    @property
    def has_cgroup(self) -> bool:
        """Whether there is a cgroup to enter."""
        return self.cgroup_max is not None or self.cgroup_rsvd_max is not None

    @property
    def names(self) -> tuple[str, ...]:
        """The processes."""
        return PROCESSES[: self.processes]

    @property
    def mappings(self) -> dict[str, int]:
        """Every mapping that a process may have, and its length in pages."""
        lengths = {PRIVATE: self.pages, SHARED: self.shared, MOVED: self.pages if "mremap" in self.operations else 0}
        return {name: pages for name, pages in lengths.items() if pages}

    @property
    def start(self) -> Pool:
        """The pool at the start."""
        return Pool(PAGE_KB, self.pool, self.overcommit or None)

    @property
    def cgroups(self) -> dict[str, Cgroup] | None:
        """The cgroup at the start, which no process is in."""
        return {CGROUP: Cgroup(self.cgroup_max, self.cgroup_rsvd_max)} if self.has_cgroup else None

    @property
    def preparation(self) -> tuple[Step, ...]:
        """The steps of every scenario before the history begins: mounts and files."""
        steps: list[op.Operation] = []
        if self.has_mount:
            steps.append(op.Mount(MOUNT, self.size, self.min_size))
            if self.pages:
                steps.append(op.OpenFile(PRIVATE_FILE, MOUNT))
        if self.shared:
            steps.append(op.OpenFile(FILE, MOUNT) if self.has_mount else op.Memfd(FILE))
            steps.append(op.Ftruncate(PROCESSES[0], FILE, self.shared))
        return tuple(map(Step, steps))

    def moves(self) -> Iterator[op.Operation]:
        """Every operation with all its operands, in a fixed order."""
        for word in dict.fromkeys(self.operations):
            yield from OFFERS[word](self)


def _mmap(bound: Bound, *, noreserve: bool | None = None) -> Iterator[op.Operation]:
    for proc in bound.names:
        if bound.pages:
            file = PRIVATE_FILE if bound.has_mount else None
            yield op.Mmap(proc, PRIVATE, "private", pages=bound.pages, file=file, noreserve=noreserve)
        if bound.shared:
            yield op.Mmap(proc, SHARED, "shared", pages=bound.shared, file=FILE, noreserve=noreserve)


def _touch(bound: Bound, access: op.Access) -> Iterator[op.Operation]:
    for proc in bound.names:
        for mapping, pages in bound.mappings.items():
            yield from (op.Touch(proc, mapping, access, page) for page in range(pages))


def _ranges(pages: int) -> Iterator[tuple[int, int]]:
    """Every first page with every length."""
    for first in range(pages):
        for end in range(first + 1, pages + 1):
            yield first, end - first


def _spans(bound: Bound, make: Callable[[str, str, int, int], op.Operation]) -> Iterator[op.Operation]:
    """`make` of every range of every mapping of every process."""
    for proc in bound.names:
        for mapping, length in bound.mappings.items():
            yield from (make(proc, mapping, first, pages) for first, pages in _ranges(length))


def _mprotect(bound: Bound) -> Iterator[op.Operation]:
    yield from _spans(bound, lambda *where: op.Mprotect(*where, prot="r"))
    yield from _spans(bound, lambda *where: op.Mprotect(*where, prot="rw"))


def _mremap(bound: Bound) -> Iterator[op.Operation]:
    for proc in bound.names:
        for source, target in permutations((PRIVATE, MOVED)):
            for first, pages in _ranges(bound.pages):
                yield op.Mremap(proc, source, first, pages, new_pages=pages, move_to=target)


def _fork(bound: Bound) -> Iterator[op.Operation]:
    return (op.Fork(proc, child) for proc, child in permutations(bound.names, 2))


def _file_pages(bound: Bound, mode: op.FallocateMode) -> Iterator[op.Operation]:
    return (op.Fallocate(PROCESSES[0], FILE, page, 1, mode=mode) for page in range(bound.shared))


def _truncate(bound: Bound) -> Iterator[op.Operation]:
    return (op.Ftruncate(PROCESSES[0], FILE, pages) for pages in range(bound.shared + 1) if bound.shared)


def _resize(bound: Bound) -> Sequence[op.Operation]:
    return [op.SetNrHugepages(n) for n in range(bound.pool + 1)]


def _overcommit(bound: Bound) -> Sequence[op.Operation]:
    return [op.SetNrOvercommit(n) for n in sorted({0, bound.overcommit})]


def _cgroup_move(bound: Bound) -> Iterator[op.Operation]:
    return (op.CgroupMove(proc, CGROUP) for proc in bound.names)


OFFERS: Mapping[str, Callable[[Bound], Iterator[op.Operation] | Sequence[op.Operation]]] = {
    "mmap": _mmap,
    "noreserve": lambda bound: _mmap(bound, noreserve=True),
    "touch": lambda bound: _touch(bound, "write"),
    "read": lambda bound: _touch(bound, "read"),
    "munmap": lambda bound: _spans(bound, op.Munmap),
    "dontneed": lambda bound: _spans(bound, lambda *where: op.Madvise(*where, advice="dontneed")),
    "remove": lambda bound: _spans(bound, lambda *where: op.Madvise(*where, advice="remove")),
    "populate": lambda bound: _spans(bound, lambda *where: op.Madvise(*where, advice="populate_write")),
    "mprotect": _mprotect,
    "mremap": _mremap,
    "fork": _fork,
    "exit": lambda bound: [op.Exit(proc) for proc in bound.names],
    "punch": lambda bound: _file_pages(bound, "punch"),
    "allocate": lambda bound: _file_pages(bound, "alloc"),
    "truncate": _truncate,
    "resize": _resize,
    "overcommit": _overcommit,
    "cgroup_move": _cgroup_move,
}
"""What a user can choose to have tried, each with every operand that the bound leaves room for."""
