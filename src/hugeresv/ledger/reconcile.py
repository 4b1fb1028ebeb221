"""The holders against the kernel's counters.

rsvd = sum of reserved + unexplained, and total - free = sum of used + unexplained.

Where a holder's reserved pages are known in bounds only, the counters tell which end of them is the likelier: `settle`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple

from hugeresv.ledger.observation import Holder, Kind, Observation, Pages, Pool

_MOST_TRIED = 10
"""Holders with two possible ends that are tried in every combination, 1024 of them."""

_WITH_HOLES = frozenset({Kind.SHARED_ANONYMOUS, Kind.MEMFD, Kind.FILE})
"""Where a hole that was punched (fallocate, MADV_REMOVE), or a tail cut off and put on again, took promises along."""


class Unexplained(NamedTuple):
    """What the counters of a page size have more than the holders: a leak, a pinned page, or what was not readable.

    Negative: the holders have more than is counted. `possible_pages`: reserved pages that the holders' bounds would
    allow to be theirs in spite of the best estimate (negative: not to be theirs).
    """

    page_size_kB: int
    reserved_pages: int
    used_pages: int
    possible_pages: int


def unexplained(observation: Observation) -> list[Unexplained]:
    """The rest of every pool, in the pools' order."""
    return [_rest(pool, holders_of(observation, pool)) for pool in observation.pools]


def holders_of(observation: Observation, pool: Pool) -> list[Holder]:
    """The holders of a pool's page size."""
    return [holder for holder in observation.holders if holder.page_size_kB == pool.page_size_kB]


def settle(observation: Observation) -> Observation:
    """The same with the best estimates that explain most of the counters, within the bounds.

    Where more is estimated than is counted, every estimate that is not firm may sink to its lower bound. The
    combination that leaves least unexplained is taken; of equals the one that moves fewest. Where less is estimated
    than is counted nothing moves: that is how a leak looks, and `Unexplained.possible_pages` says how much of it the
    bounds allow to be none.

    Promises that still are too many may have gone with a hole in a file, of which nothing is seen, or with a kernel
    bug: the lower bounds of files sink by as many pages, and the estimates stay.
    """
    settled: dict[int, Holder] = {}
    for pool in observation.pools:
        holders = holders_of(observation, pool)
        lowered = {id(holder): moved for holder, moved in _moves(pool, holders)}
        estimated = [lowered.get(id(holder), holder) for holder in holders]
        settled |= zip(map(id, holders), _doubted(pool, estimated), strict=True)
    return replace(observation, holders=tuple(settled.get(id(holder), holder) for holder in observation.holders))


def _rest(pool: Pool, holders: Sequence[Holder]) -> Unexplained:
    reserved = pool.rsvd - sum(holder.reserved.best for holder in holders)
    used = pool.total - pool.free - sum(holder.used.best for holder in holders)
    if reserved >= 0:
        possible = sum(holder.reserved.max - holder.reserved.best for holder in holders)
    else:
        possible = sum(holder.reserved.min - holder.reserved.best for holder in holders)
    return Unexplained(pool.page_size_kB, reserved, used, possible)


def _moves(pool: Pool, holders: Sequence[Holder]) -> Iterator[tuple[Holder, Holder]]:
    rest = pool.rsvd - sum(holder.reserved.best for holder in holders)
    movable = [holder for holder in holders if not holder.firm and holder.reserved.best > holder.reserved.min]
    movable = sorted(movable, key=lambda holder: holder.reserved.best - holder.reserved.min, reverse=True)[:_MOST_TRIED]
    if rest >= 0 or not movable:
        return

    def badness(choice: Iterable[int]) -> tuple[int, int]:
        shifts = [pages - holder.reserved.best for holder, pages in zip(movable, choice, strict=True)]
        return abs(rest - sum(shifts)), sum(map(bool, shifts))

    ends = [(holder.reserved.best, holder.reserved.min) for holder in movable]
    for holder, pages in zip(movable, min(product(*ends), key=badness), strict=True):
        low, best, high = holder.reserved
        if pages != best:
            yield holder, replace(holder, reserved=Pages(low, pages, high))


def _doubted(pool: Pool, holders: Sequence[Holder]) -> Iterator[Holder]:
    excess = max(0, -_rest(pool, holders).reserved_pages)
    for holder in holders:
        low, best, high = holder.reserved
        doubtful = holder.kind in _WITH_HOLES
        yield replace(holder, reserved=Pages(max(0, low - excess), best, high)) if doubtful else holder
