"""The region map against two descriptions of the same set that are too plain to be wrong."""

import random
from bisect import bisect_left, bisect_right
from itertools import chain, pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from hugeresv.model.region_map import HIGHEST, LOWEST, RegionMap

MARKS = sorted(
    {LOWEST, LOWEST + 1, LOWEST + 2, -(1 << 32), -(1 << 31) - 1, *range(-30, 90)}
    | {(1 << 31) - 1, 1 << 31, 1 << 32, 1 << 52, HIGHEST - 2, HIGHEST - 1, HIGHEST}
)
"""Where ranges begin and end: at every page around 0, and at the edges of 32 and 64 bits."""
CELL = {mark: number for number, mark in enumerate(MARKS)}
"""The pages from one mark to the next are a cell; a naive map is a set of cells, by number."""

COUNTS = ("added up", "the last before running sums", "by running sums")
"""How the counts of a range are made that follow each other without a change of the map."""

marks = st.sampled_from(MARKS)
short_ranges = st.builds(lambda f, pages: (f, f + pages), st.integers(-30, 80), st.sampled_from((0, 1, 1, 1, 2, 9)))
ranges = short_ranges | st.tuples(marks, marks).map(lambda pair: (min(pair), max(pair)))


def between(f: int, t: int) -> set[int]:
    """The cells of [f, t)."""
    return set(range(CELL[f], CELL[t]))


def pages_of(cells: set[int]) -> int:
    return sum(MARKS[cell + 1] - MARKS[cell] for cell in cells)


def runs_of(cells: set[int], f: int, t: int) -> list[tuple[int, int, bool]]:
    """[f, t) cut where it enters or leaves the set, found by looking at every cell in turn."""
    runs: list[tuple[int, int, bool]] = []
    for cell in range(CELL[f], CELL[t]):
        inside = cell in cells
        start = runs.pop()[0] if runs and runs[-1][2] == inside else MARKS[cell]
        runs.append((start, MARKS[cell + 1], inside))
    return runs


def check_layout(region_map: RegionMap) -> None:
    """What must hold of the blocks for the next operation to be right and quick."""
    blocks, load = region_map._blocks, RegionMap.LOAD
    assert all(low < high for low, high in pairwise(chain.from_iterable(blocks))), f"out of order: {blocks}"
    assert all(block and len(block) % 2 == 0 for block in blocks), f"a block is empty or cuts a region: {blocks}"
    assert region_map._ends == [block[-1] for block in blocks], f"ends {region_map._ends} of {blocks}"
    pages = [sum(block[1::2]) - sum(block[::2]) for block in blocks]
    assert region_map._pages == pages, f"pages {region_map._pages} of {blocks}"
    sizes = [len(block) for block in blocks]
    assert max(sizes, default=0) <= 2 * load, f"a block is too large: {sizes}"
    assert len(sizes) < 2 or min(sizes) >= load // 4, f"a block is too small: {sizes}"


class BesideCells(RuleBasedStateMachine):
    """Every operation, in any order, answers as counting cells does."""

    def __init__(self) -> None:
        super().__init__()
        self.map = RegionMap()
        self.cells: set[int] = set()

    def same(self, got: object, expected: object) -> None:
        """Compare; a failure draws both maps, a character a cell."""
        if got != expected:
            want = "".join("#" if cell in self.cells else "." for cell in range(len(MARKS) - 1))
            have = "".join("#" if mark in self.map else "." for mark in MARKS[:-1])
            blocks = " | ".join(
                f"{block}: {pages}" for block, pages in zip(self.map._blocks, self.map._pages, strict=True)
            )
            pytest.fail(f"{got}\ninstead of {expected}\ncells  {want}\nmap    {have}\nblocks {blocks}")

    @rule(span=ranges)
    def add(self, span: tuple[int, int]) -> None:
        new = between(*span) - self.cells
        self.same(self.map.chg(*span), pages_of(new))
        self.same(self.map.add(*span), pages_of(new))
        self.cells |= new

    @rule(start=st.integers(-30, 50), step=st.integers(2, 4), times=st.integers(1, 12))
    def add_comb(self, start: int, step: int, times: int) -> None:
        """Many regions in one step, so that blocks fill up and split."""
        for f in range(start, min(start + step * times, 89), step):
            self.add((f, f + 1))

    @rule(span=ranges)
    def delete(self, span: tuple[int, int]) -> None:
        gone = between(*span) & self.cells
        self.same(self.map.delete(*span), pages_of(gone))
        self.cells -= gone

    @precondition(lambda self: len(self.cells) > 20)
    @rule(end=marks)
    def truncate(self, end: int) -> None:
        gone = between(end, HIGHEST) & self.cells
        self.same(self.map.delete(end, HIGHEST), pages_of(gone))
        self.cells -= gone

    @rule(span=ranges)
    def look(self, span: tuple[int, int]) -> None:
        runs = runs_of(self.cells, *span)
        for _ in COUNTS:
            self.same(self.map.count(*span), pages_of(between(*span) & self.cells))
        self.same(list(self.map.runs(*span)), runs)
        self.same(list(self.map.missing(*span)), [(lo, hi) for lo, hi, inside in runs if not inside])

    @invariant()
    def the_same_set(self) -> None:
        regions = [(lo, hi) for lo, hi, inside in runs_of(self.cells, LOWEST, HIGHEST) if inside]
        self.same(list(self.map), regions)
        self.same(self.map.key(), tuple(chain.from_iterable(regions)))
        self.same((len(self.map), bool(self.map)), (len(regions), bool(regions)))
        self.same(self.map.total_pages, pages_of(self.cells))
        self.same([mark in self.map for mark in MARKS[:-1]], [cell in self.cells for cell in range(len(MARKS) - 1)])
        check_layout(self.map)


