"""The answer for situations of all kinds: its shortcut, its remedies, and facts that were measured on real kernels."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hugeresv.fit import touching
from hugeresv.fit.answer import answer
from hugeresv.fit.limit import CgroupLimit
from hugeresv.fit.situation import MountLimits, Request, Situation, What
from hugeresv.fit.trial import attempt
from hugeresv.ledger.observation import CgroupUse, Pool
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.presets import PRESETS
from hugeresv.model.release import RUN
from hugeresv.outcome import Outcome

SIZE_KB = 2048
BEHAVIOURS = [PRESETS[name] for name in RUN]
NEWEST = PRESETS["7.3"]
FEW = st.integers(0, 30)
MAYBE = st.none() | FEW


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Any, with counters that have wrapped, limits below what is counted, and nodes out of reach."""
    free = draw(FEW)
    surp = draw(st.integers(0, 5))
    total = free + surp + draw(FEW)
    pool = Pool(SIZE_KB, total, free, draw(st.integers(-5, free + 3)), surp, draw(FEW))
    mount = None
    if draw(st.booleans()):
        size, minimum = draw(MAYBE), draw(MAYBE)
        assume(size is None or minimum is None or minimum <= size)
        used = draw(st.integers(0, size)) if size is not None else 0
        mount = MountLimits("/m", size, minimum, used, draw(st.integers(0, minimum or 0)))
    cgroups = draw(st.lists(st.builds(CgroupUse, st.just("/"), st.just(SIZE_KB), MAYBE, MAYBE, FEW, FEW), max_size=3))
    cgroups = [replace(cgroup, path=f"/{level}") for level, cgroup in enumerate(cgroups)]
    return Situation(pool, draw(st.integers(0, free)), draw(MAYBE), mount=mount, cgroups=tuple(cgroups))


requests = st.builds(Request, st.sampled_from(What), st.integers(1, 60), st.booleans())
behaviours = st.sampled_from(BEHAVIOURS)


@given(requests, situations(), st.sampled_from(list(PRESETS.values())))
def test_a_stretch_at_one_stroke_is_page_by_page(request: Request, situation: Situation, behaviour: Behaviour) -> None:
    """Touches at one stroke end where the same touches one by one do.

    Catches: a limit that is jumped over, or a stretch that counts otherwise than its pages do.
    """
    short = attempt(request, situation, behaviour)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(touching, "_touch_alike", lambda *_: (0, Outcome.OK))
        assert short == attempt(request, situation, behaviour)


@given(requests, situations(), behaviours)
def test_the_remedies_suffice_and_are_the_smallest(
    request: Request, situation: Situation, behaviour: Behaviour
) -> None:
    """An answer without a way out; a change that is not enough, larger than need be, or no change at all."""
    found = answer(request, situation, behaviour)
    assert found.changed.fits
    assert found.trial.fits == (not found.obstacles)
    reach = -2
    for obstacle in found.obstacles:
        assert obstacle.missing >= 1
        assert obstacle.trial.reach >= reach
        reach = obstacle.trial.reach
    raised = situation
    for obstacle in found.obstacles:
        raised = obstacle.limit.raised(raised, obstacle.missing)  # type: ignore[union-attr]
    assert attempt(request, raised, behaviour).fits
    for obstacle in found.obstacles:
        less = obstacle.limit.raised(raised, -1)  # type: ignore[union-attr]
        assert not attempt(request, less, behaviour).fits


@given(situations(), st.integers(1, 60))
def test_a_smaller_mapping_fits_too(situation: Situation, pages: int) -> None:
    """A boundary on the wrong side: fits with more pages, but not with fewer."""
    if attempt(Request(What.PRIVATE, pages + 1), situation, NEWEST).fits:
        assert attempt(Request(What.PRIVATE, pages), situation, NEWEST).fits


