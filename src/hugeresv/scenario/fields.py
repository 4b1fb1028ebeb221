"""The keys that operations and the rest of a scenario have, read from their dataclasses.

Both spellings, JSON and `.scn`, are driven by what this module finds: a field added to an operation is a key of both.
The conventions it relies on: a field without a default is required; a quantity in pages may have a sibling in exact
bytes (`pages` and `length_bytes`), of which at most one is given; a length must be given, an offset need not be.
A pool's size is a number, or one a node.
"""

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum, StrEnum, auto
from keyword import iskeyword
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hugeresv.scenario.scenario import Scenario, Step
from hugeresv.value import value


class Sort(Enum):
    """What a key's value may be."""

    NAME = auto()
    """Non-empty text that names something."""
    TEXT = auto()
    """Any text."""
    COUNT = auto()
    """A whole number from 0 to 2^63 - 1."""
    SIGNED = auto()
    """A whole number from -2^63 to 2^63 - 1."""
    FLAG = auto()
    """true or false."""
    WORD = auto()
    """One of some words."""
    RECORD = auto()
    """An object with keys of its own."""
    COUNTS = auto()
    """A list of such numbers from 0."""
    SIGNED_LIST = auto()
    """A list of signed numbers."""
    RECORDS = auto()
    """A list of objects with keys of their own, at least one."""
    ROWS = auto()
    """A list of lists of signed numbers, which are the fields of a named tuple."""
    TABLE = auto()
    """An object from names to such objects."""
    STEPS = auto()
    """A list of steps, at least two."""
    NAMES = auto()
    """A list of non-empty texts, at least one."""
    BY_KERNEL = auto()
    """A signed number, or an object from names of kernels to such numbers."""


@value()
class Field:
    """One key."""

    key: str
    kind: Sort
    required: bool
    words: tuple[str, ...] = ()
    """What a WORD may be."""
    record: type = object
    """The class of a RECORD, or of the entries of RECORDS, ROWS or a TABLE."""

    @property
    def attribute(self) -> str:
        """The field of the dataclass: the key, with an underscore behind it where Python keeps the word for itself."""
        return f"{self.key}_" if iskeyword(self.key) else self.key


@value()
class Shape:
    """The keys of one class, and which of them belong together."""

    fields: Mapping[str, Field]
    needed: tuple[tuple[str, ...], ...]
    """Groups of keys of which one must be given."""
    in_bytes: Mapping[str, str]
    """The key that gives in exact bytes what a key gives in pages; only one of the two may be given."""
    by_node: Mapping[str, str]
    """The key that gives node by node what a key gives as one number; likewise."""


_LENGTHS = ("pages", "new_pages")
_BY_NODE = {"nr_hugepages": "nodes"}
_IN_BYTES = (
    ("pages", "length_bytes"),
    ("new_pages", "new_length_bytes"),
    ("page", "offset_bytes"),
    ("page", "bytes"),
    ("offset", "offset_bytes"),
)
_FREE_TEXT = ("id", "title", "note")
_MAY_BE_NEGATIVE = ("rsvd", "numa")
_NOT_KEYS: dict[type, tuple[str, ...]] = {
    Step: ("operation", "extra"),
    Scenario: ("steps", "source", "extra"),
}
"""Fields that stand for more than one key, or whose value is of a kind of its own."""


_LISTS = {int: Sort.COUNTS, str: Sort.NAMES, Step: Sort.STEPS}
"""Kinds of lists whose entries are no records."""

_shapes: dict[type, Shape] = {}


def shape(cls: type) -> Shape:
    """What the dataclass `cls` has as keys, in the order of its fields."""
    if cls not in _shapes:
        _shapes[cls] = _shape(cls)
    return _shapes[cls]


def _shape(cls: type) -> Shape:
    hints = get_type_hints(cls)
    found = {
        (key := field.name.removesuffix("_")): _field(key, hints[field.name], field.default is MISSING)
        for field in fields(cls)
        if field.name not in _NOT_KEYS.get(cls, ())
    }
    in_bytes = {pages: exact for pages, exact in _IN_BYTES if pages in found and exact in found}
    by_node = {key: by_node for key, by_node in _BY_NODE.items() if key in found and by_node in found}
    other = in_bytes | by_node
    needed = tuple(
        (key, other[key]) if key in other else (key,)
        for key, field in found.items()
        if field.required or key in _LENGTHS or key in by_node
    )
    return Shape(found, needed, in_bytes, by_node)


def _field(key: str, annotation: Any, required: bool) -> Field:
    choices = [choice for choice in get_args(annotation) if choice is not types.NoneType]
    if choices == [int, Mapping[str, int]]:
        return Field(key, Sort.BY_KERNEL, required)
    if get_origin(annotation) in (Union, types.UnionType):
        (annotation,) = choices
    if annotation is bool:
        return Field(key, Sort.FLAG, required)
    if annotation is int:
        return Field(key, Sort.SIGNED if key in _MAY_BE_NEGATIVE else Sort.COUNT, required)
    if annotation is str:
        return Field(key, Sort.TEXT if key in _FREE_TEXT else Sort.NAME, required)
    if get_origin(annotation) is Literal:
        return Field(key, Sort.WORD, required, words=get_args(annotation))
    if get_origin(annotation) is tuple:
        entry, _ = get_args(annotation)
        return _list_field(key, entry, required)
    if get_origin(annotation) is Mapping:
        return Field(key, Sort.TABLE, required, record=get_args(annotation)[1])
    if is_dataclass(annotation) and isinstance(annotation, type):
        return Field(key, Sort.RECORD, required, record=annotation)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return Field(key, Sort.WORD, required, words=tuple(annotation))
    raise TypeError(f"{key}: no kind of key has values of {annotation}")


def _list_field(key: str, entry: Any, required: bool) -> Field:
    if entry is int and key in _MAY_BE_NEGATIVE:
        return Field(key, Sort.SIGNED_LIST, required)
    if entry in _LISTS:
        return Field(key, _LISTS[entry], required)
    return Field(key, Sort.RECORDS if is_dataclass(entry) else Sort.ROWS, required, record=entry)
