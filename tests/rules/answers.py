"""What the model that is imported answers: a line a scenario, to be compared with another model's.

    python -m tests.rules.answers BEHAVIOUR STEPS

First come the scenarios of the project, which show every switch; then random ones. Their steps are drawn while the
model runs them: a model that answers differently is soon asked something else.
"""

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from hugeresv.errors import InputError
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.presets import PRESETS
from hugeresv.outcome import Outcome
from hugeresv.scenario.load import load
from hugeresv.scenario.scenario import Scenario
from hugeresv.search.fuzz.draw import Answering
from hugeresv.search.fuzz.generate import Coverage, draw

SCENARIOS = Path(__file__).parents[2] / "scenarios"
LENGTH = 40
"""Steps of a random scenario."""


def answers(name: str, steps: int) -> Iterator[str]:
    """A line for every scenario file, then for random scenarios until there are as many steps."""
    behaviour = PRESETS[name]
    for path in sorted(SCENARIOS.rglob("*.scn")):
        for scenario in load(path):
            yield f"{path.stem} {_digest(scenario, behaviour)}"
    number = done = 0
    while done < steps:
        number += 1
        scenario = draw(f"rules:{number}", LENGTH, behaviour, Coverage(), answering=Answering.MODELS).scenario
        done += len(scenario.steps)
        yield f"{number} {_digest(scenario, behaviour)}"


def _digest(scenario: Scenario, behaviour: Behaviour) -> str:
    return hashlib.sha256("\n".join(_told(scenario, ModelKernel(behaviour))).encode()).hexdigest()[:16]


def _told(scenario: Scenario, kernel: ModelKernel) -> Iterator[str]:
    with kernel.start(scenario.pool, scenario.cgroups, scenario.pools or ()) as session:
        for step in scenario.steps:
            try:
                answer = session.apply(step.operation)
            except InputError as error:  # a mount, say, that this kernel has refused
                yield str(error)
                return
            yield f"{step.operation} {answer}"
            if answer.outcome is Outcome.HANG:
                return
        yield str(session.release())


if __name__ == "__main__":
    for line in answers(sys.argv[1], int(sys.argv[2])):
        sys.stdout.write(f"{line}\n")
