"""Whether what no holder explains is proven to be a kernel bug, or what could explain it and would settle it.

A verdict takes three things: everything that could hold the pages was readable, the counters stood still, and no
numbers within the bounds that were seen of the holders fit the counters.
"""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from hugeresv.ledger.observation import Holder, Observation, Suspect
from hugeresv.ledger.reconcile import Unexplained
from hugeresv.plain import count_of

_MOST_NAMED = 4


class Rest(Enum):
    """The ways in which counters and holders differ."""

    PROMISES = "more reserved pages are counted than holders have"
    PAGES = "more pages are in use than holders have"
    SHORT = "fewer reserved pages are counted than holders have"
    OVERUSED = "fewer pages are in use than holders have"


class Verdict(NamedTuple):
    """`proven_pages`: so many are wrong whatever the holders have, 0 where it is not proven that any is.

    `explanations`: sentences that say what could explain the rest, and what would settle it. Never empty where nothing
    is proven.
    """

    proven_pages: int
    explanations: Sequence[str]


def verdict_of(observation: Observation, holders: Sequence[Holder], row: Unexplained, rest: Rest) -> Verdict:
    """The verdict on one rest of a page size, whose holders are given."""
    certain = abs(_certain(row, rest))
    suspects = [each for each in observation.suspects_of(row.page_size_kB) if _concerns(each, row, rest)]
    seen = observation.all_pages_seen if rest is Rest.PAGES else observation.all_promises_seen
    if observation.steady and seen:
        certain -= _most(suspects, certain)
        if certain:
            return Verdict(certain, _of_suspects(suspects))
    first = [*_of_unsteadiness(observation), *_of_bounds(holders, row, rest)]
    if not _certain(row, rest) and rest in {Rest.SHORT, Rest.OVERUSED}:
        return Verdict(0, first)
    return Verdict(0, [*first, *([] if seen else _of_unreadable(observation)), *_of_suspects(suspects)])


def _certain(row: Unexplained, rest: Rest) -> int:
    return row.certain_used_pages if rest in {Rest.PAGES, Rest.OVERUSED} else row.certain_reserved_pages


def _concerns(suspect: Suspect, row: Unexplained, rest: Rest) -> bool:
    """A page that outlives its file keeps its mount's minimum alive, which is a promise; then it is a rest, too."""
    match rest:
        case Rest.PROMISES:
            return suspect.promises or (suspect.pages and row.used_pages > 0)
        case Rest.PAGES:
            return suspect.pages
        case Rest.SHORT:
            return suspect.short
        case Rest.OVERUSED:
            return False


def _most(suspects: Sequence[Suspect], needed: int) -> int:
    """How many of the pages that are needed the suspects can have."""
    return min(needed, sum(needed if each.most_pages is None else each.most_pages for each in suspects))


def _of_unsteadiness(observation: Observation) -> list[str]:
    if observation.steady:
        return []
    return ["The pool changed while it was read, so numbers may be off by a few: look again."]


def _of_bounds(holders: Sequence[Holder], row: Unexplained, rest: Rest) -> list[str]:
    """Numbers within the bounds explain some or all of it."""
    pages = row.used_pages if rest in {Rest.PAGES, Rest.OVERUSED} else row.reserved_pages
    if pages == _certain(row, rest):
        return []
    if rest is Rest.SHORT:
        unsure = [each for each in holders if each.reserved.best and (each.may_have_holes or not each.reserved.exact)]
        text = "Punching a hole in a file also removes its promises, and no file of /proc shows that"
        if not any(each.may_have_holes for each in unsure):
            text = "The ranges of holders marked ~ allow for that"
    elif rest is Rest.PROMISES:
        unsure = [each for each in holders if each.reserved.max > each.reserved.best]
        text = "The ranges of holders marked ~ allow for that"
    else:
        unsure = [each for each in holders if each.used.max > each.used.best]
        text = "The ranges of holders marked ~ allow for that"
    names = list(dict.fromkeys(holder.name for holder in unsure))
    return [f"{text}: {some_of(names)}." if names else f"{text}."]


def _of_unreadable(observation: Observation) -> list[str]:
    sentences = []
    if observation.hidden_files:
        files = count_of(observation.hidden_files, "file")
        sentences.append(f"hugeresv could not see {files} of huge pages that the kernel counts.")
    hiding = [f"{each.what} ({each.settle or each.why})" for each in observation.unreadable if each.hides]
    if hiding:
        likely = "Probable" if _unread_mount(observation) else "Possible"
        sentences.append(f"{likely} places, which could not be read: {some_of(hiding)}.")
    return sentences


def _unread_mount(observation: Observation) -> bool:
    """Whether there is a mount whose files could not be read: that is where programs leave pages."""
    return any(each.hides and each.what.startswith("the files on mount") for each in observation.unreadable)


def _of_suspects(suspects: Sequence[Suspect]) -> list[str]:
    if not suspects:
        return []
    ways = dict.fromkeys(each.settle for each in suspects[:_MOST_NAMED] if each.settle)
    return [f"Possible causes: {some_of([each.what for each in suspects])}.", *ways]


def some_of(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = len(names) - _MOST_NAMED
    return "; ".join(names[:_MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
