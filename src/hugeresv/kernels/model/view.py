"""A mapping of the model page by page, as runs."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from hugeresv.kernels.protocol import MappingView, PageState
from hugeresv.model.base_page import align_up

if TYPE_CHECKING:
    from hugeresv.model.address_space import AddressSpace
    from hugeresv.model.inode import Inode
    from hugeresv.model.vma import Vma

StateRun = tuple[PageState, int]


def view(mm: AddressSpace, address: int, reach_bytes: int, shift: int) -> MappingView:
    """What is at the first byte of each page of a mapping, as far as it ever reached; cost grows with runs alone.

    The pages are of the size of what is mapped there, else of 1 << `shift` bytes.
    """
    vmas = mm.overlapping(address, address + reach_bytes)
    first = next((vma for vma in vmas if vma.inode is not None), None)
    shift = shift if first is None else first.page_shift
    end = address + align_up(reach_bytes, 1 << shift)
    if end > address + reach_bytes:
        vmas = mm.overlapping(address, end)
    runs: list[StateRun] = []
    shared = False
    at = address
    for vma in vmas:
        edges = max(vma.vm_start, address), min(vma.vm_end, end)
        start, stop = (address + align_up(edge - address, 1 << shift) for edge in edges)
        if start == stop:
            continue
        runs.append((PageState.HOLE, (start - at) >> shift))
        if vma.inode is None:
            runs.append((PageState.UNRESERVED, (stop - start) >> shift))
        else:
            runs += _vma_runs(vma, vma.inode, vma.pagecache_offset(start), vma.pagecache_offset(stop - 1) + 1)
        shared = shared or vma.shared
        at = stop
    runs.append((PageState.HOLE, (end - at) >> shift))
    return MappingView(shared, tuple(_merged(runs)))


def _vma_runs(vma: Vma, inode: Inode, first: int, end: int) -> Iterator[StateRun]:
    """File indices [first, end) of one VMA of huge pages."""
    present = _present(vma, inode, first, end)
    for start, stop, inside in _regions(vma, inode, first, end):
        if vma.shared:
            state = PageState.RESERVED if inside else PageState.UNRESERVED
        elif inside:
            state = PageState.CONSUMED
        else:
            state = PageState.RESERVED if vma.owner else PageState.UNRESERVED
        at = start
        for index in present[bisect_left(present, start) : bisect_left(present, stop)]:
            yield state, index - at
            yield PageState.PRESENT, 1
            at = index + 1
        yield state, stop - at


def _present(vma: Vma, inode: Inode, first: int, end: int) -> list[int]:
    """The file indices in [first, end) that have a page: in the cache (shared), in the page table (private)."""
    if vma.shared:
        return inode.cached_in(first, end)
    return [index for index, _ in vma.present(first, end)]


def _regions(vma: Vma, inode: Inode, first: int, end: int) -> Iterable[tuple[int, int, bool]]:
    """[first, end) as runs inside and outside of the reservation map that decides; without one, all outside."""
    if vma.shared:
        return inode.resv_map.regions.runs(first, end)
    if vma.resv_map is not None:
        return vma.resv_map.regions.runs(first, end)
    return [(first, end, False)]


def _merged(runs: list[StateRun]) -> Iterator[StateRun]:
    """Neighbours in the same state as one run, empty runs left out."""
    for state, group in groupby((run for run in runs if run[1]), key=lambda run: run[0]):
        yield state, sum(length for _, length in group)
