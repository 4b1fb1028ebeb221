"""The limits of mounts: what a subpool thinks is out, against what is out."""

from collections import Counter
from collections.abc import Iterator

from hugeresv.invariants.reservations import items
from hugeresv.ledger.census import Census
from hugeresv.ledger.promise import MinimumPromise, Promise
from hugeresv.model.machine import Key
from hugeresv.model.subpool import Subpool
from hugeresv.plain import are, count_of


def usage_is_what_is_out(census: Census) -> Iterator[str]:
    """I6: a subpool with a maximum has used = its pages in use + what its files promise, and 0 <= used <= max."""
    out = _Out(census)
    for mount, subpool in subpools(census):
        if subpool.max_hpages is None:
            continue
        pages, promises = out.pages[subpool], out.promises.get(subpool, [])
        expected = pages + sum(promise.pages for promise in promises)
        used = subpool.used_hpages
        if used != expected:
            yield (
                f"used_hpages of mount {mount!r} is {used}, but {expected} {are(expected)} in use or "
                f"promised ({used - expected:+d})"
                f"\n  {pages:+d} in use{items(promises)}"
            )
        if not 0 <= used <= subpool.max_hpages:
            yield f"used_hpages of mount {mount!r} is {used}, with a maximum of {subpool.max_hpages}"


def minimum_is_there(census: Census) -> Iterator[str]:
    """I7: a subpool with a minimum has 0 <= rsv <= min, and what is out of it + rsv >= min."""
    out = _Out(census)
    for mount, subpool in subpools(census):
        if subpool.min_hpages is None:
            continue
        rsv, minimum = subpool.rsv_hpages, subpool.min_hpages
        if not 0 <= rsv <= minimum:
            yield f"rsv_hpages of mount {mount!r} is {rsv}, with a minimum of {minimum}"
        pages = out.pages[subpool]
        promised = sum(promise.pages for promise in out.promises.get(subpool, ()))
        if pages + promised + rsv < minimum:
            yield (
                f"mount {mount!r} has a minimum of {minimum}, but rsv_hpages {rsv}"
                f" with {count_of(pages, 'page')} in use and {promised} promised"
            )


def minimum_is_promised_once(census: Census) -> Iterator[str]:
    """I20: a subpool keeps no more in reserve than its minimum lacks: rsv <= max(0, min - what is out)."""
    out = _Out(census)
    for mount, subpool in subpools(census):
        if subpool.min_hpages is None:
            continue
        pages = out.pages[subpool]
        promised = sum(promise.pages for promise in out.promises.get(subpool, ()))
        lacking = max(0, subpool.min_hpages - pages - promised)
        if subpool.rsv_hpages > lacking:
            yield (
                f"rsv_hpages of mount {mount!r} is {subpool.rsv_hpages}, but its minimum of {subpool.min_hpages} lacks"
                f" {lacking}: {count_of(pages, 'page', 'is')} in use and {promised} promised"
            )


def subpools(census: Census) -> Iterator[tuple[Key, Subpool]]:
    """The mounts that have limits."""
    for key, mount in census.mounts.items():
        if mount.subpool is not None:
            yield key, mount.subpool


class _Out:
    """By subpool the pages that are in use, and what its files promise."""

    def __init__(self, census: Census) -> None:
        limited = any(True for _ in subpools(census))
        self.pages = Counter(folio.subpool for folio in census.folios) if limited else Counter()
        self.promises: dict[Subpool | None, list[Promise]] = {}
        for promise in census.promises:
            if not isinstance(promise, MinimumPromise):
                self.promises.setdefault(promise.subpool, []).append(promise)
