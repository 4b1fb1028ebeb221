"""A short notation for histories and what a kernel's counters are after each step: for tests and notebooks.

    from hugeresv.lab import Actor, play

    p, q = Actor("p"), Actor("q")
    play(
        "6.18", 1,
        (p.mmap("a", 1), "1/1/1"), (p.write("a", 0), "1/0/0"), (p.fork("q"), "1/0/0"), (p.exit(), "1/0/-1"),
    )

An expectation is `[outcome] total/free/rsvd[/surp]`, then what else is to be looked at: `g=2,4` for usage and rsvd of
cgroup g, `m:3` for the free pages of mount m. A failure shows all steps so far and draws the mappings.
"""

from collections.abc import Mapping
from typing import Any

from hugeresv.answer import Answer
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.model.session import ModelSession
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.presets import PRESETS
from hugeresv.reports.strip import ASCII
from hugeresv.scenario import operation as op
from hugeresv.scenario.scenario import Cgroup, Pool
from hugeresv.words import Advice, Prot

LabRow = tuple[op.Operation, str]


class Actor:
    """A process: its methods are its operations, in pages."""

    def __init__(self, name: str) -> None:
        """`name` is what scenarios call it."""
        self.name = name

    def mmap(self, name: str, pages: int, kind: op.Sharing = "private", **arguments: Any) -> op.Mmap:
        """mmap(2) of `pages` huge pages, called `name`; further arguments are those of `scenario.operation.Mmap`."""
        return op.Mmap(self.name, name, kind, pages=pages, **arguments)

    def shared(self, name: str, pages: int, **arguments: Any) -> op.Mmap:
        """A shared mapping."""
        return self.mmap(name, pages, "shared", **arguments)

    def noreserve(self, name: str, pages: int, kind: op.Sharing = "private", **arguments: Any) -> op.Mmap:
        """A mapping with MAP_NORESERVE."""
        return self.mmap(name, pages, kind, noreserve=True, **arguments)

    def read(self, name: str, page: int) -> op.Touch:
        """Read a byte of a page."""
        return op.Touch(self.name, name, "read", page)

    def write(self, name: str, page: int) -> op.Touch:
        """Write a byte of a page."""
        return op.Touch(self.name, name, "write", page)

    def munmap(self, name: str, page: int, pages: int) -> op.Munmap:
        """munmap(2) of `pages` pages from `page` on."""
        return op.Munmap(self.name, name, page, pages)

    def mprotect(self, name: str, page: int, pages: int, prot: Prot) -> op.Mprotect:
        """mprotect(2): `prot` is `r`, `rw` or `none`."""
        return op.Mprotect(self.name, name, page, pages, prot=prot)

    def madvise(self, name: str, page: int, pages: int, advice: Advice) -> op.Madvise:
        """madvise(2); `advice` is a word such as `remove`."""
        return op.Madvise(self.name, name, page, pages, advice=advice)

    def dontneed(self, name: str, page: int, pages: int = 1) -> op.Madvise:
        """MADV_DONTNEED."""
        return self.madvise(name, page, pages, "dontneed")

    def move(self, name: str, page: int, pages: int, to: str) -> op.Mremap:
        """mremap(2) to a free place, which is called `to`."""
        return op.Mremap(self.name, name, page, pages, new_pages=pages, move_to=to)

    def resize(self, name: str, pages: int, new_pages: int, **arguments: Any) -> op.Mremap:
        """mremap(2) of the first `pages` pages to `new_pages`."""
        return op.Mremap(self.name, name, 0, pages, new_pages=new_pages, **arguments)

    def mlock(self, name: str, page: int, pages: int) -> op.Mlock:
        """mlock(2)."""
        return op.Mlock(self.name, name, page, pages)

    def fork(self, child: str) -> op.Fork:
        """fork(2): the child has all mappings under the same names."""
        return op.Fork(self.name, child)

    def exit(self) -> op.Exit:
        """The process ends."""
        return op.Exit(self.name)

    def ftruncate(self, file: str, pages: int) -> op.Ftruncate:
        """ftruncate(2) to `pages`."""
        return op.Ftruncate(self.name, file, pages)

    def fallocate(self, file: str, page: int, pages: int, mode: op.FallocateMode = "alloc") -> op.Fallocate:
        """fallocate(2); `mode` is `alloc`, `alloc_keep_size` or `punch`."""
        return op.Fallocate(self.name, file, page, pages, mode=mode)

    def punch(self, file: str, page: int, pages: int) -> op.Fallocate:
        """fallocate(2) that punches a hole."""
        return self.fallocate(file, page, pages, "punch")

    def shmget(self, segment: str, pages: int, **arguments: Any) -> op.Shmget:
        """shmget(2) of a new segment."""
        return op.Shmget(self.name, segment, pages=pages, **arguments)

    def shmat(self, segment: str, name: str) -> op.Shmat:
        """shmat(2): the segment is mapped under a name."""
        return op.Shmat(self.name, segment, name)

    def shmdt(self, name: str) -> op.Shmdt:
        """shmdt(2)."""
        return op.Shmdt(self.name, name)

    def into(self, cgroup: str) -> op.CgroupMove:
        """The process moves to a cgroup."""
        return op.CgroupMove(self.name, cgroup)


