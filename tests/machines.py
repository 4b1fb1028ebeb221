"""Random histories of a model, drawn by the fuzzer's generator from choices that Hypothesis makes and shrinks."""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from hypothesis import strategies as st

from hugeresv.answer import Answer
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.model.session import ModelSession
from hugeresv.model.behaviour import Behaviour
from hugeresv.scenario.operation import Operation
from hugeresv.scenario.scenario import Cgroup, Pool
from hugeresv.search.fuzz.draw import THEMES, Draw

CGROUPS = {"top": Cgroup(4, 6), "in": Cgroup(3, None, "top"), "by": Cgroup(None, 4)}
"""A parent with a child, and one beside them."""


class History(NamedTuple):
    """A theme of the generator, how many operations, and where its choices come from."""

    theme: str
    steps: int
    random: Random

    def __repr__(self) -> str:
        return f"History({self.theme!r}, {self.steps})"


histories = st.builds(
    History,
    st.sampled_from(sorted(THEMES)),
    st.integers(0, 5).flatmap(lambda tens: st.integers(10 * tens, 10 * tens + 9)),
    st.randoms(use_true_random=False),
)
"""Up to 59 operations; whole numbers alone would mostly be small."""
pools = st.builds(Pool, st.just(2048), st.sampled_from([8, 6, 10, 4, 3, 2, 1, 0]), st.sampled_from([None, None, 1, 3]))


def start(behaviour: Behaviour, pool: Pool) -> ModelSession:
    """A fresh machine with `CGROUPS`."""
    return ModelKernel(behaviour).start(pool, CGROUPS)


def play(session: ModelSession, history: History, prefix: str = "") -> Iterator[tuple[Operation, Answer]]:
    """Draw and carry out operations one by one, each when its answer is asked for; a hang is the last.

    `prefix` begins the names of a history that goes on where another one stopped.
    """
    draw = Draw(history.random, history.theme, session.names, prefix)
    for _ in range(history.steps):
        if session.over:
            return
        operation = draw.operation()
        yield operation, session.apply(operation)
