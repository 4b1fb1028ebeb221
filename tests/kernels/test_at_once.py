"""Calls at once and failed allocations on real kernels: what is allowed, and what is refused early."""

from collections.abc import Callable

import pytest

from hugeresv.errors import UnsupportedError
from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.kernels.host.kernel import HostKernel
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.model.presets import PRESETS
from hugeresv.outcome import Outcome
from hugeresv.play.allowed import Allowed
from hugeresv.play.often import play_often
from hugeresv.play.play import Ending
from hugeresv.scenario.scn_format import parse_scn

ONE_PAGE = """
pool 2M nr=1
a mmap x 1 private noreserve
b mmap y 1 private noreserve
together
a touch x 0
b touch y 0
apart
a munmap x 0
"""


def _allowed() -> Allowed:
    """The model of 6.12 after two faults for one page, which come next."""
    steps = parse_scn(ONE_PAGE, "test.scn").steps
    allowed = Allowed(ModelKernel(PRESETS["6.12"]).start(parse_scn(ONE_PAGE, "test.scn").pool))
    for number, step in enumerate(steps[:2], 1):
        allowed.settle(allowed.step(number, step)[0])
    return allowed


def test_each_order_is_allowed_and_decides_what_comes_next() -> None:
    """Who gets the only page is chance. Whoever got it, what follows fits that order and no other.

    Catches: a kernel held to the first order of the model; one whose later answers fit no order, and pass.
    """
    steps = parse_scn(ONE_PAGE, "test.scn").steps
    for winner, free_afterwards in (("a", 1), ("b", 0)):
        allowed = _allowed()
        answers = allowed.step(3, steps[2])
        assert len(answers) == 2
        chosen = next(each for each in answers if (each.outcomes or {})[winner] is Outcome.OK)
        assert not allowed.judge(chosen)
        assert [answer.counters.free for answer in allowed.step(4, steps[3])] == [free_afterwards]


def test_an_answer_of_no_order_is_told_beside_the_nearest() -> None:
    """Two processes cannot both get the only page; the nearest allowed answer is named.

    Catches: a race of a real kernel that is taken for one more order; a model asked for names it does not have.
    """
    allowed = _allowed()
    one = allowed.step(3, parse_scn(ONE_PAGE, "test.scn").steps[2])[0]
    both = one._replace(outcomes={"a": Outcome.OK, "b": Outcome.OK})
    (found,) = allowed.judge(both)
    assert found.found == "a ok, b ok; total=1 free=0 rsvd=0 surp=0"
    assert "the nearest of 2" in str(found.expected)
    assert allowed.step(4, parse_scn(ONE_PAGE, "test.scn").steps[3]) == []
    assert allowed.judge(both) == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("pool 2M nr=1\na mmap x 1 private fails=1\n", "fault injection"),
        (ONE_PAGE.replace("together", "together switch=a"), "chooses the order"),
        (ONE_PAGE.replace("b touch y 0", "b fork c"), "fork cannot be made"),
    ],
)
def test_the_host_refuses_before_its_pool_is_touched(text: str, why: str) -> None:
    """A scenario that the host cannot carry out is refused without its pool, and says where it can be run.

    Catches: a pool that is resized for a scenario whose third step is then refused.
    """
    host = HostKernel()
    with pytest.raises(UnsupportedError, match=why):
        host.admit(parse_scn(text, "test.scn"))
    assert host._claim is None


@pytest.mark.guest
def test_calls_of_two_processes_meet_in_a_guest(guests: Callable[[str], GuestKernel]) -> None:
    """Two faults for one page are answered as one of the two orders, and one page comes back at the end.

    Catches: calls that never start, answers under another process's name, a guest without a second CPU.
    """
    kernel = guests("6.12")
    *steps, ending = play_often(parse_scn(ONE_PAGE, "test.scn"), kernel, 3)
    met = steps[2]
    assert not isinstance(met, Ending)
    assert isinstance(ending, Ending)
    assert set(met.chances or {}) <= {"a ok, b SIGBUS", "a SIGBUS, b ok"}
    assert sum((met.chances or {}).values()) == 3
    assert not any(result.contradictions for result in (*steps, ending))
    with pytest.raises(UnsupportedError, match="has no fault injection"):
        kernel.admit(parse_scn("pool 2M nr=1\na mmap x 1 private fails=1\n", "test.scn"))
