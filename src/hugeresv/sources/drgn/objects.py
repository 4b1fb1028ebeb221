"""What is asked of a kernel's objects over and over, with bounds where memory may be half-written."""

from collections.abc import Iterator
from itertools import islice

from drgn import Object, Type, cast
from drgn.helpers.linux.list import list_for_each_entry

_MOST = 1 << 24
"""More entries than any list has that is a list: one that is read while it changes may lead in circles."""


class InconsistentError(Exception):
    """What was read contradicts itself: it was changing while it was read, or it is damaged."""


def has(kind: Type, member: str) -> bool:
    """Whether a struct, or an unnamed one within it, has that member."""
    return bool(kind.has_member(member))


def entries(head: Object, kind: str, member: str) -> Iterator[Object]:
    """The entries of a `struct list_head`. Raises InconsistentError where it does not end."""
    found = list_for_each_entry(kind, head.address_of_(), member)
    yield from islice(found, _MOST)
    if next(iter(found), None) is not None:
        raise InconsistentError(f"a list of {kind} does not end")


def pointer(value: Object, kind: str) -> Object | None:
    """A pointer as one to `kind`; None for NULL."""
    return cast(f"{kind} *", value) if value else None


def text(name: Object) -> str:
    """A C string; bytes that are no UTF-8 are escaped."""
    return str(name.string_(), errors="backslashreplace")
