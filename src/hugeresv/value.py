"""Records as values: what `dataclass(frozen=True, slots=True)` gives, at a third of its cost.

A scenario is many small records, and every start of the program makes their classes. So one function compares, hashes
and prints the records of all classes, where `dataclass` generates code for each. And that no field is assigned to is
checked by mypy before the program runs, not once more by each record that is made.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

_T = TypeVar("_T")


@dataclass_transform(frozen_default=True)
def value(*, kw_only: bool = False) -> Callable[[type[_T]], type[_T]]:
    """Decorates a class whose fields are annotated; two of its values are equal where the class and all fields are."""

    def decorated(cls: type[_T]) -> type[_T]:
        made = dataclass(eq=False, repr=False, slots=True, kw_only=kw_only)(cls)
        for method in (__eq__, __hash__, __repr__):
            setattr(made, method.__name__, method)
        return made

    return decorated


def __eq__(self: Any, other: object) -> bool:  # noqa: N807
    return _contents(self) == _contents(other) if type(self) is type(other) else NotImplemented


def __hash__(self: Any) -> int:  # noqa: N807
    return hash(_contents(self))


def __repr__(self: Any) -> str:  # noqa: N807
    given = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields(self))
    return f"{type(self).__qualname__}({given})"


_getters: dict[type, Callable[[Any], object]] = {}


def _contents(record: Any) -> object:
    """All that the fields hold, to be compared with another record's of the same class."""
    cls = type(record)
    if cls not in _getters:
        _getters[cls] = attrgetter(*(field.name for field in fields(cls)))
    return _getters[cls](record)
