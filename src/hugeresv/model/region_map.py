"""The region map: which huge-page indices of a file or of a mapping are represented.

The kernel keeps a sorted list of `struct file_region` {from, to} and walks it from its head (mm/hugetlb.c: region_add,
region_chg, region_count, region_truncate in 2.6.27; region_del in the place of region_truncate since 4.3). This is the
same set of indices under the same names. What it means to be in the set is for its owner to say: see `resv_map`.

Two things of the kernel are absent, because no sequence of calls can show them. The zero-length placeholder that the
region_chg of 2.6.27 leaves in the list, and what followed it (region cache, adds_in_progress, region_abort), make sure
that a later region_add needs no memory; and a lock orders what is sequential here. So `chg` changes nothing, and there
is no abort.

The set is stored as its boundaries, in order: from, to, from, to, … An index lies inside if an odd number of boundaries
is at or below it. The boundaries are cut into blocks of whole regions: an operation bisects the blocks, then one block,
and moves no more than that block in memory, however many regions there are.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate, chain
from operator import itemgetter, sub
from typing import ClassVar

LOWEST = -(1 << 63)
HIGHEST = (1 << 63) - 1
"""The kernel's `long`: where both ends of a range must lie."""


class RegionMap:
    """A set of signed 64-bit huge-page indices, kept as half-open ranges [from, to) that neither overlap nor touch.

    Ranges are given as `f`, `t` (from, to): -2**63 <= f <= t <= 2**63 - 1, or ValueError, and nothing is changed. An
    empty range is legal and answers 0. Answers are in huge pages. A map may not be changed while it is iterated over.
    """

    LOAD = 256
    """A block of more than twice as many boundaries is split; one of less than a quarter joins a neighbour.

    Even, so that blocks hold whole regions, and at least 4, so that no block stays empty.
    """

    __slots__ = ("_blocks", "_ends", "_pages", "_sums")
    __hash__: ClassVar[None]  # type: ignore[assignment]  # mutable

    _blocks: list[list[int]]
    """The boundaries. No block is empty, none begins or ends within a region."""
    _ends: list[int]
    """The last boundary of each block."""
    _pages: list[int]
    """The pages inside, by block."""
    _sums: "_RunningSums | tuple[()] | None"
    """None since the last change, () since the first count after it. Running sums cost more than a count without."""

    def __init__(self, regions: Iterable[tuple[int, int]] = ()) -> None:
        """The union of `regions`, which may come in any order, touch and overlap."""
        self._blocks = []
        self._ends = []
        self._pages = []
        self._sums = None
        for f, t in regions:
            self.add(f, t)

    def add(self, f: int, t: int) -> int:
        """Represent [f, t); the number of pages that were not represented before.

        region_add, which returned 0 in 2.6.27. Since 5.7 it keeps regions of different cgroups apart: that matters to
        whoever uncharges them, not to the set.
        """
        return self._assign(f, t, 1)

    def delete(self, f: int, t: int) -> int:
        """Represent nothing of [f, t) any more; the number of pages that go.

        region_del, without its ENOMEM (a region cut in the middle takes one more node); up to HIGHEST it is
        region_truncate of 2.6.27 to 4.2.
        """
        return self._assign(f, t, 0)

    def chg(self, f: int, t: int) -> int:
        """Pages of [f, t) that are not represented: what `add` would answer.

        region_chg, without its ENOMEM.
        """
        return t - f - self.count(f, t)

    def count(self, f: int, t: int) -> int:
        """Pages of [f, t) that are represented.

        region_count, with the `long` segment bounds of 3.8 (`int` before).
        """
        if not LOWEST <= f <= t <= HIGHEST:
            raise _not_a_range(f, t)
        ends = self._ends
        first = bisect_right(ends, f)
        if first == len(ends):
            return 0
        blocks = self._blocks
        block = blocks[first]
        i = bisect_right(block, f)
        if t <= block[i]:
            return t - f if i & 1 else 0
        last = bisect_left(ends, t, first)
        j = bisect_left(blocks[last], t) if last < len(ends) else 0
        sums = self._sums
        if not sums:
            return self._sum(first, i, last, j, f, t)
        pages = sums[last][j >> 1] - sums[first][i >> 1]
        if i & 1:
            pages -= f - block[i - 1]
        if j & 1:
            pages += t - blocks[last][j - 1]
        return pages

    def runs(self, f: int, t: int) -> Iterator[tuple[int, int, bool]]:
        """[f, t) from left to right, cut where it begins or ends to be represented: (from, to, represented)."""
        if not LOWEST <= f <= t <= HIGHEST:
            raise _not_a_range(f, t)
        return self._runs(f, t)

    def missing(self, f: int, t: int) -> Iterator[tuple[int, int]]:
        """The parts of [f, t) that are not represented, from left to right: what `add` would insert."""
        return ((lo, hi) for lo, hi, represented in self.runs(f, t) if not represented)

    @property
    def total_pages(self) -> int:
        """The number of pages represented. Takes time in proportion to the number of blocks."""
        return sum(self._pages)

    def key(self) -> tuple[int, ...]:
        """The boundaries, in order: equal for equal sets, however they came about."""
        return tuple(chain.from_iterable(self._blocks))

    def copy(self) -> "RegionMap":
        """A map of the same set that shares nothing with this one."""
        copy = RegionMap()
        copy._blocks = [block[:] for block in self._blocks]
        copy._ends = self._ends[:]
        copy._pages = self._pages[:]
        return copy

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """The regions (from, to), from left to right."""
        boundaries = chain.from_iterable(self._blocks)
        return zip(boundaries, boundaries, strict=True)

    def __len__(self) -> int:
        """The number of regions (not of pages)."""
        return sum(map(len, self._blocks)) // 2

    def __bool__(self) -> bool:
        return bool(self._ends)

    def __contains__(self, index: int) -> bool:
        """Whether the page `index` is represented."""
        k = bisect_right(self._ends, index)
        return k < len(self._ends) and bisect_right(self._blocks[k], index) & 1 == 1

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RegionMap):
            return NotImplemented
        return self.key() == other.key()

    def __repr__(self) -> str:
        return f"RegionMap({list(self)})"

    def _runs(self, f: int, t: int) -> Iterator[tuple[int, int, bool]]:
        first = bisect_right(self._ends, f)
        i = bisect_right(self._blocks[first], f) if first < len(self._ends) else 0
        inside = i & 1 == 1
        for k in range(first, len(self._ends)):
            for boundary in self._blocks[k][i:]:
                if boundary >= t:
                    break
                yield f, boundary, inside
                f, inside = boundary, not inside
            i = 0
            if self._ends[k] >= t:
                break
        if f < t:
            yield f, t, inside

    def _sum(self, first: int, i: int, last: int, j: int, f: int, t: int) -> int:
        """Pages of [f, t) inside, from boundary `i` of block `first` to `j` of block `last`, added up.

        Unless the map changes, the next count does so too, and those after it have running sums.
        """
        self._sums = () if self._sums is None else _RunningSums(self._blocks, self._pages)
        block = self._blocks[first]
        if last == first:
            return _inside(block, i, j, f, t)
        pages = _inside(block, i, len(block), f, t) + sum(self._pages[first + 1 : last])
        return pages + _inside(self._blocks[last], 0, j, f, t) if j else pages

    def _assign(self, f: int, t: int, inside: int) -> int:
        """Make [f, t) lie inside (1) or outside (0); the number of pages for which that is a change."""
        if not LOWEST <= f <= t <= HIGHEST:
            raise _not_a_range(f, t)
        ends = self._ends
        if not ends or f >= ends[-1]:
            return self._append(f, t) if inside else 0
        blocks = self._blocks
        k = bisect_left(ends, f)
        if ends[k] < t and k + 1 < len(ends):
            reach = t + inside  # a region that begins at t is reached by an add, which joins it, not by a delete
            if blocks[k + 1][0] < reach:
                self._merge(k, bisect_left(blocks, reach, k + 1, key=itemgetter(0)))
        block = blocks[k]
        i = bisect_left(block, f)
        j = i if t < block[i] else bisect_right(block, t, i)
        changed = _inside(block, i, j, f, t) if i < j else t - f if i & 1 else 0
        if inside:
            changed = t - f - changed
        if not changed:
            return 0
        self._sums = None
        # f becomes a boundary where what is left of it differs from what it becomes; t likewise on its right.
        if i & 1 == inside:
            block[i:j] = () if j & 1 == inside else (t,)
        else:
            block[i:j] = (f,) if j & 1 == inside else (f, t)
        self._pages[k] += changed if inside else -changed
        if block:
            ends[k] = block[-1]
        size, load = len(block), self.LOAD
        if size > 2 * load or (size < load // 4 and (len(ends) > 1 or not size)):
            self._resize(k)
        return changed

    def _append(self, f: int, t: int) -> int:
        """Add the region [f, t), which begins at the last boundary, and lengthens the last region, or beyond."""
        if f == t:
            return 0
        self._sums = None
        if not self._ends:
            self._blocks.append([])
            self._ends.append(t)
            self._pages.append(0)
        if f == self._ends[-1]:
            self._blocks[-1][-1] = t
        else:
            self._blocks[-1] += f, t
        self._ends[-1] = t
        self._pages[-1] += t - f
        if len(self._blocks[-1]) > 2 * self.LOAD:
            self._resize(len(self._ends) - 1)
        return t - f

    def _resize(self, k: int) -> None:
        """Bring block `k` back to a size between LOAD // 4 and 2 * LOAD: if too small, it joins a neighbour first.

        The only block may be small, but not empty.
        """
        if len(self._blocks[k]) < self.LOAD // 4 and len(self._blocks) > 1:
            k = max(k - 1, 0)
            self._merge(k, k + 2)
        block = self._blocks[k]
        if len(block) > 2 * self.LOAD:
            cuts = range(0, len(block) - self.LOAD, self.LOAD)  # the last part takes the rest
            parts = [block[i : i + self.LOAD] for i in cuts[:-1]] + [block[cuts[-1] :]]
            self._blocks[k : k + 1] = parts
            self._ends[k : k + 1] = [part[-1] for part in parts]
            self._pages[k : k + 1] = [_inside(part, 0, len(part), 0, 0) for part in parts]
        elif not block:
            del self._blocks[k], self._ends[k], self._pages[k]

    def _merge(self, first: int, stop: int) -> None:
        """Make one block of the blocks [first, stop)."""
        merged = list(chain.from_iterable(self._blocks[first:stop]))
        self._blocks[first:stop] = [merged]
        self._ends[first:stop] = [merged[-1]]
        self._pages[first:stop] = [sum(self._pages[first:stop])]


class _RunningSums(dict[int, list[int]]):
    """By block the pages of all regions before its first, before its second, and so on, and of all to its end.

    Made where first asked for. Behind the last block there is one more, without regions.
    """

    def __init__(self, blocks: list[list[int]], pages: list[int]) -> None:
        self._blocks = blocks
        self._before = list(accumulate(pages, initial=0))
        super().__init__({len(blocks): self._before[-1:]})

    def __missing__(self, k: int) -> list[int]:
        block = self._blocks[k]
        sums = self[k] = list(accumulate(map(sub, block[1::2], block[::2]), initial=self._before[k]))
        return sums


def _inside(block: list[int], i: int, j: int, f: int, t: int) -> int:
    """Pages of [f, t) inside, where `block[i:j]` are the boundaries in it; those at f or t may be among them or not.

    There is one at least.
    """
    if i + 1 == j:
        return block[i] - f if i & 1 else t - block[i]
    pages = sum(block[i | 1 : j : 2]) - sum(block[i + (i & 1) : j : 2])
    return pages - (f if i & 1 else 0) + (t if j & 1 else 0)


def _not_a_range(f: int, t: int) -> ValueError:
    return ValueError(f"not a range of signed 64-bit huge-page indices: [{f}, {t})")
