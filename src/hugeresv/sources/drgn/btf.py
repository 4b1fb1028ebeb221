"""BTF, the kernel's own description of its types: what is in it, by number and by name.

The format is described in Linux, Documentation/bpf/btf.rst. A kernel that is built with CONFIG_DEBUG_INFO_BTF, as those
of distributions are, has it in its memory between __start_BTF and __stop_BTF, and in /sys/kernel/btf/vmlinux.
"""

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

_MAGIC = 0xEB9F
_HEADER = struct.Struct("<HBBIIIII")
_RECORD = struct.Struct("<III")
_MEMBER = struct.Struct("<III")
_ENUMERATOR = struct.Struct("<II")
_ENUMERATOR_64 = struct.Struct("<III")
_PARAMETER = struct.Struct("<II")
_WORD = struct.Struct("<I")


class BtfKind(IntEnum):
    """BTF_KIND_*."""

    VOID = 0
    INT = 1
    PTR = 2
    ARRAY = 3
    STRUCT = 4
    UNION = 5
    ENUM = 6
    FWD = 7
    TYPEDEF = 8
    VOLATILE = 9
    CONST = 10
    RESTRICT = 11
    FUNC = 12
    FUNC_PROTO = 13
    VAR = 14
    DATASEC = 15
    FLOAT = 16
    DECL_TAG = 17
    TYPE_TAG = 18
    ENUM64 = 19


_DETAIL_BYTES = {BtfKind.INT: 4, BtfKind.ARRAY: 12, BtfKind.VAR: 4, BtfKind.DECL_TAG: 4}
_ELEMENT_BYTES = {
    BtfKind.STRUCT: 12, BtfKind.UNION: 12, BtfKind.ENUM: 8, BtfKind.ENUM64: 12,
    BtfKind.FUNC_PROTO: 8, BtfKind.DATASEC: 12,
}  # fmt: skip
_NAMED = {BtfKind.INT, BtfKind.STRUCT, BtfKind.UNION, BtfKind.ENUM, BtfKind.ENUM64, BtfKind.TYPEDEF, BtfKind.FLOAT}


class BtfError(Exception):
    """These bytes are no BTF."""


class Record(NamedTuple):
    """A type. `target` is its size in bytes, or the number of the type that it refers to, as its kind has it.

    `flag`: members have bit sizes (struct, union), values are signed (enum), it is a union (forward declaration).
    """

    kind: BtfKind
    name: str
    target: int
    elements: int
    flag: bool
    place: int
    """Where what follows the record is in the data."""


class Member(NamedTuple):
    """A member of a struct or union: its offset, and its size if it is a bit field (0: it is not), in bits."""

    name: str
    type: int
    bit_offset: int
    bit_size: int


class Btf:
    """The types in `data`, little endian. Raises BtfError."""

    def __init__(self, data: bytes) -> None:
        if len(data) < _HEADER.size:
            raise BtfError("too short for BTF")
        magic, version, _, header_bytes, types, types_bytes, strings, strings_bytes = _HEADER.unpack_from(data)
        if (magic, version) != (_MAGIC, 1):
            raise BtfError(f"BTF of version 1 begins with {_MAGIC:#x}, this with {magic:#x} and version {version}")
        self._data = data
        self._strings = header_bytes + strings
        self._places = [0]
        self._by_name: dict[tuple[int, int], int] = {}
        self._enums: list[int] = []
        self._found: dict[str, int | None] = {}
        self._constants: dict[str, tuple[int, int] | None] = {}
        if self._strings + strings_bytes > len(data):
            raise BtfError(f"BTF of {self._strings + strings_bytes} bytes is cut off after {len(data)}")
        self._scan(header_bytes + types, header_bytes + types + types_bytes)

    def find(self, kind: BtfKind, name: str) -> int | None:
        """The number of the first type of that kind and name."""
        place = self._string(name)
        return None if place is None else self._by_name.get((kind, place))

    def record(self, number: int) -> Record:
        """A type by its number; 0 is void."""
        if number == 0:
            return Record(BtfKind.VOID, "", 0, 0, False, 0)
        place = self._places[number]
        name, info, target = _RECORD.unpack_from(self._data, place)
        kind = BtfKind(info >> 24 & 31)
        return Record(kind, self._name(name), target, info & 0xFFFF, bool(info >> 31), place + _RECORD.size)

    def word(self, record: Record) -> int:
        """What follows an integer: its encoding (4 bits from bit 24 on), offset and size in bits."""
        return int(_WORD.unpack_from(self._data, record.place)[0])

    def array(self, record: Record) -> tuple[int, int]:
        """The number of an array's element type, and how many elements there are."""
        element, _, count = _MEMBER.unpack_from(self._data, record.place)
        return element, count

    def members(self, record: Record) -> Iterator[Member]:
        """The members of a struct or union."""
        for name, number, offset in self._elements(record, _MEMBER):
            size = offset >> 24 if record.flag else 0
            yield Member(self._name(name), number, offset & 0xFFFFFF if record.flag else offset, size)

    def enumerators(self, record: Record) -> Iterator[tuple[str, int]]:
        """The names and values of an enum."""
        bits = 32 if record.kind is BtfKind.ENUM else 64
        for name, *words in self._elements(record, _ENUMERATOR if bits == 32 else _ENUMERATOR_64):
            value = words[0] | (words[1] << 32 if bits == 64 else 0)
            yield self._name(name), value - (1 << bits) if record.flag and value >> (bits - 1) else value

    def parameters(self, record: Record) -> Iterator[tuple[str, int]]:
        """The names and types of a function's parameters; type 0 stands for an ellipsis."""
        for name, number in self._elements(record, _PARAMETER):
            yield self._name(name), number

    def constant(self, name: str) -> tuple[int, int] | None:
        """The number of the first enum that has this enumerator, and its value."""
        if name not in self._constants:
            self._constants[name] = self._search(name)
        return self._constants[name]

    def _search(self, name: str) -> tuple[int, int] | None:
        for number in self._enums:
            for each, value in self.enumerators(self.record(number)):
                if each == name:
                    return number, value
        return None

    def _scan(self, place: int, end: int) -> None:
        """Note where each type begins; types are numbered in their order, from 1."""
        data, places = self._data, self._places
        while place < end:
            name, info, _ = _RECORD.unpack_from(data, place)
            kind = info >> 24 & 31
            if kind > BtfKind.ENUM64:
                raise BtfError(f"type {len(places)} is of kind {kind}, which is not known")
            if name and kind in _NAMED:
                self._by_name.setdefault((kind, name), len(places))
            if kind in {BtfKind.ENUM, BtfKind.ENUM64}:
                self._enums.append(len(places))
            places.append(place)
            place += _RECORD.size + _DETAIL_BYTES.get(kind, 0) + _ELEMENT_BYTES.get(kind, 0) * (info & 0xFFFF)

    def _elements(self, record: Record, form: struct.Struct) -> Iterator[tuple[int, ...]]:
        return form.iter_unpack(self._data[record.place : record.place + record.elements * form.size])

    def _name(self, offset: int) -> str:
        start = self._strings + offset
        return self._data[start : self._data.index(b"\0", start)].decode()

    def _string(self, name: str) -> int | None:
        """Where a name is among the strings, each of which is there once."""
        if name not in self._found:
            place = self._data.find(b"\0" + name.encode() + b"\0", self._strings)
            self._found[name] = None if place < 0 else place + 1 - self._strings
        return self._found[name]
