"""The answer for situations of all kinds: its shortcut, its remedies, and facts that were measured on real kernels."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hugeresv.fitting import touching
from hugeresv.fitting.forecast import forecast
from hugeresv.fitting.limits import CgroupLimit, Limit
from hugeresv.fitting.remedy import remedies_of
from hugeresv.fitting.situation import (
    CallLimit,
    CgroupRoom,
    Charge,
    MemoryRoom,
    MountRoom,
    Request,
    Situation,
    What,
)
from hugeresv.fitting.trial import attempt
from hugeresv.ledger.observation import CgroupUse, NodePool, PoolUse
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.fault import touch
from hugeresv.model.mempolicy import MemPolicy
from hugeresv.model.presets import PRESETS
from hugeresv.model.release import RUN
from hugeresv.outcome import Outcome
from hugeresv.words import PolicyMode

SIZE_KB = 2048
MODES: Sequence[PolicyMode] = [mode for mode in get_args(PolicyMode) if mode != "default"]
BIND_ALONE: Sequence[PolicyMode] = ["bind"]
BEHAVIOURS = [PRESETS[name] for name in RUN]
FEW = st.integers(0, 30)
MAYBE = st.none() | FEW


@st.composite
def call_limits(draw: st.DrawFn) -> tuple[CallLimit, ...]:
    """Any limits of calls, asked before or after the pages are promised, each of its own unit."""
    found = []
    for code, outcome in (("a", Outcome.EINVAL), ("b", Outcome.ENOSPC), ("c", Outcome.ENOMEM)):
        if draw(st.booleans()):
            charge, unit = draw(st.sampled_from(Charge)), draw(st.sampled_from([None, 1, 4096]))
            value, used = (draw(FEW) * (1 if unit is None else (SIZE_KB << 10) // unit) for _ in range(2))
            late = draw(st.booleans())
            found.append(CallLimit(code, "call", outcome, value, used, charge, unit, code, "{}", late=late))
    return tuple(found)


@st.composite
def node_pools(draw: st.DrawFn, number: int) -> NodePool:
    """A node's part of a pool."""
    free, surp = draw(FEW), draw(st.integers(0, 3))
    return NodePool(number, free + surp + draw(FEW), free, surp)


@st.composite
def policies(draw: st.DrawFn, allowed: tuple[int, ...], modes: Sequence[PolicyMode]) -> MemPolicy | None:
    """None, or one of these modes with some of the nodes that are allowed."""
    mode = draw(st.none() | st.sampled_from(modes))
    nodes = draw(st.sets(st.sampled_from(allowed), min_size=1))
    return None if mode is None else MemPolicy(mode, tuple(sorted(nodes)), allowed)


def on_a_node(free: int, elsewhere: int, rsvd: int = 0, overcommit: int = 0) -> PoolUse:
    """A pool with free pages on node 0 and on node 1."""
    nodes = (NodePool(0, free, free, 0), NodePool(1, elsewhere, elsewhere, 0))
    return PoolUse(SIZE_KB, free + elsewhere, free + elsewhere, rsvd, 0, overcommit, nodes)


