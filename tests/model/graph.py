"""A machine as the graph of objects that it is made of."""

from collections.abc import Iterator
from typing import Any

from hugeresv.model.behaviour import Behaviour
from hugeresv.model.i_mmap import IMmap
from hugeresv.model.machine import Machine
from hugeresv.model.region_map import RegionMap

NOT_OF_THE_MACHINE = frozenset({"changed"})
"""Fields by which something outside is told of changes; a copy has none."""


def parts(thing: Any) -> Iterator[Any]:
    """What a mutable thing of the model consists of, in order."""
    if isinstance(thing, dict):
        for key, value in thing.items():
            yield key
            yield value
    elif isinstance(thing, list | set | IMmap):
        yield from thing
    elif isinstance(thing, RegionMap):
        yield thing.key()
    else:
        yield from (getattr(thing, name) for name in type(thing).__slots__ if name not in NOT_OF_THE_MACHINE)


def is_value(thing: Any) -> bool:
    """Whether it may be shared: nothing can change it."""
    return thing is None or isinstance(thing, int | str | tuple | Behaviour)


def things(machine: Machine) -> list[Any]:
    """Everything with fields that a machine is made of, each once."""
    found: dict[int, Any] = {}
    todo: list[Any] = [machine]
    while todo:
        thing = todo.pop()
        if not is_value(thing) and id(thing) not in found:
            found[id(thing)] = thing
            todo += parts(thing)
    return [thing for thing in found.values() if not isinstance(thing, dict | list | set | RegionMap | IMmap)]
