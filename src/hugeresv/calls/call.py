"""A call: what a kernel is asked to do, with numbers where an operation has names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class OfFile(NamedTuple):
    """Stands for the descriptor of a scenario's file, among the words of a call."""

    name: str


class OfSegment(NamedTuple):
    """Stands for the identifier of a SysV segment."""

    name: str


class OfMount(NamedTuple):
    """Stands for the directory of a hugetlbfs; None is the one without limits that is always there.

    There is one such for every page size, told in bytes where it is not that of the scenario's first pool.
    """

    name: str | None
    page_bytes: int | None = None


class OfCgroup(NamedTuple):
    """Stands for the directory of a cgroup."""

    name: str


class OfProcess(NamedTuple):
    """Stands for the process ID of a process of the scenario."""

    name: str


def nothing_to_learn(value: int) -> None:
    """What a call returns that names nothing."""


class Call(NamedTuple):
    """One call of a process, or of no process (`task` None), such as the close of a file that no process has.

    `name` is that of a system call, in `numbers.NUMBERS`, with `words` as its arguments: numbers, texts, bytes that the
    kernel finds by their address, and the `Of…` above. What is more, or less, than one system call:

        touch        an address, and whether to write
        fork, exit   the child's name; nothing
        open_file    a new file without a name on a mount
        mount        size and minimum in bytes, None where there is none; the page size
        umount       a mount
        cgroup_move  a cgroup
        cgroup_set   a cgroup, and its two limits in pages, None where one stays
        cpuset_set   a cgroup, and its nodes
        set_cpu      a node
        move_pages   an address, a node, and flags: one page of the process's own
        set_nr_hugepages    a number of pages, their size, and a node or None for all of them
        set_nr_hugepages_mempolicy, set_nr_overcommit    a number of pages, and their size
        demote              a number of pages, their size, and a node or None for all of them
        set_demote_size     a size, and the size of the pages that are demoted to it

    `makes` is what the returned value is a handle of. `learn` is to be told the value when the call has succeeded: the
    names are right afterwards.
    """

    task: str | None
    name: str
    words: tuple[Any, ...]
    learn: Callable[[int], None] = nothing_to_learn
    makes: OfFile | OfSegment | OfMount | None = None
