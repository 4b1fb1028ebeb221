"""What is asked of a kernel's objects over and over, with bounds where memory may be half-written."""

import struct
from collections.abc import Iterable, Iterator

from drgn import Object, Type, cast, sizeof
from drgn.helpers.linux.list import list_for_each_entry

_LONG_BYTES = 8

_MOST = 1 << 20
"""More entries than any list here has. One that is damaged may lead into another, which is longer."""


class InconsistentError(Exception):
    """What was read contradicts itself: it was changing while it was read, or it is damaged."""


def has(kind: Type, member: str) -> bool:
    """Whether a struct, or an unnamed one within it, has that member."""
    return bool(kind.has_member(member))


def entries(head: Object, kind: str, member: str) -> Iterator[Object]:
    """The entries of a `struct list_head`. Raises InconsistentError where it does not end."""
    return distinct(list_for_each_entry(kind, head.address_of_(), member), f"a list of {kind}")


def distinct(found: Iterable[Object], what: str) -> Iterator[Object]:
    """Pointers, each of which is there once. Raises InconsistentError for what leads in a circle or never ends."""
    seen: set[int] = set()
    for each in found:
        address = each.value_()
        if address in seen:
            raise InconsistentError(f"{what} leads in a circle")
        if len(seen) == _MOST:
            raise InconsistentError(f"{what} has more than {_MOST} entries")
        seen.add(address)
        yield each


def pointer(value: Object, kind: str) -> Object | None:
    """A pointer as one to `kind`; None for NULL."""
    return cast(f"{kind} *", value) if value else None


def integers(array: Object) -> tuple[int, ...]:
    """The numbers of an array of unsigned integers, read at once: asked for one by one, each is a read of its own."""
    content, size = array.to_bytes_(), sizeof(array.type_.type)
    return struct.unpack(f"<{len(content) // size}{'Q' if size == _LONG_BYTES else 'I'}", content)


def text(name: Object) -> str:
    """A C string; bytes that are no UTF-8 are escaped."""
    return str(name.string_(), errors="backslashreplace")
