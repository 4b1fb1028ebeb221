"""What random histories reach: an invariant that always holds says little where nothing ever happens."""

from collections import Counter
from random import Random

from hugeresv.model.presets import IDEAL
from hugeresv.scenario.scenario import Pool
from hugeresv.search.fuzz.states import STATES, reached
from tests.machines import THEMES, Move, play, start

IMPOSSIBLE = {"rsvd below zero", "rsvd above free"}
"""States that only a defect leads to."""


def _moves(random: Random) -> list[Move]:
    """As Hypothesis draws them, from a plain source of numbers."""
    theme = random.choice(THEMES)
    kinds = random.choices(list(theme), list(theme.values()), k=50)
    return [(kind, [random.choice([0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7]) for _ in range(8)]) for kind in kinds]


def test_every_interesting_state_is_reached() -> None:
    """Moves that mostly fail, or never get as far as a stolen page, a hole, or a minimum that is used up."""
    random = Random(0)
    seen: Counter[str] = Counter()
    operations: set[str] = set()
    for _ in range(500):
        session = start(IDEAL, Pool(2048, random.choice([2, 4, 6, 8]), random.choice([0, 0, 1, 3])))
        for operation, answer in play(session, _moves(random)):
            seen += reached(session.machine)
            if answer.outcome == "ok":
                operations.add(operation.op)
    assert set(STATES) - set(seen) == IMPOSSIBLE
    assert operations == {kind for theme in THEMES for kind in theme}
