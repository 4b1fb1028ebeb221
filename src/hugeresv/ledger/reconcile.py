"""The holders against the kernel's counters.

rsvd = sum of reserved + unexplained, and total - free = sum of used + unexplained.

Two questions, which must not be mixed. *How much has each holder?* `settle` answers it under the assumption that the
kernel counts right: then counters narrow what was seen of each holder. *Does the kernel count right?* `unexplained`
answers it from what was seen alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple

from hugeresv.ledger.intervals import Bounds, Sum, tighten
from hugeresv.ledger.observation import CgroupUse, Holder, Kind, MountUse, Observation, Pages, PoolUse

_MOST_TRIED = 10
"""Holders with two possible ends that are tried in every combination, 1024 of them."""

_MADE_BY_ITS_HOLDER = frozenset({Kind.PRIVATE, Kind.SHARED_ANONYMOUS, Kind.MEMFD})
"""What only a process that has it, or an ancestor, can have made: it is charged to their cgroup unless they moved."""


class Unexplained(NamedTuple):
    """What the counters of a page size have more than the holders: a leak, a pinned page, or what was not readable.

    Negative: the holders have more than is counted. `possible_pages`: reserved pages that the holders' bounds would
    allow to be theirs in spite of the best estimate (negative: not to be theirs). `certain_…`: what is left, or
    missing, whatever the holders have within the bounds that were seen of them; 0 where some numbers fit.
    """

    page_size_kB: int
    reserved_pages: int
    used_pages: int
    possible_pages: int
    certain_reserved_pages: int = 0
    certain_used_pages: int = 0


class CgroupRest(NamedTuple):
    """What a cgroup's counters have more than the holders whose processes are in it or below it, at least and at most.

    Positive: pages that it was charged for have no holder, or are held by files that no process uses or by processes
    that have left it. Negative: a process came with what it had from another cgroup. `rsvd` None: this kernel does not
    count it.
    """

    path: str
    page_size_kB: int
    usage: Bounds
    rsvd: Bounds | None


def unexplained(observation: Observation) -> list[Unexplained]:
    """The rest of every pool, in the pools' order."""
    return [_rest(pool, holders_of(observation, pool)) for pool in observation.pools]


def holders_of(observation: Observation, pool: PoolUse) -> list[Holder]:
    """The holders of a pool's page size."""
    return [holder for holder in observation.holders if holder.page_size_kB == pool.page_size_kB]


def cgroup_rests(observation: Observation) -> list[CgroupRest]:
    """The rest of every cgroup, in their order. Those of version 1's root, and of ancestors, include those below."""
    most, least = _held_at_most(observation.holders), _held_at_least(observation.holders)
    rests = []
    for use in observation.cgroups:
        key = use.page_size_kB, use.path
        (used_max, both_max), (used_min, both_min) = most.get(key, (0, 0)), least.get(key, (0, 0))
        usage = use.usage_pages - used_max, use.usage_pages - used_min
        rsvd = None if use.rsvd_pages is None else (use.rsvd_pages - both_max, use.rsvd_pages - both_min)
        rests.append(CgroupRest(use.path, use.page_size_kB, usage, rsvd))
    return rests


def settle(observation: Observation) -> Observation:
    """The same with bounds that the counters allow, and best estimates within them that explain most.

    Where everything was readable, holders have exactly what is counted; else at most that. Mounts with a size and
    cgroups count, too: the latter on the assumption that no process moved after it had mapped. A counter that no
    numbers within the bounds explain narrows nothing.

    Where more is estimated than is counted, every estimate that is not firm may sink to its lower bound. The
    combination that leaves least unexplained is taken; of equals the one that moves fewest. Where less is estimated
    than is counted nothing moves: that is how a leak looks, and `Unexplained.possible_pages` says how much of it the
    bounds allow to be none.

    Promises that still are too many may have gone with a hole in a file, of which nothing is seen, or with a kernel
    bug: files may then have none, and the estimates stay.
    """
    if not observation.steady:
        return observation
    settled: dict[int, Holder] = {}
    for pool in observation.pools:
        holders = holders_of(observation, pool)
        lowered = {id(holder): moved for holder, moved in _moves(pool, holders)}
        estimated = [lowered.get(id(holder), holder) for holder in holders]
        excess = sum(holder.reserved.min for holder in estimated) > pool.rsvd
        narrowed = map(_holed, estimated) if excess else _narrowed(observation, pool, estimated)
        settled |= zip(map(id, holders), narrowed, strict=True)
    return replace(observation, holders=tuple(settled.get(id(holder), holder) for holder in observation.holders))


