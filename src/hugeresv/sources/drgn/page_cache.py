"""The page cache of a hugetlbfs inode: an XArray of folios (lib/xarray.c).

Up to 6.6 a folio's index counts huge pages and it takes one slot; later it counts base pages, and the folio takes as
many slots as it has of them, so that it hangs in a node of a level above (mm/filemap.c, a08c7193e4f1). Which of the two
it is can be seen from that level.
"""

import struct
from collections.abc import Iterator

from drgn import Object, Program

from hugeresv.sources.drgn.objects import InconsistentError

_BITS = 6
_SLOTS = struct.Struct("<64Q")
_INTERNAL, _VALUE = 2, 1
_KIND = 3
_FIRST_NODE = 4096
"""Internal entries below this are no nodes: siblings of the slot that has the folio, and marks of what is going on."""

_DEEPEST = 64


def cached(program: Program, i_pages: Object, order: int) -> Iterator[tuple[int, int]]:
    """The pages of a cache: index in huge pages, and the address of the folio; `order` is that of the huge page."""
    head = i_pages.xa_head.value_()
    if _is_node(head):
        node = program.type("struct xa_node")
        slots = next(member.offset for member in node.members if member.name == "slots")
        shift = next(member.offset for member in node.members if member.name == "shift")
        yield from _below(program, head, slots, shift, 0, order, _DEEPEST + _BITS, set())
    elif head and not head & _KIND:
        yield 0, head


def _below(
    program: Program, node: int, slots: int, shift_offset: int, base: int, order: int, above: int, seen: set[int]
) -> Iterator[tuple[int, int]]:
    address = node - _INTERNAL
    shift = program.read_u8(address + shift_offset)
    if shift >= above or node in seen:
        raise InconsistentError("a page cache leads in a circle")
    seen.add(node)
    for slot, entry in enumerate(_SLOTS.unpack(program.read(address + slots, _SLOTS.size))):
        index = base + (slot << shift)
        if _is_node(entry):
            yield from _below(program, entry, slots, shift_offset, index, order, shift, seen)
        elif entry and not entry & _KIND:
            yield index >> order if shift else index, entry


def _is_node(entry: int) -> bool:
    return entry & _KIND == _INTERNAL and entry >= _FIRST_NODE
