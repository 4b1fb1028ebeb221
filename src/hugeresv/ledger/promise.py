"""Promises: who may still take how many pages, because resv_huge_pages counts them for him.

There are three kinds. A private mapping's owner is promised every page that its reservation map does not have, a file
every page that its reservation map has and its page cache does not, and a mount what is left of its minimum.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Protocol

from hugeresv.model.hstate import HState
from hugeresv.model.inode import Inode
from hugeresv.model.machine import Key
from hugeresv.model.subpool import Subpool
from hugeresv.model.vma import Vma
from hugeresv.plain import count_of

Range = tuple[int, int]
"""Indices of a file in huge pages, half-open."""

Naming = Callable[[Key, int], tuple[str, int] | None]
"""Of a process and an address: what people call the mapping there and where it starts; None if it has no name."""

_RANGES_SHOWN = 6


class Promise(Protocol):
    """`pages` that a holder may still take from the pool; str() says who and which."""

    @property
    def pages(self) -> int:
        """How many."""
        ...

    @property
    def subpool(self) -> Subpool | None:
        """The limits that count them as used."""
        ...

    @property
    def hstate(self) -> HState:
        """The pool that they come from."""
        ...


def nameless(process: Key, address: int) -> None:
    """No mapping has a name."""


@dataclass(frozen=True, slots=True)
class MappingPromise:
    """What the owner of a private mapping has not taken yet: L(m) - C(m), over all the pieces of one mmap."""

    process: Key
    vmas: list[Vma]
    """The owner's VMAs that share one reservation map; a single one where reservations are counted in the VMA."""
    naming: Naming = nameless

    @property
    def pages(self) -> int:
        """Pages of the VMAs that have not consumed their reservation."""
        return sum(map(_unconsumed_pages, self.vmas))

    @property
    def subpool(self) -> Subpool | None:
        """The mount of the file that is mapped."""
        inode = self.vmas[0].inode
        return inode.subpool if inode is not None else None

    @property
    def hstate(self) -> HState:
        """The pool of the mapping's page size."""
        inode = self.vmas[0].inode
        assert inode is not None
        return inode.hstate

    def __str__(self) -> str:
        by_name: dict[str, list[Range]] = {}
        for vma in self.vmas:
            named = self.naming(self.process, vma.vm_start)
            if named is None:
                return self._by_address()
            name, start = named
            moved = ((vma.vm_start - start) >> vma.page_shift) - vma.first_index
            by_name.setdefault(name, []).extend((first + moved, end + moved) for first, end in unconsumed(vma))
        places = [f"{name} pages {ranges_text(ranges)}" for name, ranges in by_name.items() if ranges]
        return f"private mapping {', '.join(places)}"

    def _by_address(self) -> str:
        where = " ".join(f"{vma.vm_start:#x}-{vma.vm_end:#x}" for vma in self.vmas)
        promised = (part for vma in self.vmas for part in unconsumed(vma))
        return f"private mapping of process {self.process!r} at {where}, file pages {ranges_text(promised)}"


@dataclass(frozen=True, slots=True)
class FilePromise:
    """What a file's shared mappings have reserved and no process has touched yet: R(i) - P(i)."""

    name: str
    inode: Inode

    @property
    def pages(self) -> int:
        """Pages in the reservation map that are not in the page cache."""
        regions, cached_in = self.inode.resv_map.regions, self.inode.cached_in
        return regions.total_pages - sum(len(cached_in(first, end)) for first, end in regions)

    @property
    def subpool(self) -> Subpool | None:
        """The mount that the file is on."""
        return self.inode.subpool

    @property
    def hstate(self) -> HState:
        """The pool of the file's page size."""
        return self.inode.hstate

    def ranges(self) -> Iterator[Range]:
        """Where they are."""
        for first, end in self.inode.resv_map.regions:
            yield from without(first, end, self.inode.cached_in(first, end))

    def __str__(self) -> str:
        return f"{self.name}, pages {ranges_text(self.ranges())}"


@dataclass(frozen=True, slots=True)
class MinimumPromise:
    """What is left of a mount's minimum, promised to whoever uses a file on it."""

    mount: Key
    subpool: Subpool
    hstate: HState

    @property
    def pages(self) -> int:
        """rsv_hpages."""
        return self.subpool.rsv_hpages

    def __str__(self) -> str:
        return f"minimum of mount {self.mount!r}"


def unconsumed(vma: Vma) -> Iterator[Range]:
    """The pages of an owner's VMA that are still promised to it.

    Where reservations are counted in the VMA there is no map, and after a split the count says nothing. What the owner
    must then get is every page that it does not have: each fault that finds none takes one off resv_huge_pages.
    """
    if vma.resv_map is not None:
        for first, end, consumed in vma.resv_map.regions.runs(vma.first_index, vma.end_index):
            if not consumed:
                yield first, end
        return
    yield from without(vma.first_index, vma.end_index, [index for index, folio in vma.present() if folio.anon])


def _unconsumed_pages(vma: Vma) -> int:
    """How many `unconsumed` has; takes no time for each range where there is a map."""
    if vma.resv_map is not None:
        return vma.resv_map.regions.chg(vma.first_index, vma.end_index)
    return sum(end - first for first, end in unconsumed(vma))


def without(first: int, end: int, taken: Iterable[int]) -> Iterator[Range]:
    """[first, end) without the indices `taken`, which ascend."""
    for index in taken:
        if first < index:
            yield first, index
        first = index + 1
    if first < end:
        yield first, end


def as_ranges(indices: Iterable[int]) -> Iterator[Range]:
    """Ascending indices as ranges."""
    for _, run in groupby(enumerate(indices), key=lambda pair: pair[1] - pair[0]):
        members = [index for _, index in run]
        yield members[0], members[-1] + 1


def ranges_text(ranges: Iterable[Range]) -> str:
    """Ranges as people write them; only the first few, and how many there are more."""
    remaining = iter(ranges)
    shown = [f"[{first},{end})" for first, end in islice(remaining, _RANGES_SHOWN)]
    more = sum(1 for _ in remaining)
    return " ".join(shown or ["none"]) + (f" and {count_of(more, 'more range')}" if more else "")
