"""A behaviour of the model, as a kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hugeresv.kernels.model.session import ModelSession
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.release import preset_names
from hugeresv.scenario.scenario import Cgroup, Pool, Scenario


@dataclass(frozen=True, slots=True)
class ModelKernel:
    """Runs scenarios under one behaviour."""

    behaviour: Behaviour

    @property
    def name(self) -> str:
        """The behaviour's name."""
        return self.behaviour.name

    @property
    def expectation_names(self) -> tuple[str, ...]:
        """The behaviour's name, after that of its series where it has the name of a stable release."""
        return preset_names(self.behaviour.name)

    @property
    def real(self) -> bool:
        """A model hangs nothing."""
        return False

    @property
    def nodes(self) -> int:
        """As many as a scenario wants."""
        return 1

    def admit(self, scenario: Scenario) -> None:
        """A model carries out everything."""

    def start(
        self, pool: Pool, cgroups: Mapping[str, Cgroup] | None = None, pools: Sequence[Pool] = ()
    ) -> ModelSession:
        """A fresh machine."""
        return ModelSession(self.behaviour, pool, cgroups, pools)

    def close(self) -> None:
        """A model takes nothing of this machine."""
