"""What random histories reach: an invariant that always holds says little where nothing ever happens."""

from collections import Counter
from random import Random

from hugeresv.model.presets import IDEAL
from hugeresv.scenario.scenario import Pool
from hugeresv.search.fuzz.draw import THEMES
from hugeresv.search.fuzz.states import STATES, reached
from tests.machines import History, play, start

IMPOSSIBLE = {"rsvd below zero", "rsvd above free"}
"""States that only a defect leads to."""


def test_every_interesting_state_is_reached() -> None:
    """500 random histories reach every state that an invariant is about, and use every operation.

    Catches: histories that mostly fail, or never get as far as a stolen page, a hole, or a minimum that is used up.
    """
    random = Random(0)
    seen: Counter[str] = Counter()
    operations: set[str] = set()
    for _ in range(500):
        session = start(IDEAL, Pool(2048, random.choice([2, 4, 6, 8]), random.choice([0, 0, 1, 3])))
        for operation, answer in play(session, History(random.choice(list(THEMES)), 50, random)):
            seen.update(reached(session.machine))
            if answer.outcome == "ok":
                operations.add(operation.op)
    assert set(STATES) - set(seen) == IMPOSSIBLE
    assert operations == {kind for theme in THEMES.values() for kind in theme}