BOUND = MemPolicy("bind", (0,), (0, 1))


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Any, with counters that have wrapped, limits below what is counted, and nodes out of reach."""
    nodes = [draw(node_pools(number)) for number in range(draw(st.integers(1, 3)))]
    total, free, surp = (sum(getattr(node, name) for node in nodes) for name in ("total", "free", "surp"))
    pool = PoolUse(SIZE_KB, total, free, draw(st.integers(-5, free + 3)), surp, draw(FEW), tuple(nodes))
    mount = None
    if draw(st.booleans()):
        size, minimum = draw(MAYBE), draw(MAYBE)
        assume(size is None or minimum is None or minimum <= size)
        used = draw(st.integers(0, size)) if size is not None else 0
        mount = MountRoom("/m", size, minimum, used, draw(st.integers(0, minimum or 0)))
    cgroups = draw(st.lists(st.builds(CgroupUse, st.just("/"), st.just(SIZE_KB), MAYBE, MAYBE, FEW, FEW), max_size=3))
    memory = draw(st.lists(st.integers(-3, 30), max_size=2))
    numbers = [node.node for node in nodes]
    mems = tuple(sorted(draw(st.sets(st.sampled_from(numbers)))))
    policy = draw(policies(mems or tuple(numbers), MODES))
    reachable = policy.nodes if policy is not None and policy.mode == "bind" else mems or tuple(numbers)
    bound_after = draw(policies(reachable, BIND_ALONE))
    situation = Situation(
        pool,
        draw(requests),
        draw(st.sampled_from(BEHAVIOURS)),
        mems=mems,
        policy=policy,
        bound_after=bound_after,
        memory_pages=draw(MAYBE),
        mount=mount,
        cgroups=tuple(CgroupRoom(replace(cgroup, path=f"/{level}")) for level, cgroup in enumerate(cgroups)),
        memory=tuple(MemoryRoom("/", "/max", 0, room, room) for room in memory),
        calls=draw(call_limits()),
    )
    grown = min(situation.nodes)
    there = pool.nodes[grown]
    some = len(situation.nodes) < len(nodes)
    return replace(situation, growing_node=(grown, there.total - there.surp) if some else None)


requests = st.builds(
    Request, st.sampled_from(What), st.lists(st.integers(1, 40), min_size=1, max_size=3).map(tuple), st.booleans()
)


def asked(*pages: int, what: What = What.PRIVATE, noreserve: bool = False) -> Request:
    """Mappings of so many pages."""
    return Request(what, pages, noreserve)


@given(situations(), st.sampled_from(list(PRESETS.values())))
def test_a_stretch_at_one_stroke_is_page_by_page(situation: Situation, behaviour: Behaviour) -> None:
    """Touches at one stroke end where the same touches one by one do.

    Catches: a limit that is jumped over, or a stretch that counts otherwise than its pages do.
    """
    situation = replace(situation, behaviour=behaviour)
    short = attempt(situation)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(touching, "_touch_alike", lambda *_: (0, Outcome.OK))
        assert short == attempt(situation)


@given(situations())
def test_the_remedies_suffice_and_are_the_smallest(situation: Situation) -> None:
    """With all changes made it fits, and with any one of them smaller by one it does not.

    Catches: an answer without a way out; a change that is not enough, larger than need be, or no change at all.
    """
    found = forecast(situation)
    assert found.changed.fits
    assert found.fits == (not found.obstacles)
    raised = situation
    for obstacle in found.obstacles:
        assert isinstance(obstacle.limit, Limit)
        assert obstacle.need > obstacle.have
        raised = obstacle.limit.at(raised, obstacle.need)
    assert attempt(raised).fits
    last = {obstacle.limit: obstacle.need for obstacle in found.obstacles}
    for limit, need in last.items():
        assert isinstance(limit, Limit)
        assert not attempt(limit.at(raised, need - 1)).fits


@given(situations(), st.integers(1, 60))
def test_a_smaller_mapping_fits_too(situation: Situation, pages: int) -> None:
    """What fits still fits with a page less.

    Catches: a boundary on the wrong side.
    """
    if attempt(replace(situation, request=asked(pages + 1))).fits:
        assert attempt(replace(situation, request=asked(pages))).fits


def test_millions_of_pages_take_no_longer() -> None:
    """64 TiB that stop at the last page are answered, with the remedy.

    Catches: a loop over pages, which would not end.
    """
    pages = (1 << 46) // (SIZE_KB << 10)
    pool = PoolUse(SIZE_KB, pages, pages, 0, 0, 0)
    cgroup = CgroupRoom(CgroupUse("/c", SIZE_KB, pages - 1, None, 0, 0))
    found = forecast(Situation(pool, asked(pages), cgroups=(cgroup,)))
    assert (found.trial.outcome, found.trial.page) == (Outcome.SIGBUS, pages - 1)
    assert [(each.limit, each.need) for each in found.obstacles] == [(CgroupLimit(0, rsvd=False), pages)]


def test_what_no_address_space_holds_has_no_remedy() -> None:
    """A mapping that is longer than an address space is ENOMEM, and nothing helps.

    Catches: a search for a limit that is not there, without end.
    """
    found = forecast(Situation(PoolUse(SIZE_KB, 0, 0, 0, 0, 0), asked(1 << 30, what=What.SHARED)))
    assert (found.trial.outcome, found.changed.outcome, found.obstacles) == (Outcome.ENOMEM, Outcome.ENOMEM, ())


def test_mappings_are_made_one_after_the_other() -> None:
    """Each mapping meets what those before it have left; the one that fails is named.

    Catches: mappings that are tried as one, or each by itself.
    """
    situation = Situation(PoolUse(SIZE_KB, 10, 10, 0, 0, 0), asked(4, 5, 2))
    found = forecast(situation)
    assert (found.trial.call, found.trial.mapping, found.trial.outcome) == ("mmap", 2, Outcome.ENOMEM)
    assert [each.need for each in found.obstacles] == [1]
    assert forecast(replace(situation, request=asked(4, 5, 1))).fits
    loose = replace(situation, request=asked(4, 5, 2, noreserve=True))
    assert (attempt(loose).mapping, attempt(loose).page, attempt(loose).outcome) == (2, 1, Outcome.SIGBUS)


def test_a_yes_says_what_it_takes_from_others() -> None:
    """Pages that a cgroup's members were promised and can no longer touch are counted.

    Catches: "Fits", and somebody else in the cgroup dies. Measured on 6.18.44: max 10 pages, a holder of 8 with 2 in
    use, 8 new pages; the holder's next touch is SIGBUS.
    """
    situation = Situation(
        PoolUse(SIZE_KB, 40, 38, 6, 0, 0),
        asked(8),
        cgroups=(CgroupRoom(CgroupUse("/c", SIZE_KB, 10, 30, 2, 8)),),
    )
    found = forecast(situation)
    assert found.fits
    assert len(found.costs) == 1
    assert "6 of the 6 can no longer be touched" in found.costs[0]
    assert forecast(replace(situation, request=asked(2))).costs == ()
    assert "1 of the 6" in forecast(replace(situation, request=asked(3))).costs[0]


def test_a_pool_cannot_outgrow_the_memory() -> None:
    """What all memory together cannot hold has no command, and is not called possible.

    Catches: `sysctl vm.nr_hugepages=…` for more memory than the host has.
    """
    situation = Situation(PoolUse(SIZE_KB, 10, 10, 0, 0, 0), asked(60), memory_pages=30, growable_pages=49)
    found = forecast(situation)
    assert (found.possible, found.grow) == (False, 50)
    assert [remedy.command for remedy in remedies_of(found)] == [None]
    found = forecast(replace(situation, growable_pages=50))
    assert (found.possible, found.memory_short) == (True, True)
    assert [remedy.command for remedy in remedies_of(found)] == ["sysctl vm.nr_hugepages=60"]


def test_bound_after_mmap_the_pages_fail_and_not_the_call() -> None:
    """mmap of 6 pages is made with 3 free on the node, and the fourth touch fails; bound before, mmap fails.

    Catches: two orders of calls taken for one. Measured on 5.10.262, 6.1 and 7.3.4 with 13 pages free.
    """
    pool = on_a_node(3, 10)
    before = attempt(Situation(pool, asked(6), policy=BOUND))
    after = attempt(Situation(pool, asked(6), bound_after=BOUND))
    assert (before.call, before.outcome) == ("mmap", Outcome.ENOMEM)
    assert (after.call, after.page, after.outcome) == ("touch", 3, Outcome.SIGBUS)


def test_bound_to_a_node_overcommit_does_not_help_while_others_have_pages() -> None:
    """Measured on 6.1 and 7.3: with enough pages on other nodes no surplus is gathered, and mmap is ENOMEM.

    Catches: surplus pages counted on a node that the kernel makes none for.
    """
    trial = attempt(Situation(on_a_node(2, 10, overcommit=10), asked(4), policy=BOUND))
    assert (trial.call, trial.outcome) == ("mmap", Outcome.ENOMEM)


def test_bound_to_a_node_others_promises_are_not_held_against_a_request() -> None:
    """Measured on 6.1 and 7.3: two mappings of 2 pages on a node that has 2 are both made; the third touch dies.

    Catches: promises held against one node, though the kernel counts them for all.
    """
    assert attempt(Situation(on_a_node(2, 10, rsvd=2), asked(2), policy=BOUND)).fits
    used = replace(on_a_node(2, 10), free=10, nodes=(NodePool(0, 2, 0, 0), NodePool(1, 10, 10, 0)))
    assert attempt(Situation(used, asked(2), policy=BOUND)).outcome is Outcome.ENOMEM
    noreserve = attempt(Situation(on_a_node(2, 10, rsvd=2), asked(3, noreserve=True), policy=BOUND))
    assert (noreserve.outcome, noreserve.page) == (Outcome.SIGBUS, 2)


def test_bound_to_one_node_and_its_mapping_to_another() -> None:
    """The call needs free pages on the one, the touches on the other: no node alone can be the remedy.

    Catches: a search for remedies that never ends.
    """
    pool = on_a_node(1, 1)
    situation = Situation(
        pool, asked(4), policy=BOUND, bound_after=MemPolicy("bind", (1,), (0, 1)), growing_node=(1, 1)
    )
    assert not forecast(situation).possible


@pytest.mark.parametrize(
    ("mode", "fits"), [("bind", False), ("preferred", True), ("preferred_many", True), ("interleave", True)]
)
def test_only_bind_keeps_from_other_nodes(mode: PolicyMode, fits: bool) -> None:
    """All other policies fall back to a node that has a page. Catches: a task that prefers a node taken for bound."""
    policy = MemPolicy(mode, (0, 1) if mode == "interleave" else (0,), (0, 1))
    situation = Situation(on_a_node(2, 10), asked(12), policy=policy)
    assert attempt(situation).fits is fits
    assert attempt(replace(situation, mems=(0,))).outcome is Outcome.ENOMEM


def test_a_million_pages_that_go_round_the_nodes_take_no_longer() -> None:
    """A million interleaved pages are touched in a bounded number of calls.

    Catches: each of them touched by itself, where one in two comes from another node than the one before.
    """
    pool = on_a_node(1 << 19, 1 << 19)
    situation = Situation(pool, asked(1 << 20), policy=MemPolicy("interleave", (0, 1), (0, 1)))
    touches = 0

    def count(*arguments: Any, **options: Any) -> Outcome:
        nonlocal touches
        touches += 1
        return touch(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(touching, "touch", count)
        assert attempt(situation).fits
    assert touches < 100


def test_a_wrapped_counter_makes_no_page() -> None:
    """2^64 - 7 promised pages look like plenty that is free: 6.18 refuses what is more than the free pages.

    Catches: a wrapped counter read as pages that are free.
    """
    pool = PoolUse(SIZE_KB, 10, 10, -7, 0, 5)
    assert attempt(replace(Situation(pool), request=asked(10, what=What.PRIVATE))).fits
    found = forecast(Situation(pool, asked(11)))
    assert found.trial.outcome is Outcome.ENOMEM
    assert [each.need for each in found.obstacles] == [1]


def test_pages_that_memory_does_not_have_are_not_found() -> None:
    """Overcommit makes as many pages as free memory holds.

    Catches: a hundred pages counted on a host that has memory for three.
    """
    pool = PoolUse(SIZE_KB, 5, 5, 0, 0, 100)
    situation = Situation(pool, memory_pages=3)
    assert attempt(replace(situation, request=asked(8, what=What.SHARED))).surplus_pages == 3
    assert attempt(replace(situation, request=asked(9, what=What.SHARED))).outcome is Outcome.ENOMEM


def test_gigantic_pages_are_surplus_on_7_alone() -> None:
    """nr_overcommit_hugepages of 1 GiB pages, which a captured host may show, adds none before 7.0.

    Catches: surplus pages of 1 GiB on 6.18, or none on 7.3.
    """
    situation = Situation(PoolUse(1 << 20, 1, 1, 0, 0, 5), asked(2))
    assert attempt(replace(situation, behaviour=PRESETS["6.18"])).outcome is Outcome.ENOMEM
    assert attempt(replace(situation, behaviour=PRESETS["7.3"])).fits
    assert attempt(replace(situation, request=asked(1), behaviour=PRESETS["6.18"])).fits