@pytest.mark.parametrize("load", [4, 12])
def test_any_history_answers_as_a_set_of_pages_does(load: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """After any history every question has the answer that a set of single pages gives.

    Catches: a wrong side of a bisect, a sum that a split, join or merge of blocks forgets, a boundary left or lost.
    With a LOAD of 4 a block joins a neighbour only when it is empty, with 12 already when it has one region left.
    """
    monkeypatch.setattr(RegionMap, "LOAD", load)
    run_state_machine_as_test(BesideCells, settings=settings(max_examples=150, stateful_step_count=40, deadline=None))


class PlainList:
    """What a RegionMap is, but for speed: one sorted list of boundaries."""

    def __init__(self) -> None:
        self.boundaries: list[int] = []

    def assign(self, f: int, t: int, inside: bool) -> None:
        i, j = bisect_left(self.boundaries, f), bisect_right(self.boundaries, t)
        self.boundaries[i:j] = [f] * (i % 2 != inside) + [t] * (j % 2 != inside)

    def count(self, f: int, t: int) -> int:
        starts, ends = self.boundaries[::2], self.boundaries[1::2]
        return sum(max(0, min(t, hi) - max(f, lo)) for lo, hi in zip(starts, ends, strict=True))


@pytest.mark.parametrize("seed", range(4))
def test_thousands_of_regions_answer_as_one_sorted_list_does(seed: int) -> None:
    """With thousands of regions every question has the answer of one sorted list.

    Catches: a fault of blocks of their real size only, and one of long counts across many blocks.
    """
    rng = random.Random(seed)
    region_map, plain = RegionMap(), PlainList()
    for f in rng.sample(range(-(1 << 40), 1 << 40), 3000):
        region_map.add(f, f + 1)
        plain.assign(f, f + 1, inside=True)
    for _ in range(300):
        f = rng.randrange(-(1 << 40), 1 << 40)
        t = f + (1 << rng.randrange(38))
        covered = plain.count(f, t)
        assert [region_map.count(f, t) for _ in COUNTS] == [covered] * 3
        inside = rng.random() < 0.5
        plain.assign(f, t, inside)
        assert (region_map.add(f, t) if inside else region_map.delete(f, t)) == (t - f - covered if inside else covered)
        assert region_map.key() == tuple(plain.boundaries)
        check_layout(region_map)


@pytest.mark.parametrize("method", ["add", "chg", "count", "delete", "runs", "missing"])
@pytest.mark.parametrize("span", [(6, 5), (LOWEST - 1, 0), (0, HIGHEST + 1), (HIGHEST + 1, HIGHEST + 2)])
def test_a_bad_range_is_refused_and_changes_nothing(method: str, span: tuple[int, int]) -> None:
    """An empty or reversed range is a ValueError at the call, and the map stays as it was.

    Catches: a check that comes after the change, that an iterator puts off to its first use, or that is off by one.
    """
    region_map = RegionMap([(-10, 10), (20, 30)])
    with pytest.raises(ValueError, match="not a range"):
        getattr(region_map, method)(*span)
    assert list(region_map) == [(-10, 10), (20, 30)]


def comb(pages: int, rng: random.Random) -> RegionMap:
    """Every other page of [0, 2 * pages), added in random order: as many regions as pages."""
    return RegionMap((f, f + 1) for f in rng.sample(range(0, 2 * pages, 2), pages))


def test_equality_and_key_do_not_see_the_history() -> None:
    """Maps of the same regions are equal and have equal keys, however their blocks were cut.

    Catches: a comparison of blocks: two machines in one state would count as two.
    """
    one, other = comb(2000, random.Random(1)), comb(2000, random.Random(2))
    assert one._blocks != other._blocks, "the histories were meant to cut blocks differently"
    assert one == other
    assert one.key() == other.key()
    other.delete(0, 1)
    assert one != other
    assert one != list(one)


def test_a_map_cannot_be_hashed() -> None:
    """A map is unhashable. Catches: a mutable set as a key of a dict, lost at its next change."""
    with pytest.raises(TypeError, match="unhashable"):
        hash(RegionMap())


def test_a_copy_shares_nothing() -> None:
    """A change of a copy does not change its original.

    Catches: a list shared between copies: a fork of a state would change its parent.
    """
    original = comb(2000, random.Random(3))
    copy, key = original.copy(), original.key()
    assert copy == original
    copy.add(1, 2)
    copy.delete(1000, 3000)
    copy.add(10_000, 10_001)
    assert original.key() == key
    check_layout(original)
    check_layout(copy)


def test_repr_shows_the_regions_and_makes_the_same_map() -> None:
    """`repr` shows the regions and evaluates to an equal map.

    Catches: a failing test that shows an address instead of the map.
    """
    region_map = RegionMap([(5, 6), (-3, 0), (6, 8)])
    assert repr(region_map) == "RegionMap([(-3, 0), (5, 8)])"
    assert eval(repr(region_map)) == region_map  # noqa: S307 - our own text
