"""The private mappings of a file by the indices that they map: `i_mmap`, the interval tree of struct address_space.

File order is by first index, then by insertion; only the copy that fork makes comes directly behind its original
(vma_interval_tree_insert_after). mm/interval_tree.c, 6.18.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hugeresv.model.vma import Vma

IndexSpan = tuple[int, int]
"""First index and the one behind the last, in huge pages."""


class IMmap:
    """VMAs in file order. One must be removed before the indices that it maps change.

    `_rings` has, by first index, the VMAs that begin there. `_spans` says which of these indices to look at; most files
    are never asked, so it is made by the first question.
    """

    __slots__ = ("_rings", "_spans")

    def __init__(self) -> None:
        """No mapping."""
        self._rings: dict[int, Link] = {}
        self._spans: _Spans | None = None

    def insert(self, vma: Vma, after: Vma | None = None) -> None:
        """Add a VMA: last of those that begin at the same index, or directly behind `after`, which is one of them."""
        ring = self._rings.get(vma.vm_pgoff)
        if ring is None:
            ring = self._rings[vma.vm_pgoff] = Link()
        vma.link(ring.before if after is None else after)
        if self._spans is not None:
            self._spans.add(_span(vma))

    def remove(self, vma: Vma) -> None:
        """Take a VMA out."""
        vma.unlink()
        ring = self._rings[vma.vm_pgoff]
        if ring.behind is ring:
            del self._rings[vma.vm_pgoff]
            ring.before = ring.behind = None  # so that no cycle of references is left
        if self._spans is not None:
            self._spans.remove(_span(vma))

    def overlapping(self, first: int, end: int) -> list[Vma]:
        """The VMAs that map an index of [first, end), in file order."""
        if self._spans is None:
            self._spans = _Spans(map(_span, self))
        starts = self._spans.starts(first, end)
        return [vma for start in starts for vma in self._rings[start] if vma.end_index > first]

    def copy(self, copies: Mapping[Vma, Vma]) -> IMmap:
        """The same order of the VMAs' `copies`."""
        new = IMmap()
        for first, ring in self._rings.items():
            begin = last = new._rings[first] = Link()
            vma = ring.behind
            while vma is not ring:
                copy = copies[vma]
                copy.before, last.behind = last, copy
                last, vma = copy, vma.behind
            last.behind, begin.before = begin, last
        return new

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._rings)

    def __iter__(self) -> Iterator[Vma]:
        """All VMAs in file order."""
        return (vma for first in sorted(self._rings) for vma in self._rings[first])


class Link:
    """A member of a ring, which can be joined and left at any place: a VMA, or where the ring begins."""

    __slots__ = ("before", "behind")

    def __init__(self) -> None:
        """The beginning of an empty ring."""
        self.before: Any = self
        self.behind: Any = self

    def link(self, before: Link) -> None:
        """Join the ring of `before`, directly behind it."""
        self.before, self.behind = before, before.behind
        before.behind.before = self
        before.behind = self

    def unlink(self) -> None:
        """Leave the ring."""
        self.before.behind = self.behind
        self.behind.before = self.before

    def __iter__(self) -> Iterator[Any]:
        """All other members, from the one behind this on."""
        member = self.behind
        while member is not self:
            yield member
            member = member.behind


class _Spans:
    """How many mappings have each span, and the spans sorted, by the length of their length in bits.

    Of spans shorter than 2^k, only those that begin less than 2^k before an index can reach it; those of k bits are
    half as long at least, so that few are looked at in vain.
    """

    __slots__ = ("by_bits", "count")

    def __init__(self, spans: Iterable[IndexSpan]) -> None:
        self.count: dict[IndexSpan, int] = {}
        self.by_bits: dict[int, list[IndexSpan]] = {}
        for span in spans:
            self.add(span)

    def add(self, span: IndexSpan) -> None:
        count = self.count.get(span, 0)
        self.count[span] = count + 1
        if not count:
            insort(self.by_bits.setdefault(_bits(span), []), span)

    def remove(self, span: IndexSpan) -> None:
        self.count[span] -= 1
        if not self.count[span]:
            del self.count[span]
            spans = self.by_bits[_bits(span)]
            del spans[bisect_left(spans, span)]
            if not spans:
                del self.by_bits[_bits(span)]

    def starts(self, first: int, end: int) -> list[int]:
        """The first indices of all spans that overlap [first, end), ascending."""
        found: set[int] = set()
        for bits, spans in self.by_bits.items():
            low = bisect_left(spans, (first - (1 << bits) + 2, 0))
            high = bisect_left(spans, (end, 0), low)
            found.update(start for start, stop in spans[low:high] if stop > first)
        return sorted(found)


def _span(vma: Vma) -> IndexSpan:
    return vma.vm_pgoff, vma.end_index


def _bits(span: IndexSpan) -> int:
    return (span[1] - span[0]).bit_length()
