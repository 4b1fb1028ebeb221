"""Every place of the model that takes a lock, or lets go of one, and taking one of them away."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import pytest

import hugeresv.model
from hugeresv.model import locks
from hugeresv.scenario.scenario import Scenario
from hugeresv.scenario.scn_format import parse_scn

FOLDER = Path(hugeresv.model.__file__).parent


class Place(NamedTuple):
    """A line of the model with `with lock:` or a decorator; of a decorator, the function's name."""

    file: str
    line: int
    function: str
    text: str
    decorates: bool

    def __str__(self) -> str:
        return f"{self.file}: {self.function}: {self.text}"


def places() -> list[Place]:
    """All of them, in the order of the source."""
    found: list[Place] = []
    for path in sorted(FOLDER.glob("*.py")):
        if path.name != "locks.py":
            found += _places_in(path.name, ast.parse(path.read_text()), "")
    return found


def _places_in(file: str, tree: ast.AST, function: str) -> Iterator[Place]:
    for node in ast.iter_child_nodes(tree):
        name = node.name if isinstance(node, ast.FunctionDef) else function
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                if ast.unparse(decorator).startswith(("takes(", "holds(")):
                    yield Place(file, decorator.lineno, name, f"@{ast.unparse(decorator)}", decorates=True)
        if isinstance(node, ast.With):
            for item in node.items:
                text = ast.unparse(item.context_expr)
                if "lock" in text or "mutex" in text or "rwsem" in text:
                    yield Place(file, node.lineno, name, f"with {text}", decorates=False)
        yield from _places_in(file, node, name)


NEIGHBOURS = {
    "a copy, and the end of who shares the page":
        "a mmap x 1 private|a touch x 0|a fork b|together|b touch x 0|a exit|apart",
    "munmap of a part, and a truncation":
        "memfd f|a mmap x 2 private file=f|a touch x 0|a touch x 1|together|a munmap x 0|b ftruncate f 0|apart",
    "a page is dropped, and a hole is punched":
        "memfd f|a mmap x 1 private file=f|a touch x 0|together|a madvise x 0+1 dontneed|b fallocate f 0+1 punch|apart",
    "a mapping moves, and a truncation":
        "memfd f|a mmap x 2 private file=f|a touch x 1|together|a mremap x 1+1 new=1 move_to=y|b ftruncate f 0|apart",
    "two holes in one place":
        "memfd f|a mmap x 1 shared file=f|a touch x 0|together|b fallocate f 0+1 punch|c fallocate f 0+1 punch|apart",
    "an owner copies in an empty pool, and its child forks":
        "set_nr_hugepages 1|a mmap x 1 private|a touch x 0|a fork b|together|a touch x 0|b fork c|apart",
    "a page moves, and is unmapped":
        "a mmap x 1 private|a touch x 0|together|c migrate_pages a from=0 to=1|a munmap x 0|apart",
    "a page of a file moves, and a hole is punched":
        "memfd f|a mmap x 1 shared file=f|a touch x 0|together|a migrate_pages a from=0 to=1"
        "|b fallocate f 0+1 punch|apart",
    "a page moves, and the pool shrinks":
        "set_nr_hugepages 0 node=1|set_nr_hugepages 1 node=0|a mmap x 1 private|a touch x 0"
        "|together|a move_pages x 0 node=1|set_nr_hugepages 0|apart",
    "a file is filled, and closed":
        "memfd f|together|a fallocate f 0+1 alloc|close_file f|apart",
    "a file is mapped, and closed":
        "memfd f|together|a mmap x 1 shared file=f|close_file f|apart",
    "surplus pages for a mapping, and a pool that grows":
        "set_nr_hugepages 0|set_nr_overcommit 2|together|a mmap x 2 private|set_nr_hugepages 1|apart",
    "a mapping is refused its surplus, and the pool grows":
        "set_nr_hugepages 0|set_nr_overcommit 1|together|a mmap x 2 private|set_nr_hugepages 1|apart",
}  # fmt: skip
"""Concurrent calls that meet in one page, on two nodes."""


RARE = """
pool 2M nr=3+2
pool 1G nr=1
cgroup g
cgroup h
   memfd f
a  mmap x 2 private
a  mlock x 0+2
a  mlock2 x 0+1 onfault
a  munlock x 0+2
a  mmap y 1 private populate
a  fadvise f 0+1
a  readahead f 0+1
a  cgroup_move g
   cgroup_set g max=4
   cpuset_set g mems=0
   cpuset_set g mems=1
a  move_pages x 0 node=1
b  migrate_pages a from=0,1 to=1,0
c  mmap z 1 private
c  touch z 0
   mount k size=1
   open_file kf mount=k
c  mmap w 1 private file=kf
c  touch w 0
   set_nr_hugepages 0
c  move_pages z 0 node=1
c  move_pages z 0 node=0
c  move_pages w 0 node=1
c  move_pages w 0 node=0
   set_demote_size demote_size=2M page_size=1G
   cgroup_rmdir h
"""
"""Operations that hardly any file has, on two nodes: for a page that moves there is at last no free one."""


def rare() -> Scenario:
    """These as a scenario."""
    return parse_scn(RARE, "rare.scn")


def neighbours(name: str) -> Scenario:
    """One of these as a scenario."""
    return parse_scn("pool 2M nr=2+2\n" + NEIGHBOURS[name].replace("|", "\n"), "neighbours.scn")


class _Removed:
    """Stands in for what a section knows of its lock, until it is left."""


@contextmanager
def watched(removed: Place | None = None) -> Iterator[set[tuple[str, str | int]]]:
    """While it lasts the lock of that place is neither taken nor let go. Gives the places that were reached."""
    reached: set[tuple[str, str | int]] = set()
    bound: Any = locks._Bound
    with pytest.MonkeyPatch.context() as patch:
        for section in (bound, locks._Dropped):
            enter, leave = section.__enter__, section.__exit__

            def entering(self: Any, enter: Any = enter) -> None:
                key = _key_of(sys._getframe(1))
                reached.add(key)
                if removed is not None and key == key_of(removed):
                    self._arbiter = _Removed
                else:
                    enter(self)

            def leaving(self: Any, *error: Any, leave: Any = leave) -> None:
                if self._arbiter is not _Removed:
                    leave(self, *error)

            patch.setattr(section, "__enter__", entering)
            patch.setattr(section, "__exit__", leaving)
        yield reached


def key_of(place: Place) -> tuple[str, str | int]:
    """What a frame of the place is known by."""
    return place.file, place.function if place.decorates else place.line


def _key_of(frame: FrameType) -> tuple[str, str | int]:
    if frame.f_code.co_filename == locks.__file__:
        function = frame.f_locals["function"]
        return Path(function.__code__.co_filename).name, function.__name__
    return Path(frame.f_code.co_filename).name, frame.f_lineno
