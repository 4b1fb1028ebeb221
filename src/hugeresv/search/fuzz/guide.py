"""What a scenario is drawn for: who answers it, and the model that says which names are bound and which steps hang."""

from __future__ import annotations

from dataclasses import replace

from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.protocol import Kernel
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.presets import LINUX_6_18
from hugeresv.outcome import Outcome
from hugeresv.play.play import play
from hugeresv.scenario.scenario import Scenario
from hugeresv.search.fuzz.draw import Answering


def answering_of(*kernels: Kernel) -> Answering:
    """Who answers what is drawn for these."""
    if "host" in {kernel.name for kernel in kernels}:
        return Answering.HOST
    return Answering.GUEST if any(kernel.real for kernel in kernels) else Answering.MODELS


def guide_for(left: Kernel, *, real: bool) -> Behaviour:
    """The left kernel's own rules where it is a model.

    With a real kernel beside it a step must not hang, so the guide knows of every way to hang.
    """
    behaviour = left.behaviour if isinstance(left, ModelKernel) else LINUX_6_18
    return replace(behaviour, steal_at_owner_address=True, mremap_waits_for_itself=True) if real else behaviour


def hangs(scenario: Scenario, guide: Behaviour) -> bool:
    """Whether a step of it hangs under the guide."""
    results = play(scenario, ModelKernel(guide))
    return any(result.answer.outcome is Outcome.HANG for result in results)
