"""The scenarios that teach are true on the kernel of this machine, whichever release it is."""

import pytest

from hugeresv.kernels.host.kernel import HostKernel
from hugeresv.play.play import play
from tests.played import SCENARIOS, scenario_in

FILES = {path.stem: path for path in sorted(SCENARIOS.glob("*.scn"))}


@pytest.mark.parametrize("name", FILES)
def test_it_is_true_here(host: HostKernel, name: str) -> None:
    """Each scenario at the top of scenarios/ is as expected on the kernel of this machine.

    Catches: a rule that the model and its author got wrong alike.
    """
    results = play(scenario_in(FILES[name]), host, show=True)
    assert [str(found) for result in results for found in result.contradictions] == []
