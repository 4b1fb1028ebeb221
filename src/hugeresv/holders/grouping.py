"""Holders put together: those of one family, and sums by process, user, cgroup or file."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from hugeresv.holders.names import pattern_of, program_of, stable_name
from hugeresv.ledger.observation import Holder, Kind, Pages, exactly
from hugeresv.plain import count_of
from hugeresv.units import format_bytes

_FEWEST = 3
"""Holders that make a family. Two are as easily read as their sum."""

_MEMBERS = {Kind.FILE: "file", Kind.MEMFD: "memfd", Kind.SYSV: "segment"}


class GroupSum(NamedTuple):
    """What all holders of one process, user, cgroup or file have of a page size.

    `key` names it, and is empty for what has none; `detail` says more of a process or file. `shared_pages`, of the best
    estimates, are counted in other sums, too.
    """

    page_size_kB: int
    key: str
    detail: str
    reserved: Pages
    used: Pages
    shared_pages: int


def families(holders: Iterable[Holder]) -> list[Holder]:
    """The same, each family as one holder whose name says how many it is: `rtemap_* (250 files, 500M)`.

    Fewer than three stay as they are.
    """
    return [each for same in alike(holders) for each in (same if len(same) < _FEWEST else [_family(same)])]


def alike(holders: Iterable[Holder]) -> list[list[Holder]]:
    """The holders by family: of one kind, page size and folder, the same processes, names that differ in numbers."""
    members: dict[object, list[Holder]] = {}
    for holder in holders:
        pids = tuple(process.pid for process in holder.processes)
        key = (holder.page_size_kB, holder.kind, pattern_of(holder.name), pids, holder.cgroup, holder.place)
        members.setdefault(key, []).append(holder)
    return list(members.values())


def _family(holders: Sequence[Holder]) -> Holder:
    first = holders[0]
    reserved, used = add(holder.reserved for holder in holders), add(holder.used for holder in holders)
    number = count_of(len(holders), _MEMBERS.get(first.kind, "mapping"))
    size = format_bytes((reserved.best + used.best) * first.page_size_kB << 10)
    return replace(
        first,
        name=f"{pattern_of(first.name)} ({number}, {size})",
        reserved=reserved,
        used=used,
        mappings=tuple(mapping for holder in holders for mapping in holder.mappings),
    )


def add(pages: Iterable[Pages]) -> Pages:
    """The sum, bound by bound."""
    total = exactly(0)
    for each in pages:
        total = Pages(total.min + each.min, total.best + each.best, total.max + each.max)
    return total


def sums(holders: Sequence[Holder], by: str) -> list[GroupSum]:
    """The sums, the largest first. `by` is one of GROUPINGS.

    What several processes have counts for each of them, and is `shared_pages` where these are of different sums.
    """
    members: dict[tuple[int, str, str], list[Holder]] = {}
    shared: dict[tuple[int, str, str], int] = {}
    for holder in holders:
        groups = dict.fromkeys(GROUPINGS[by](holder)) or {("", ""): None}
        for key, detail in groups:
            group = (holder.page_size_kB, key, detail)
            members.setdefault(group, []).append(holder)
            if len(groups) > 1:
                shared[group] = shared.get(group, 0) + holder.reserved.best + holder.used.best
    found = [
        GroupSum(*group, add(h.reserved for h in of_group), add(h.used for h in of_group), shared.get(group, 0))
        for group, of_group in members.items()
    ]
    return sorted(found, key=lambda each: (-(each.reserved.best + each.used.best) * each.page_size_kB, each[:3]))


def _file_of(holder: Holder) -> str:
    return stable_name(holder.name) if holder.kind is Kind.SYSV else pattern_of(holder.name)


GROUPINGS: dict[str, Callable[[Holder], list[tuple[str, str]]]] = {
    "process": lambda holder: [(str(process.pid), program_of(process.command)) for process in holder.processes],
    "user": lambda holder: [(process.user, "") for process in holder.processes],
    "cgroup": lambda holder: [(holder.cgroup, "")] if holder.cgroup is not None else [],
    "file": lambda holder: [(_file_of(holder), holder.kind.value)],
}
"""By what there are sums: of a holder, the key and detail of each sum that it belongs to."""
