"""Touching a mapping's pages one after the other, stretches of faults that decide alike at one stroke.

The model takes 10 us for a touch, and a mapping may have millions of pages. So a touch is made once with plain numbers,
to see which counters it moves, and once more with these counters growing at that pace (`Affine`): the comparisons that
the model makes meanwhile say how many touches go on alike. Then the counters are moved over so many touches at once.

This takes one thing for granted: to a fault, one fresh page of the mapping is like the next. Pages that are skipped are
in no page table, cache or map. Nothing may be asked of them afterwards.
"""

from collections.abc import Iterator
from typing import Any

from hugeresv.fitting.affine import Affine, Horizon, parts
from hugeresv.model.fault import touch
from hugeresv.model.inode import Inode
from hugeresv.model.machine import Machine
from hugeresv.model.page_table import PageTable
from hugeresv.model.process import Process
from hugeresv.model.resv_map import ResvMap
from hugeresv.outcome import Outcome

_OF_SINGLE_PAGES = (Inode, PageTable, ResvMap)
"""What has an entry for every page. All other numbers of a machine are counters, limits or constants."""

Numbers = dict[tuple[Any, str], int]
"""Numbers by the object of the machine and the name of the attribute that they are."""


def touch_all(machine: Machine, task: Process, address: int, pages: int, *, period: int = 1) -> tuple[int, Outcome]:
    """Write to each of `pages` fresh pages from `address` on: how many could be had, and what the next answered.

    `period`: after so many pages they come from the same nodes again. So many are one step.
    """
    size = machine.hstate.page_bytes
    page = 0
    while page < pages:
        before = _read(machine)
        touched, outcome = _touch_few(machine, task, address + page * size, min(period, pages - page))
        page += touched
        if outcome is not Outcome.OK:
            return page, outcome
        steps = (pages - page) // period
        if steps:
            now = _read(machine)
            moved = {
                counter: now[counter] - before.get(counter, 0) for counter in now if now[counter] != before.get(counter)
            }
            touched, outcome = _touch_alike(machine, task, address + page * size, now, moved, steps, period)
            page += touched
            if outcome is not Outcome.OK:
                return page, outcome
    return pages, Outcome.OK


def _touch_few(machine: Machine, task: Process, address: int, pages: int) -> tuple[int, Outcome]:
    """One by one: how many could be had, and what the next answered."""
    for page in range(pages):
        outcome = touch(machine, task, address + page * machine.hstate.page_bytes, write=True)
        if outcome is not Outcome.OK:
            return page, outcome
    return pages, Outcome.OK


def _touch_alike(
    machine: Machine, task: Process, address: int, now: Numbers, moved: Numbers, most: int, period: int
) -> tuple[int, Outcome]:
    """Take the step at `address` and those behind it that go the same way, `most` in all: how many pages, the answer.

    `now` are the machine's numbers, `moved` by how much the step before has moved those that it moved.
    """
    horizon = Horizon()
    for (owner, name), pace in moved.items():
        setattr(owner, name, Affine(now[owner, name], pace, horizon))
    touched, outcome = _touch_few(machine, task, address, period)
    expected = {counter: (value + moved.get(counter, 0), moved.get(counter, 0)) for counter, value in now.items()}
    found = list(_numbers(machine))
    steps = 1
    if outcome is Outcome.OK and {(owner, name): parts(number) for owner, name, number in found} == expected:
        steps = most if horizon.steps is None else min(most, horizon.steps + 1)
        touched = steps * period
    for owner, name, number in found:
        if isinstance(number, Affine):
            setattr(owner, name, number.value + number.slope * (steps - 1))
    return touched, outcome


def _read(machine: Machine) -> Numbers:
    """Every number of the machine, but those of single pages."""
    return {(owner, name): number for owner, name, number in _numbers(machine)}


def _numbers(machine: Machine) -> Iterator[tuple[Any, str, Any]]:
    """Object, attribute and value, an int or an Affine."""
    seen = set()
    todo: list[Any] = [machine]
    while todo:
        each = todo.pop()
        if id(each) in seen or isinstance(each, _OF_SINGLE_PAGES):
            continue
        seen.add(id(each))
        if isinstance(each, dict):
            todo.extend(each.values())
        elif isinstance(each, list | tuple | set | frozenset):
            todo.extend(each)
        for name in _attributes(type(each)):
            value = getattr(each, name)
            if type(value) is int or isinstance(value, Affine):
                yield each, name, value
            else:
                todo.append(value)


def _attributes(kind: type) -> list[str]:
    """The names of the slots that a class of the model declares, inherited ones included."""
    return [name for base in kind.__mro__ for name in base.__dict__.get("__slots__", ())]
