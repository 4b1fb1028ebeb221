"""Which huge pages an address space has in its page tables. x86-64, four or five levels.

arch/x86/include/asm/pgtable_types.h has the bits. An entry that is not present but for PROT_NONE has its frame number
inverted (pgtable-invert.h, 4.19).
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from drgn import Object, Program

from hugeresv.sources.drgn.objects import InconsistentError

_TABLE = struct.Struct("<512Q")
_BITS = 9
_PRESENT, _LARGE, _PROT_NONE = 1 << 0, 1 << 7, 1 << 8
_FRAME = (1 << 52) - (1 << 12)
_ALL = (1 << 64) - 1
PAGE_SHIFT = 12
_PUD_SHIFT = PAGE_SHIFT + 2 * _BITS


class Paging(NamedTuple):
    """What differs between machines: the levels of a page table, and address bits that say something else."""

    levels: int
    frame_mask: int


def paging_of(vmcoreinfo: dict[str, str]) -> Paging:
    """As VMCOREINFO has it. Raises InconsistentError where it has no numbers there."""
    try:
        five, sme = (int(vmcoreinfo.get(f"NUMBER({name})", "0")) for name in ("pgtable_l5_enabled", "sme_mask"))
    except ValueError as error:
        raise InconsistentError(f"VMCOREINFO: {error}") from None
    return Paging(5 if five else 4, _FRAME & ~sme)


def mapped(
    program: Program, paging: Paging, mm: Object, start: int, end: int, page_shift: int
) -> Iterator[tuple[int, int]]:
    """The huge pages that are mapped in [start, end): page number (address >> page_shift) and physical address."""
    top = PAGE_SHIFT + _BITS * (paging.levels - 1)
    yield from _walk(program, paging, program.read(mm.pgd.value_(), _TABLE.size), top, start, end, page_shift)


def _walk(
    program: Program, paging: Paging, table: bytes, shift: int, start: int, end: int, page_shift: int
) -> Iterator[tuple[int, int]]:
    """`table` has entries of 1 << shift bytes each, and covers all of [start, end)."""
    entries = _TABLE.unpack(table)
    for number in range(start >> shift, ((end - 1) >> shift) + 1):
        entry = entries[number & 511]
        if not entry & (_PRESENT | _PROT_NONE):
            continue
        physical = (entry if entry & _PRESENT else entry ^ _ALL) & paging.frame_mask
        if shift == page_shift:
            if entry & _LARGE:
                yield number, physical & -(1 << page_shift)
        elif entry & _PRESENT and not entry & _LARGE:
            first, last = max(start, number << shift), min(end, (number + 1) << shift)
            below = program.read(physical, _TABLE.size, True)
            yield from _walk(program, paging, below, shift - _BITS, first, last, page_shift)
