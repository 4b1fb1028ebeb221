"""Drawing the next operation at random, from what there is.

A scenario has a theme, which weighs the operations, so that each of the rarer parts of the ledger (page steal,
holes, minimum of a mount, limits of a cgroup, surplus) gets campaigns in which little else happens; `minimum` also
makes mappings smaller than their mount's minimum. Pools and mappings are small: with six pages everything is soon
shared, exhausted, or promised twice. Three themes leave that: `long` has mappings of whole GiB, most of them promised
nothing, `generations` processes that are each the child of the one before, `gigantic` a second pool, of 1 GiB pages.

Machines with several nodes have themes of their own: policies, sizes of one node's pool, pages that move, cpusets, and
pages of 1 GiB that are demoted. The pool of these never grows: its memory alone says whether a kernel finds a page.

What is drawn depends on which kernels are to answer, too (`Answering`).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from random import Random
from typing import Any, get_args

from hugeresv.calls.names import Binding, Names
from hugeresv.scenario import operation as op
from hugeresv.words import Advice, PolicyMode, Prot


class Answering(IntEnum):
    """The kernels that a scenario is drawn for. Each of these draws what those before it draw, and more."""

    HOST = 1
    """What root may do everywhere, even in a container."""
    GUEST = 2
    """Capabilities and limits too, and pages of 1 GiB. No step hangs, and a model knows what a kernel answers."""
    MODELS = 3
    """Also what hangs, and what a kernel decides by its memory and by page tables that processes share."""


_PLAIN = {
    "mmap": 5, "touch": 22, "munmap": 4, "mprotect": 2, "madvise": 4, "mremap": 3, "fork": 3, "exit": 2, "mlock": 2,
    "mlock2": 1, "set_nr_hugepages": 2, "set_nr_overcommit": 1,
}  # fmt: skip

THEMES: dict[str, dict[str, int]] = {
    "private": _PLAIN | {"fork": 5, "mremap": 4},
    "file": _PLAIN | {"open_file": 3, "memfd": 1, "close_file": 1, "ftruncate": 4, "fallocate": 6, "fadvise": 1},
    "mount": _PLAIN | {"mount": 3, "umount": 2, "open_file": 5, "close_file": 2, "ftruncate": 4, "fallocate": 6},
    "minimum": {
        "mount": 3, "open_file": 4, "mmap": 8, "touch": 26, "fork": 6, "exit": 2, "munmap": 2, "madvise": 2,
        "mremap": 1, "set_nr_hugepages": 1,
    },
    "segment": _PLAIN | {"shmget": 4, "shmat": 5, "shmdt": 3, "shmrm": 2},
    "cgroup": _PLAIN | {
        "cgroup_move": 4, "cgroup_set": 2, "cgroup_rmdir": 1, "open_file": 2, "fallocate": 2, "ftruncate": 2,
    },
    "long": {
        "mmap": 8, "touch": 22, "mremap": 12, "munmap": 3, "madvise": 2, "mprotect": 1, "fork": 3, "exit": 2,
        "open_file": 1, "set_nr_hugepages": 1,
    },
    "generations": {
        "fork": 12, "touch": 30, "mmap": 4, "exit": 6, "munmap": 3, "mremap": 1, "madvise": 2, "mprotect": 1,
        "set_nr_hugepages": 1,
    },
    "all": _PLAIN | {
        "open_file": 3, "memfd": 1, "close_file": 1, "ftruncate": 2, "fallocate": 3, "mount": 1, "umount": 1,
        "shmget": 2, "shmat": 3, "shmdt": 1, "shmrm": 1, "cgroup_move": 1, "cgroup_set": 1, "munlock": 1,
        "readahead": 1,
    },
}  # fmt: skip
"""Theme -> operation -> weight, on a machine with one node."""

FURTHER_THEMES: dict[str, dict[str, int]] = {
    "privileges": {
        "shmget": 8, "shmrm": 2, "shmat": 2, "touch": 4, "fork": 3, "exit": 1, "setgid": 3, "capset": 2, "memlock": 4,
        "mmap": 5, "mlock": 5, "mlock2": 2, "munlock": 1,
    },
    "gigantic": _PLAIN | {
        "mmap": 10, "touch": 8, "open_file": 2, "memfd": 2, "close_file": 1, "ftruncate": 2, "fallocate": 2,
        "mremap": 6, "set_nr_overcommit": 2,
    },
}  # fmt: skip
"""Those that take more of whoever answers than the host may have."""

_ON_NODES = _PLAIN | {"set_nr_hugepages": 5, "set_nr_overcommit": 2, "set_mempolicy": 5, "mbind": 4, "set_cpu": 3}
_MOVING = {"move_pages": 6, "migrate_pages": 3}

NODE_THEMES: dict[str, dict[str, int]] = {
    "policies": _ON_NODES,
    "sizes": _ON_NODES | {"set_nr_hugepages": 12, "set_nr_overcommit": 4, "munmap": 8},
    "moving": _ON_NODES | _MOVING,
    "cpusets": _ON_NODES | {"migrate_pages": 1, "cpuset_set": 6, "cgroup_move": 4},
    "demotion": _ON_NODES | {"mmap": 8, "demote": 6, "set_demote_size": 1},
    "everything": THEMES["all"] | _MOVING | {"set_mempolicy": 4, "mbind": 4, "set_cpu": 2, "set_nr_hugepages": 4},
}  # fmt: skip
"""The same for machines with several nodes."""

GIGANTIC_KB = 1 << 20
"""The themes `demotion` and `gigantic` have a pool of 1 GiB pages beside the other one."""

_RARE_PERCENT = 3
"""How many scenarios of a guest are `gigantic`: it takes seconds to clear a page of 1 GiB there."""

_MODES = get_args(PolicyMode)

_MOST_PROCESSES = 5
_MOST_GENERATIONS = 12
_MOST_MOUNTS = 6
MOST_PAGES = 6

_GIB_PAGES = 512
"""Pages of 2 MiB. Lengths of the theme `long` are whole GiB, of mappings that lie on whole GiB. Between models other
ranges move, too: on 6.18.15 a page is lost then (docs/findings.md#a-page-that-moves-out-of-its-mapping)."""


def draw_theme(random: Random, nodes: int, answering: Answering) -> str:
    """A theme for machines with so many nodes."""
    if nodes > 1:
        return random.choice(list(NODE_THEMES))
    if answering is Answering.HOST:
        return random.choice(list(THEMES))
    if answering is Answering.GUEST and random.randrange(100) >= _RARE_PERCENT:
        return random.choice([*THEMES, "privileges"])
    return random.choice([*THEMES, *FURTHER_THEMES]) if answering is Answering.MODELS else "gigantic"


class Draw:
    """Draws operations for one scenario. Same random state and same names, same operation."""

    def __init__(
        self,
        random: Random,
        theme: str,
        names: Names,
        prefix: str = "",
        nodes: int = 1,
        answering: Answering = Answering.MODELS,
    ) -> None:
        """`theme` is a key of THEMES or FURTHER_THEMES, or of NODE_THEMES where there are several `nodes`.

        `names` is what there is, kept up to date by whoever carries operations out; `prefix` begins every name that is
        given.
        """
        self.random = random
        self.names = names
        self._prefix = prefix
        self._named = 0
        self._ordinary: set[str] = set()
        """Mappings that may have ordinary memory in them, of which the model does not know whether it is there."""
        self._minimum = theme == "minimum"
        self._nodes = nodes
        self._answering = answering
        self._gigantic_percent = {"demotion": 30, "gigantic": 60}.get(theme, 0)
        self._long = theme == "long"
        self._privileges = theme == "privileges"
        self._generations = theme == "generations"
        weights = (THEMES | FURTHER_THEMES if nodes == 1 else NODE_THEMES)[theme]
        self._names = list(weights)
        self._weights = list(weights.values())
        self._drawers: dict[str, Callable[[], op.Operation | None]] = {
            "mmap": self._mmap, "touch": self._touch, "munmap": self._munmap, "mprotect": self._mprotect,
            "madvise": self._madvise, "mremap": self._mremap, "fork": self._fork, "exit": self._exit,
            "mlock": lambda: self._lock(op.Mlock), "mlock2": self._mlock2,
            "munlock": lambda: self._lock(op.Munlock),
            "set_nr_hugepages": self._set_nr_hugepages, "set_nr_overcommit": self._set_nr_overcommit,
            "open_file": self._open_file, "memfd": self._memfd,
            "close_file": self._close_file, "ftruncate": self._ftruncate, "fallocate": self._fallocate,
            "fadvise": lambda: self._file_span(op.Fadvise), "readahead": lambda: self._file_span(op.Readahead),
            "shmget": self._shmget, "shmat": self._shmat, "shmdt": self._shmdt, "shmrm": self._shmrm,
            "mount": self._mount, "umount": self._umount, "cgroup_move": self._cgroup_move,
            "cgroup_set": self._cgroup_set, "cgroup_rmdir": self._cgroup_rmdir,
            "set_mempolicy": self._set_mempolicy, "mbind": self._mbind, "set_cpu": self._set_cpu,
            "cpuset_set": self._cpuset_set, "move_pages": self._move_pages, "migrate_pages": self._migrate_pages,
            "demote": self._demote, "set_demote_size": self._set_demote_size,
            "setgid": lambda: op.Setgid(self._process(), self.random.choice([0, 65534, 65534])),
            "capset": lambda: op.Capset(self._process()),
            "memlock": self._memlock,
        }  # fmt: skip

    def operation(self) -> op.Operation:
        """The next operation: one whose names stand for something."""
        while True:
            name = self.random.choices(self._names, self._weights)[0]
            drawn = self._drawers[name]()
            if drawn is not None:
                return drawn

    def _chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def _fresh(self, kind: str) -> str:
        """A name that nothing has had yet."""
        self._named += 1
        return f"{self._prefix}{kind}{self._named}"

    def _pages(self, mapping: Binding) -> int:
        return -(-mapping.extent_bytes // mapping.page_bytes)

    def _process(self) -> str:
        return self.random.choice(list(self.names.processes) or ["p"])

    def _mapping(self) -> tuple[str, str, Binding] | None:
        """Process, name and kind of some mapping; the youngest is as likely as all the others together."""
        owners = [process for process, mappings in self.names.processes.items() if mappings]
        if not owners:
            return None
        process = self.random.choice(owners)
        names = list(self.names.processes[process])
        name = names[-1] if self._chance(50) else self.random.choice(names)
        return process, name, self.names.processes[process][name]

    def _mmap(self) -> op.Operation | None:
        process = self._process()
        if self._minimum and not self.names.files:
            return None
        if self._chance(20 if self._privileges else 3):
            return self._mmap_ordinary(process)
        if self._chance(self._gigantic_percent):
            return op.Mmap(
                process,
                self._fresh("g"),
                self.random.choice(["private", "private", "shared"]),
                pages=self.random.randint(1, 2),
                noreserve=True if self._chance(25) else None,
                page_size_kB=GIGANTIC_KB,
            )
        if self._long and self._chance(70):
            return self._mmap_long(process)
        file = self._file() if self._chance(90 if self._minimum else 60) else None
        return op.Mmap(
            process,
            self._fresh("m"),
            "private" if self._minimum else self.random.choice(["private", "private", "shared"]),
            file=file,
            **(self._mmap_place(process) if self._chance(0 if self._long else 12) else {}),
            **self._mmap_length(),
            **(self._mmap_offset() if file is not None else {}),
            **self._mmap_flags(),
        )

    def _mmap_ordinary(self, process: str) -> op.Operation:
        over = self._place(process)
        if over is not None and self._chance(10):
            over = op.Place(over.map, bytes=2048)
        kind: op.Sharing = "shared" if self._chance(25) else "private"
        name = self._fresh("m")
        self._ordinary |= {name, *([over.map] if over else [])}
        flags: dict[str, Any] = {"locked": True} if self._privileges and self._chance(50) else {}
        return op.Mmap(process, name, kind, length_bytes=4096, over=over, normal=True, **flags)

    def _mmap_long(self, process: str) -> op.Operation:
        return op.Mmap(
            process,
            self._fresh("m"),
            self.random.choice(["private", "private", "shared"]),
            pages=_GIB_PAGES * self.random.choice([1, 2, 3, 4, 4, 5, 8]),
            file=self._file() if self._chance(25) else None,
            noreserve=True if self._chance(90) else None,
        )

    def _mmap_place(self, process: str) -> dict[str, Any]:
        over = self._place(process)
        return {"over": over, "noreplace": True} if over is not None and self._chance(15) else {"over": over}

    def _mmap_length(self) -> dict[str, Any]:
        if self._chance(4):
            return {"length_bytes": self.random.choice([0, 1, 4096, 2097153, 6 * 2097152 - 4096, 1 << 47, 1 << 48])}
        return {"pages": self.random.randint(1, 2 if self._minimum else MOST_PAGES)}

    def _mmap_offset(self) -> dict[str, Any]:
        if self._chance(4):
            odd = [4096, 2048, 2097151, 1 << 44, 1 << 62, (1 << 63) - 6 * 2097152, (1 << 63) - 2097152]
            return {"offset_bytes": self.random.choice(odd)}
        return {"offset": self.random.randint(0, 4)} if self._chance(40) else {}

    def _mmap_flags(self) -> dict[str, Any]:
        flags: dict[str, Any] = {}
        if self._chance(20):
            flags["noreserve"] = True
        if self._chance(12):
            flags["populate"] = True
        if self._chance(25 if self._privileges else 4):
            flags["locked"] = True
        if self._chance(10):
            flags["prot"] = self.random.choice(["r", "none"])
        return flags

    def _place(self, process: str) -> op.Place | None:
        mappings = self.names.processes.get(process)
        if not mappings:
            return None
        name = self.random.choice(list(mappings))
        if self._chance(8):
            return op.Place(name, bytes=self.random.choice([4096, 2097152, 2097152 + 4096]))
        return op.Place(name, page=self.random.randint(0, self._pages(mappings[name])))

    def _touch(self) -> op.Operation | None:
        found = self._mapping()
        if found is None:
            return None
        process, name, mapping = found
        access: op.Access = "write" if self._chance(65) else "read"
        last = self._pages(mapping) - (not self._chance(3))
        if last >= _GIB_PAGES:
            far = [0, 1, 2, _GIB_PAGES - 1, _GIB_PAGES, _GIB_PAGES * (last // _GIB_PAGES), last]
            return op.Touch(process, name, access, self.random.choice(far))
        return op.Touch(process, name, access, self.random.randint(0, max(0, last)))

    def _range(self, mapping: Binding) -> dict[str, Any]:
        """A range of the mapping, in pages; now and then all of it, off its end, or off the page."""
        if self._chance(6):
            unit = self.random.choice([4096, 2097152])
            return {
                "offset_bytes": self.random.choice([0, unit, 2097152 + 4096, 2048]),
                "length_bytes": self.random.choice([0, 4096, 2097152, 2 * 2097152, 2097152 + 4096]),
            }
        if self._chance(15):
            return {"page": 0, "pages": self._pages(mapping)}
        if self._pages(mapping) > _GIB_PAGES and self._chance(60):
            return self._long_range(mapping)
        first = self.random.randint(0, max(0, self._pages(mapping) - 1))
        most = max(1, self._pages(mapping) - first + self._chance(5))
        return {"page": first, "pages": self.random.randint(1, most)}

    def _long_range(self, mapping: Binding) -> dict[str, Any]:
        """Whole GiB of a long mapping, or all of it."""
        most = self._pages(mapping) // _GIB_PAGES
        first = 0 if self._chance(50) else self.random.randrange(most)
        pages = most - first if self._chance(60) else self.random.randint(1, most - first)
        return {"page": first * _GIB_PAGES, "pages": pages * _GIB_PAGES}

    def _munmap(self) -> op.Operation | None:
        found = self._mapping()
        return None if found is None else op.Munmap(found[0], found[1], **self._range(found[2]))

    def _mprotect(self) -> op.Operation | None:
        found = self._mapping()
        if found is None:
            return None
        prot: Prot = self.random.choice(["r", "rw", "rw", "none"])
        return op.Mprotect(found[0], found[1], **self._range(found[2]), prot=prot)

    def _madvise(self) -> op.Operation | None:
        found = self._mapping()
        if found is None:
            return None
        advice: Advice = "dontneed" if self._chance(45) else self.random.choice(get_args(Advice))
        return op.Madvise(found[0], found[1], **self._range(found[2]), advice=advice)

    def _lock(self, kind: type[op.Mlock | op.Munlock]) -> op.Operation | None:
        found = self._mapping()
        return None if found is None else kind(found[0], found[1], **self._range(found[2]))

    def _mlock2(self) -> op.Operation | None:
        found = self._mapping()
        if found is None:
            return None
        return op.Mlock2(found[0], found[1], **self._range(found[2]), onfault=True if self._chance(70) else None)

    def _mremap(self) -> op.Operation | None:
        found = self._mapping()
        if found is None:
            return None
        process, name, mapping = found
        most = self._pages(mapping)
        if mapping.shared and most >= _GIB_PAGES and self._answering is not Answering.MODELS:
            return None
        if most > _GIB_PAGES and (self._answering is not Answering.MODELS or self._chance(75)):
            return self._mremap_long(process, name, mapping)
        first = 0 if self._chance(50) else self.random.randint(0, most)
        pages = max(1, most - first) if self._chance(50) else self.random.randint(1, most + 1)
        new_pages = pages if self._chance(70) else self.random.randint(1, pages + 1)
        call: dict[str, Any] = {"page": first, "pages": pages, "new_pages": new_pages}
        if self._chance(3):
            call |= {"new_pages": None, "new_length_bytes": self.random.choice([0, 1, 4096, 2097153, 4194303, 1 << 47])}
        if self._chance(5):
            return op.Mremap(process, name, **call, dontunmap=True, maymove=True)
        if self._chance(15):
            return op.Mremap(process, name, **call, maymove=self._chance(50))
        over, move_to = (self._place(process), None) if self._chance(20) else (None, self._fresh("m"))
        if name in self._ordinary:
            self._ordinary |= {over.map if over else move_to or name}
        return op.Mremap(process, name, **call, over=over, move_to=move_to)

    def _mremap_long(self, process: str, name: str, mapping: Binding) -> op.Operation:
        moved = self._long_range(mapping)
        new_pages = moved["pages"] + _GIB_PAGES * self.random.choice([0, 0, 0, -1, 1])
        return op.Mremap(process, name, **moved, new_pages=new_pages, move_to=self._fresh("m"))

    def _fork(self) -> op.Operation | None:
        if len(self.names.processes) >= (_MOST_GENERATIONS if self._generations else _MOST_PROCESSES):
            return None
        youngest = list(self.names.processes)[-1:] if self._generations and self._chance(70) else None
        return op.Fork(youngest[0] if youngest else self._process(), self._fresh("p"))

    def _exit(self) -> op.Operation | None:
        return op.Exit(self._process()) if len(self.names.processes) > 1 or self._chance(10) else None

    def _set_nr_hugepages(self) -> op.Operation:
        pages = self.random.randint(0, 12)
        if self._nodes == 1 or self._chance(35):
            return op.SetNrHugepages(pages)
        if self._chance(25):
            return op.SetNrHugepages(pages, self._process(), mempolicy=True)
        return op.SetNrHugepages(pages // 2, node=self._node())

    def _set_nr_overcommit(self) -> op.Operation:
        if self._chance(self._gigantic_percent):
            most = 2 if self._answering is Answering.MODELS else 0
            return op.SetNrOvercommit(self.random.randint(0, most), GIGANTIC_KB)
        return op.SetNrOvercommit(self.random.randint(0, 6))

    def _open_file(self) -> op.Operation | None:
        if self._minimum and (not self.names.mounts or len(self.names.files) > 2):
            return None
        there = self.random.choice(list(self.names.mounts)) if self.names.mounts and self._chance(80) else None
        gigantic = there is None and self._chance(self._gigantic_percent)
        return op.OpenFile(self._fresh("f"), there, GIGANTIC_KB if gigantic else None)

    def _memfd(self) -> op.Operation | None:
        gigantic = self._chance(self._gigantic_percent)
        return op.Memfd(self._fresh("f"), GIGANTIC_KB if gigantic else None)

    def _file(self) -> str | None:
        """An open file; the youngest is as likely as all the others together."""
        files = list(self.names.files)
        if not files:
            return None
        return files[-1] if self._chance(50) else self.random.choice(files)

    def _close_file(self) -> op.Operation | None:
        file = self._file()
        return None if file is None else op.CloseFile(file)

    def _ftruncate(self) -> op.Operation | None:
        file = self._file()
        if file is None:
            return None
        pages = self.random.choice([1 << 20, (1 << 42) - 1, 1 << 42]) if self._chance(2) else None
        return op.Ftruncate(self._process(), file, self.random.randint(0, MOST_PAGES) if pages is None else pages)

    def _fallocate(self) -> op.Operation | None:
        file = self._file()
        if file is None:
            return None
        mode: op.FallocateMode = self.random.choice(["alloc", "alloc_keep_size", "alloc_keep_size", "punch", "punch"])
        if self._chance(6):
            offset = self.random.choice([0, 4096, 2097152, 1 << 62, (1 << 63) - 2097152])
            length = self.random.choice([0, 4096, 2097153, 5000000, 1 << 62])
            if offset > 1 << 62 and self._answering is not Answering.MODELS:
                mode = "punch"  # a stock kernel may lose its pool behind the largest offset
            return op.Fallocate(self._process(), file, mode=mode, offset_bytes=offset, length_bytes=length)
        page, pages = self.random.randint(0, MOST_PAGES), self.random.randint(1, 4)
        return op.Fallocate(self._process(), file, mode=mode, page=page, pages=pages)

    def _file_span(self, kind: type[op.Fadvise | op.Readahead]) -> op.Operation | None:
        file = self._file()
        return None if file is None else kind(self._process(), file, page=0, pages=self.random.randint(1, 4))

    def _shmget(self) -> op.Operation:
        noreserve = True if self._chance(25) else None
        if self._chance(6):
            length = self.random.choice([0, 1, 4096, 2097153, 6 * 2097152 - 1, 5 << 30, 1 << 47])
            return op.Shmget(self._process(), self._fresh("s"), length_bytes=length, noreserve=noreserve)
        return op.Shmget(
            self._process(), self._fresh("s"), pages=self.random.randint(1, MOST_PAGES), noreserve=noreserve
        )

    def _shmat(self) -> op.Operation | None:
        if not self.names.segments:
            return None
        readonly = True if self._chance(15) else None
        return op.Shmat(self._process(), self.random.choice(list(self.names.segments)), self._fresh("m"), readonly)

    def _shmdt(self) -> op.Operation | None:
        found = self._mapping()
        return None if found is None or not (found[2].segment or self._chance(5)) else op.Shmdt(found[0], found[1])

    def _shmrm(self) -> op.Operation | None:
        return op.Shmrm(self.random.choice(list(self.names.segments))) if self.names.segments else None

    def _memlock(self) -> op.Operation:
        return op.Memlock(self._process(), self.random.randint(0, MOST_PAGES))

    def _mount(self) -> op.Operation | None:
        if len(self.names.mounts) >= (2 if self._minimum else _MOST_MOUNTS):
            return None
        if self._minimum:
            return op.Mount(self._fresh("mnt"), self.random.choice([None, 8]), self.random.randint(2, 6))
        size = self.random.randint(0, 8) if self._chance(70) else None
        minimum = self.random.randint(0, 4) if self._chance(60) else None
        return op.Mount(self._fresh("mnt"), size, minimum)

    def _umount(self) -> op.Operation | None:
        return op.Umount(self.random.choice(list(self.names.mounts))) if self.names.mounts else None

    def _cgroup(self) -> str | None:
        return self.random.choice(list(self.names.cgroups)) if self.names.cgroups else None

    def _cgroup_move(self) -> op.Operation | None:
        cgroup = self._cgroup()
        return None if cgroup is None else op.CgroupMove(self._process(), cgroup)

    def _cgroup_set(self) -> op.Operation | None:
        cgroup = self._cgroup()
        if cgroup is None:
            return None
        limits = [self.random.randint(0, 8) if self._chance(60) else None for _ in range(2)]
        return op.CgroupSet(cgroup, *limits) if limits != [None, None] else None

    def _cgroup_rmdir(self) -> op.Operation | None:
        cgroup = self._cgroup()
        return None if cgroup is None else op.CgroupRmdir(cgroup)

    def _node(self) -> int:
        """A node; now and then one that is not there."""
        return self._nodes if self._chance(2) else self.random.randrange(self._nodes)

    def _policy(self) -> dict[str, Any]:
        """A mode, and nodes where it has any; now and then too few or too many."""
        mode: PolicyMode = self.random.choice(_MODES)
        if (mode in ("default", "local")) != self._chance(3):
            return {"mode": mode}
        nodes = {self._node(), self._node()} if self._chance(35) else {self._node()}
        return {"mode": mode, "nodes": self._with_further(nodes)}

    def _with_further(self, nodes: set[int]) -> tuple[int, ...]:
        """Some nodes, and now and then more of them where there are more than two."""
        if nodes and self._nodes > 2 and self._chance(30):
            nodes |= {self._node() for _ in range(self._nodes - 2)}
        return tuple(sorted(nodes))

    def _set_mempolicy(self) -> op.Operation:
        return op.SetMempolicy(self._process(), **self._policy())

    def _mbind(self) -> op.Operation | None:
        found = self._mapping()
        if found is None:
            return None
        flags: dict[str, Any] = {flag: True for flag in ("move", "move_all", "strict") if self._chance(25)}
        return op.Mbind(found[0], found[1], **self._range(found[2]), **self._policy(), **flags)

    def _set_cpu(self) -> op.Operation:
        return op.SetCpu(self._process(), self._node())

    def _cpuset_set(self) -> op.Operation | None:
        cgroup = self._cgroup()
        if cgroup is None:
            return None
        nodes = {self._node() for _ in range(self.random.choice([0, 1, 1, 1, 2, 2, 2]))}
        return op.CpusetSet(cgroup, self._with_further(nodes))

    def _move_pages(self) -> op.Operation | None:
        found = self._mapping()
        if found is None or found[1] in self._ordinary:
            return None
        page = self.random.randint(0, max(0, self._pages(found[2]) - (not self._chance(5))))
        return op.MovePages(found[0], found[1], self._node(), page, True if self._chance(40) else None)

    def _migrate_pages(self) -> op.Operation | None:
        if not self.names.processes:
            return None
        before, after = (self._with_further({self._node()} if self._chance(70) else {0, 1}) for _ in range(2))
        return op.MigratePages(self._process(), self._process(), before, after)

    def _demote(self) -> op.Operation:
        node = self.random.randrange(self._nodes) if self._chance(50) else None
        return op.Demote(self.random.choice([0, 1, 1, 2, 5]), node, GIGANTIC_KB)

    def _set_demote_size(self) -> op.Operation:
        return op.SetDemoteSize(self.random.choice([64, 2048, 2048, 1 << 20]), GIGANTIC_KB)
