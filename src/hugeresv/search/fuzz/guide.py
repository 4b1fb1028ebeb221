"""The model that says, while a scenario is drawn, which names are bound and which steps would hang."""

from __future__ import annotations

from dataclasses import replace

from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.protocol import Kernel
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.presets import LINUX_6_18
from hugeresv.outcome import Outcome
from hugeresv.play.play import play
from hugeresv.scenario.scenario import Scenario


def guide_for(left: Kernel, *, real: bool) -> Behaviour:
    """The left kernel's own rules where it is a model.

    With a real kernel beside it a step must not hang, so the guide knows of every way to hang.
    """
    behaviour = left.behaviour if isinstance(left, ModelKernel) else LINUX_6_18
    return replace(behaviour, steal_at_owner_address=True) if real else behaviour


def hangs(scenario: Scenario, guide: Behaviour) -> bool:
    """Whether a step of it hangs under the guide."""
    results = play(scenario, ModelKernel(guide))
    return any(result.answer.outcome is Outcome.HANG for result in results)
