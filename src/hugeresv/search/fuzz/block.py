"""Drawing concurrent calls, with which a scenario of `fuzz --together` ends."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

from hugeresv.kernels.admission import ONE_CALL
from hugeresv.scenario.decode import caller_of
from hugeresv.scenario.operation import Mmap, Operation, Shmat
from hugeresv.scenario.scenario import Step, Together
from hugeresv.search.fuzz.draw import Answering, Draw

THEMES_APART = ("file", "file", "file", "mount", "minimum", "private", "segment", "cgroup", "all")
"""Themes of one node that have something to share; most races need a file."""

_MOST_FILES = 2

_THREE_PERCENT = 20
"""How many blocks are of three calls; the others are of two."""

_PROCESSES = ("p", "q", "r")


_ONE_FILE_PERCENT = 70
"""How many blocks have only calls that are about one file, whose locks and promises they share."""

_TRIES = 40
"""So many calls are drawn for one that is about the file; then any will do."""


_WEIGHTS = {"mmap": 4, "touch": 4, "munmap": 2, "fallocate": 2, "ftruncate": 2, "shmat": 2}
"""How often a call of a block is one of these, where any other is 1."""

_SHARED_PERCENT = 60
"""How many more mappings of a file are shared."""

_NORESERVE_PERCENT = 30
"""How many more mappings promise nothing: faults there, and a promise beside them, are what most races are about."""

_MOST_TRIES = 200
"""After so many the calls that are still wanted map a page each: a theme may have nothing for several processes yet."""


class DrawApart(Draw):
    """Draws for several processes that need not be each other's children."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._thing_of: dict[str, str] = {}
        """The file or segment that a mapping, by its name, is of."""

    def operation(self) -> Operation:
        """The next operation; what a mapping is of is kept."""
        drawn = super().operation()
        if isinstance(drawn, Mmap | Shmat) and (thing := self._about(drawn)) is not None:
            self._thing_of[drawn.map] = thing
        return drawn

    def _mmap(self) -> Operation | None:
        drawn = super()._mmap()
        if isinstance(drawn, Mmap) and drawn.file is not None and not self._minimum and self._chance(_SHARED_PERCENT):
            return replace(drawn, type="shared")
        return drawn

    def _open_file(self) -> Operation | None:
        return None if len(self.names.files) >= _MOST_FILES else super()._open_file()

    def _memfd(self) -> Operation | None:
        return None if len(self.names.files) >= _MOST_FILES else super()._memfd()

    def _mmap_flags(self) -> dict[str, Any]:
        return super()._mmap_flags() | ({"noreserve": True} if self._chance(_NORESERVE_PERCENT) else {})

    def _process(self) -> str:
        return self.random.choice(_PROCESSES) if self._chance(40) else super()._process()

    def block(self) -> Together:
        """Calls of different processes, of which at most one is of none; that is the last.

        It may take away what the others name, which they have open already.
        """
        self._weights = [_WEIGHTS.get(name, 1) for name in self._names]
        wanted = 3 if self._chance(_THREE_PERCENT) else 2
        one_file = self._chance(_ONE_FILE_PERCENT)
        thing: str | None = None
        steps: dict[str | None, Step] = {}
        for tried in count():
            if tried == _MOST_TRIES:
                others = [process for process in _PROCESSES if process not in steps]
                steps |= {process: Step(self._small(process)) for process in others[: wanted - len(steps)]}
                break
            operation = self.operation()
            if self._answering is not Answering.MODELS and operation.op not in ONE_CALL:
                continue
            if one_file and tried < _TRIES and self._about(operation) != (thing or self._about(operation) or ""):
                continue
            thing = thing or self._about(operation)
            maker = getattr(operation, "proc", None)
            if maker is None or all(maker != getattr(step.operation, "proc", None) for step in steps.values()):
                steps.setdefault(caller_of(Step(operation)), Step(operation))
            if len(steps) == wanted:
                break
        return Together(tuple(sorted(steps.values(), key=lambda step: caller_of(step) is None)))

    def _small(self, process: str) -> Operation:
        return Mmap(process, self._fresh("m"), "private", pages=1)

    def _about(self, operation: Operation) -> str | None:
        """The file or segment that a call is about; None: none, or all of them."""
        mapping = self._thing_of.get(getattr(operation, "map", ""))
        return mapping or getattr(operation, "file", None) or getattr(operation, "shm", None)