def test_millions_of_pages_take_no_longer() -> None:
    """Page by page, a pebibyte would be asked 536870912 times; this would not end."""
    pages = (1 << 46) // (SIZE_KB << 10)
    pool = Pool(SIZE_KB, pages, pages, 0, 0, 0)
    situation = Situation(pool, cgroups=(CgroupUse("/c", SIZE_KB, pages - 1, None, 0, 0),))
    found = answer(Request(What.PRIVATE, pages), situation, NEWEST)
    assert (found.trial.outcome, found.trial.page) == (Outcome.SIGBUS, pages - 1)
    assert [(each.limit, each.missing) for each in found.obstacles] == [(CgroupLimit(0, rsvd=False), 1)]


def test_what_no_address_space_holds_has_no_remedy() -> None:
    """A search for a limit that is not there, without end."""
    found = answer(Request(What.SHARED, 1 << 30), Situation(Pool(SIZE_KB, 0, 0, 0, 0, 0)), NEWEST)
    assert (found.trial.outcome, found.changed.outcome, found.obstacles) == (Outcome.ENOMEM, Outcome.ENOMEM, ())


def test_bound_to_a_node_overcommit_does_not_help_while_others_have_pages() -> None:
    """Measured on 6.1 and 7.3: with enough pages on other nodes no surplus is gathered, and mmap is ENOMEM."""
    pool = Pool(SIZE_KB, 12, 12, 0, 0, 10)
    trial = attempt(Request(What.PRIVATE, 4), Situation(pool, free_elsewhere=10), NEWEST)
    assert (trial.call, trial.outcome) == ("mmap", Outcome.ENOMEM)


def test_bound_to_a_node_others_promises_are_not_held_against_a_request() -> None:
    """Measured on 6.1 and 7.3: two mappings of 2 pages on a node that has 2 are both made; the third touch dies."""
    pool = Pool(SIZE_KB, 12, 12, 2, 0, 0)
    assert attempt(Request(What.PRIVATE, 2), Situation(pool, free_elsewhere=10), NEWEST).fits
    after = Situation(replace(pool, free=10, total=12), free_elsewhere=10)
    assert attempt(Request(What.PRIVATE, 2), after, NEWEST).outcome is Outcome.ENOMEM
    noreserve = attempt(Request(What.PRIVATE, 3, noreserve=True), Situation(pool, free_elsewhere=10), NEWEST)
    assert (noreserve.outcome, noreserve.page) == (Outcome.SIGBUS, 2)


def test_a_wrapped_counter_makes_no_page() -> None:
    """2^64 - 7 promised pages look like plenty that is free: 6.18 refuses what is more than the free pages."""
    pool = Pool(SIZE_KB, 10, 10, -7, 0, 5)
    assert attempt(Request(What.PRIVATE, 10), Situation(pool), NEWEST).fits
    found = answer(Request(What.PRIVATE, 11), Situation(pool), NEWEST)
    assert found.trial.outcome is Outcome.ENOMEM
    assert [each.missing for each in found.obstacles] == [1]


def test_pages_that_memory_does_not_have_are_not_found() -> None:
    """Overcommit of a hundred pages on a host that has memory for three."""
    pool = Pool(SIZE_KB, 5, 5, 0, 0, 100)
    situation = Situation(pool, memory_pages=3)
    assert attempt(Request(What.SHARED, 8), situation, NEWEST).surplus_pages == 3
    assert attempt(Request(What.SHARED, 9), situation, NEWEST).outcome is Outcome.ENOMEM


def test_gigantic_pages_are_never_surplus() -> None:
    """nr_overcommit_hugepages of 1 GiB pages, which a captured host may show, adds none (hstate_is_gigantic)."""
    pool = Pool(1 << 20, 1, 1, 0, 0, 5)
    assert attempt(Request(What.PRIVATE, 1), Situation(pool), NEWEST).fits
    assert attempt(Request(What.PRIVATE, 2), Situation(pool), NEWEST).outcome is Outcome.ENOMEM