def _rest(pool: PoolUse, holders: Sequence[Holder]) -> Unexplained:
    in_use = pool.total - pool.free
    reserved = pool.rsvd - sum(holder.reserved.best for holder in holders)
    used = in_use - sum(holder.used.best for holder in holders)
    bounds = [_seen_reserved(holder) for holder in holders]
    if reserved >= 0:
        possible = sum(high - holder.reserved.best for (_, high), holder in zip(bounds, holders, strict=True))
    else:
        possible = sum(low - holder.reserved.best for (low, _), holder in zip(bounds, holders, strict=True))
    return Unexplained(
        pool.page_size_kB,
        reserved,
        used,
        possible,
        _beyond(pool.rsvd, bounds),
        _beyond(in_use, [_seen_used(holder) for holder in holders]),
    )


def _seen_reserved(holder: Holder) -> Bounds:
    """Bounds that rest on no counter; a file may have a hole."""
    low, _, high = holder.seen_reserved or holder.reserved
    return 0 if holder.may_have_holes else low, high


def _seen_used(holder: Holder) -> Bounds:
    low, _, high = holder.seen_used or holder.used
    return low, high


def _beyond(count: int, bounds: Iterable[Bounds]) -> int:
    """How far a count lies outside of what the bounds add up to."""
    low = high = 0
    for least, most in bounds:
        low, high = low + least, high + most
    return max(0, count - high) or min(0, count - low)


def _narrowed(observation: Observation, pool: PoolUse, holders: Sequence[Holder]) -> list[Holder]:
    """With the bounds that the counters allow.

    A file that may have a hole may have less than was seen of it. Where not everything was seen the counters cannot
    tell, and this is not shown.
    """
    if all(holder.certain for holder in holders):
        return list(holders)
    bounds = [each for holder in holders for each in (_seen_reserved(holder), _seen_used(holder))]
    tight = tighten(bounds, list(_sums(observation, pool, holders)))
    narrowed = []
    for holder, (low, high), used in zip(holders, tight[::2], tight[1::2], strict=True):
        least = low if observation.all_promises_seen or holder.reserved.min > high else max(low, holder.reserved.min)
        narrowed.append(_with(holder, _within(holder.reserved, least, high), _within(holder.used, *used)))
    return narrowed


def _with(holder: Holder, reserved: Pages, used: Pages) -> Holder:
    """With narrower numbers; what they were is kept."""
    return replace(
        holder,
        reserved=reserved,
        used=used,
        seen_reserved=None if reserved == holder.reserved else holder.reserved,
        seen_used=None if used == holder.used else holder.used,
    )


def _sums(observation: Observation, pool: PoolUse, holders: Sequence[Holder]) -> Iterator[Sum]:
    """What the counters say of the numbers: of holder i, number 2i is what it has reserved, 2i + 1 what it uses.

    The most trusted come first. What suspects may have is not in the holders, so that it can only be less.
    """
    size = pool.page_size_kB
    suspects = observation.suspects_of(size)
    all_promises = observation.all_promises_seen and not any(each.promises for each in suspects)
    all_pages = observation.all_pages_seen and not any(each.pages for each in suspects)
    in_use = pool.total - pool.free
    yield Sum(range(1, 2 * len(holders), 2), in_use if all_pages else None, in_use)
    yield Sum(range(0, 2 * len(holders), 2), pool.rsvd if all_promises else None, pool.rsvd)
    for place, holder in enumerate(holders):
        if (
            holder.kind not in {Kind.PRIVATE, Kind.MOUNT_MINIMUM} and holder.processes
        ):  # a page that a file has is promised to it no more
            most = max(holder.reserved.max + holder.used.min, holder.used.max)
            yield Sum((2 * place, 2 * place + 1), None, most)
    for mount in observation.mounts:
        if mount.page_size_kB == size:
            yield from _sums_of_mount(mount, holders, everything=observation.all_promises_seen)
    inside = _made_inside(holders)
    for cgroup in observation.cgroups:
        if cgroup.page_size_kB == size and cgroup.path in inside:
            yield from _sums_of_cgroup(cgroup, inside[cgroup.path])


