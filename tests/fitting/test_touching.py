"""Touching many pages at one stroke, and the growing numbers by which that is known to be exact."""

import operator
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hugeresv.fitting.affine import Affine, Horizon
from hugeresv.fitting.touching import touch_all
from hugeresv.model.address_space import AddressSpace
from hugeresv.model.hstate import HState
from hugeresv.model.machine import Machine
from hugeresv.model.mempolicy import Placement
from hugeresv.model.mmap import mmap
from hugeresv.model.presets import PRESETS
from hugeresv.model.process import Process
from hugeresv.outcome import Outcome

PAGE_BYTES = 2 << 20
SMALL = st.integers(-20, 20)
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]


class Rationed(HState):
    """A pool with a rule that no kernel has: of every page that is taken three coupons go, until too few are left."""

    __slots__ = ("coupons",)
    coupons: int

    def take_page(
        self, nodes: Placement = (), *, promised: bool, consumes: bool, fresh_consumes: bool
    ) -> tuple[int, bool] | None:
        """As always, for coupons."""
        if self.coupons < 3:
            return None
        self.coupons -= 3
        return super().take_page(nodes, promised=promised, consumes=consumes, fresh_consumes=fresh_consumes)


@pytest.mark.parametrize("coupons", [0, 2, 3, 10, 3 * 10**9, 3 * 10**9 + 2])
def test_a_rule_that_is_new_to_the_model_counts(coupons: int) -> None:
    """Touches end where the model's own rules end them, whatever counter these look at.

    Catches: a list of the counters that a touch changes, or of the limits that it meets, kept beside the model.
    """
    pages = 1 << 40
    machine = Machine(PRESETS["7.3"], PAGE_BYTES, 0)
    hstate = Rationed(PAGE_BYTES, pages)
    machine.hstates = [hstate]
    hstate.coupons = coupons
    machine.processes["p"] = task = Process(AddressSpace(), None)
    length = (1 << 46) // PAGE_BYTES
    assert mmap(machine, task, 1 << 30, length * PAGE_BYTES, shared=False) is Outcome.OK
    had = min(length, coupons // 3)
    assert touch_all(machine, task, 1 << 30, length) == (had, Outcome.OK if had == length else Outcome.SIGBUS)
    assert hstate.free_huge_pages == pages - had
    assert type(hstate.free_huge_pages) is int


@given(SMALL, SMALL, SMALL, SMALL, st.sampled_from(COMPARISONS))
def test_a_comparison_holds_through_its_horizon(
    value: int, slope: int, other: int, pace: int, compare: Callable[[object, object], bool]
) -> None:
    """Two numbers compare the same in every step up to the horizon, and the horizon is no nearer than it must be.

    Catches: a horizon that is one step too far; one that is always 0, with which nothing would be saved.
    """
    horizon = Horizon()
    now = compare(Affine(value, slope, horizon), Affine(other, pace, horizon))
    answers = [compare(value + step * slope, other + step * pace) for step in range(50)]
    assert now == answers[0]
    through = 50 if horizon.steps is None else horizon.steps + 1
    assert set(answers[:through]) == {now}
    gaps = [value - other + step * (slope - pace) for step in range(50)]
    meeting = next((step for step, gap in enumerate(gaps) if gap * gaps[0] <= 0 and slope != pace), 50)
    assert min(through, 50) == max(meeting, 1)


@given(st.integers(0, 40), SMALL, st.integers(0, 5), SMALL)
def test_arithmetic_is_that_of_every_step(value: int, slope: int, bits: int, other: int) -> None:
    """A number that was calculated has the right value in every step up to the horizon.

    Catches: a sign that is lost, or a wrap at the end of an unsigned long that is overlooked.
    """
    assume(value >= 0)
    horizon = Horizon()
    grown = Affine(value, slope, horizon)
    found = other - (((grown + other) & ((1 << bits) - 1)) - grown)
    steps = 30 if horizon.steps is None else min(horizon.steps + 1, 30)
    for step in range(steps):
        at = value + step * slope
        assert found.value + step * found.slope == other - (((at + other) & ((1 << bits) - 1)) - at)


def test_what_has_no_rule_is_refused() -> None:
    """A growing number is no index, no key and no divisor, and has no bits but the lowest.

    Catches: a new rule of the model whose calculation would lose the growth without a word.
    """
    grown = Affine(3, 1, Horizon())
    for use in (lambda: range(grown), lambda: {grown: 1}, lambda: 7 // grown, lambda: grown & 6, lambda: abs(grown)):  # type: ignore[operator, arg-type]
        with pytest.raises(TypeError):
            use()
