"""The ledger with every known defect off keeps every invariant, whatever is done to it."""

from hypothesis import given, note, settings

from hugeresv.invariants.check import check
from hugeresv.invariants.ending import check_end
from hugeresv.invariants.steps import check_step, levels
from hugeresv.model.presets import IDEAL
from hugeresv.outcome import Outcome
from hugeresv.scenario.scenario import Pool
from tests.invariants.touching import check_by_touching
from tests.machines import History, histories, play, pools, start


@settings(max_examples=300)
@given(pools, histories)
def test_nothing_makes_ideal_violate_an_invariant(pool: Pool, history: History) -> None:
    """On ideal no history violates an invariant.

    Catches: any rule of the model that takes, gives or promises a page without the ledger's knowing.
    """
    session = start(IDEAL, pool)
    before = levels(session.machine)
    for operation, answer in play(session, history):
        note(f"{operation} -> {answer.outcome} {tuple(answer.counters)}")
        assert answer.outcome is not Outcome.HANG
        after = levels(session.machine)
        assert not check_step(operation, before, after)
        assert not check(session.machine)
        assert not check_by_touching(session.machine)
        before = after
    session.release()
    assert not check(session.machine)
    assert not check_end(session.machine)