def _sums_of_mount(mount: MountUse, holders: Sequence[Holder], *, everything: bool) -> Iterator[Sum]:
    """A mount with a maximum counts pages and promises of its files together (hugepage_subpool_get_pages)."""
    on_it = [
        place
        for place, holder in enumerate(holders)
        if mount.place is not None and holder.place == mount.place and holder.kind is not Kind.MOUNT_MINIMUM
    ]
    if mount.used_pages is not None and on_it:
        places = [number for place in on_it for number in (2 * place, 2 * place + 1)]
        yield Sum(places, mount.used_pages if everything else None, mount.used_pages)


def _made_inside(holders: Sequence[Holder]) -> dict[str, list[int]]:
    """By cgroup, the places of holders that processes in it or below it have made."""
    inside: dict[str, list[int]] = {}
    for place, holder in enumerate(holders):
        if holder.kind in _MADE_BY_ITS_HOLDER:
            for path in _common_levels(holder):
                inside.setdefault(path, []).append(place)
    return inside


def _sums_of_cgroup(cgroup: CgroupUse, inside: Sequence[int]) -> Iterator[Sum]:
    """What processes made, their cgroup was charged for: for pages `usage`, for pages and promises `rsvd`."""
    yield Sum([2 * place + 1 for place in inside], None, cgroup.usage_pages)
    if cgroup.rsvd_pages is not None:
        yield Sum([number for place in inside for number in (2 * place, 2 * place + 1)], None, cgroup.rsvd_pages)


def _common_levels(holder: Holder) -> set[str]:
    """The cgroups that all processes of a holder are in or below; none where that is not known."""
    if not holder.cgroups:
        return set()
    first, *others = (set(levels(cgroup)) for cgroup in holder.cgroups)
    return first.intersection(*others)


def levels(path: str) -> Iterator[str]:
    """A cgroup and those above it: `/a/b`, `/a`, `/`."""
    while path not in {"", "/"}:
        yield path
        path = path.rpartition("/")[0]
    yield "/"


def _held_at_most(holders: Iterable[Holder]) -> dict[tuple[int, str], tuple[int, int]]:
    """By page size and cgroup: used pages, and used and reserved ones, that processes in it or below it may have."""
    held: dict[tuple[int, str], tuple[int, int]] = {}
    for holder in holders:
        for path in {path for cgroup in holder.cgroups for path in levels(cgroup)}:
            used, both = held.get((holder.page_size_kB, path), (0, 0))
            both += holder.reserved.max + holder.used.max
            held[holder.page_size_kB, path] = used + holder.used.max, both
    return held


def _held_at_least(holders: Iterable[Holder]) -> dict[tuple[int, str], tuple[int, int]]:
    """The same of holders none of whose processes are elsewhere."""
    held: dict[tuple[int, str], tuple[int, int]] = {}
    for holder in holders:
        for path in _common_levels(holder):
            used, both = held.get((holder.page_size_kB, path), (0, 0))
            both += holder.reserved.min + holder.used.min
            held[holder.page_size_kB, path] = used + holder.used.min, both
    return held


def _moves(pool: PoolUse, holders: Sequence[Holder]) -> Iterator[tuple[Holder, Holder]]:
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


def _holed(holder: Holder) -> Holder:
    """As it is if a hole has taken all its promises along."""
    _, best, high = holder.reserved
    return replace(holder, reserved=Pages(0, best, high)) if holder.may_have_holes else holder


def _within(pages: Pages, low: int, high: int) -> Pages:
    """In tighter bounds."""
    return Pages(low, min(max(pages.best, low), high), high)