def start(on: str | Behaviour, nr: int, oc: int = 0, cgroups: Mapping[str, Cgroup] | None = None) -> ModelSession:
    """A fresh machine of a preset or of a behaviour of one's own; a pool of `nr` pages of 2 MiB, overcommit `oc`."""
    behaviour = PRESETS[on] if isinstance(on, str) else on
    return ModelKernel(behaviour).start(Pool(2048, nr, oc), cgroups)


def play(
    on: str | Behaviour, nr: int, *rows: LabRow, oc: int = 0, cgroups: Mapping[str, Cgroup] | None = None, end: int = 0
) -> ModelSession:
    """Apply operations in order: each must answer as its row says, and `end` reservations stay counted at the end."""
    session = start(on, nr, oc, cgroups)
    history: list[str] = []
    for operation, expected in rows:
        got = _spelled(session.apply(operation), expected)
        history.append(f"{operation} -> {got}")
        if got != expected:
            raise AssertionError("\n".join([*history, f"instead of {expected}", *drawing(session)]))
    left = _ended(session)
    if left != end:
        raise AssertionError(f"{left} reservations are counted when everything is gone, instead of {end}")
    return session


def _ended(session: ModelSession) -> int:
    """What resv_huge_pages is when everything is gone."""
    return session.release().counters.rsvd


def _spelled(answer: Answer, like: str) -> str:
    """The answer as the expectation is written: with as many counters, and the cgroups and mounts that it names."""
    fields = like.split()
    words = [] if fields[0][0].isdigit() else [str(answer.outcome)]
    if not words and answer.outcome != "ok":
        words = [str(answer.outcome)]
    counters = next(field for field in fields if "/" in field)
    words.append("/".join(map(str, answer.counters[: counters.count("/") + 1])))
    if counters.count("/") == 2 and answer.counters.surp:
        words[-1] += f"/{answer.counters.surp}"
    for field in fields[fields.index(counters) + 1 :]:
        if "=" in field:
            name = field.partition("=")[0]
            usage = (answer.cgroups or {})[name]
            words.append(f"{name}={usage.usage},{usage.rsvd}")
        else:
            name = field.partition(":")[0]
            words.append(f"{name}:{(answer.statfs or {})[name].bfree}")
    return " ".join(words)


def drawing(session: ModelSession) -> list[str]:
    """Every mapping as a strip of pages, with the signs that `hugeresv run` has where there is only ASCII."""
    lines = []
    for process, mappings in session.names.processes.items():
        for mapping in mappings:
            view = session.view(process, mapping)
            if view is not None:
                strip = "".join(ASCII.of(state, shared=view.shared) * pages for state, pages in view.runs)
                lines.append(f"{process}.{mapping}: {'shared' if view.shared else 'private'} |{strip}|")
    return lines
