"""What counts as seen again: rare is not the same as spurious."""

from collections.abc import Iterator, Mapping, Sequence

import pytest

from hugeresv.answer import Answer, Counters, KernelReport
from hugeresv.kernels.grammar import parse_behaviour
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.model.session import ModelSession
from hugeresv.outcome import Outcome
from hugeresv.scenario.scenario import Cgroup, Pool
from hugeresv.scenario.scn_format import parse_scn
from hugeresv.search.confirm import confirm
from hugeresv.search.lockstep import Divergence

SCENARIO = parse_scn("pool 2M nr=1\np mmap a 1 private\n", "s.scn")
BOOT = "[ 0.1] HugeTLB: registered 2.00 MiB page size, pre-allocated 0 pages in hugetlb_init+0x1/0x2\n"
OOPS = "[ 9.0] Oops: double fault: 0000 [#1] SMP\n[ 9.0] RIP: 0010:{}+0x3c4/0x600\n[ 9.0]  create_worker+0x65/0x200\n"
FINE = Answer(Outcome.OK, Counters(1, 1, 1, 0))


class Real(ModelKernel):
    """Stands for a guest: what it shows may be the emulator's fault."""

    @property
    def real(self) -> bool:
        return True


def crashed(function: str | None) -> Divergence:
    """The right kernel dies, in that function; or the answers differ."""
    if function is None:
        return Divergence(1, SCENARIO.steps[0], FINE, FINE._replace(outcome=Outcome.ENOMEM))
    report = KernelReport("Oops: double fault", BOOT + OOPS.format(function))
    return Divergence(1, SCENARIO.steps[0], FINE, FINE._replace(outcome=Outcome.CRASH, report=report))


HUGETLB, OTHER, ANSWERS = "region_del", "__kmalloc_cache_node_noprof", None

RUNS: dict[str, tuple[str | None, Sequence[bool], tuple[int, int], bool]] = {
    # what differs, whether each further run shows it, in how many of how many runs it was seen, whether it is confirmed
    "an answer": (ANSWERS, [True], (2, 2), True),
    "a crash in hugetlb": (HUGETLB, [True], (2, 2), True),
    "a crash elsewhere, also after a new boot": (OTHER, [True, True], (3, 3), True),
    "a crash elsewhere, after this boot only": (OTHER, [True, False, False, False, False], (2, 6), False),
    "a rare crash in hugetlb": (HUGETLB, [False, False, False, True], (2, 5), True),
    "a rare answer": (ANSWERS, [False, False, True], (2, 4), True),
    "never again": (HUGETLB, [False] * 5, (1, 6), False),
}


@pytest.mark.parametrize("case", RUNS)
def test_what_comes_again_is_confirmed(case: str) -> None:
    """What is not of hugetlb must come again after a new boot; what is rare has several runs to come again.

    Catches: a crash of the emulator's told as the patch's, a race that one run does not show thrown away, a boot's
    message about huge pages taken for a function in a trace.
    """
    function, shown, sightings, confirmed = RUNS[case]
    runs: Iterator[bool] = iter(shown)
    kernel = Real(parse_behaviour("6.18"))
    base = ModelKernel(parse_behaviour("6.18"))
    found = confirm(crashed(function), SCENARIO, base, kernel, lambda: crashed(function) if next(runs) else None)
    assert (found.sightings, found.divergence is not None, found.why_not == "") == (sightings, confirmed, confirmed)
    assert list(runs) == []


def test_what_a_real_base_prints_too_is_no_news() -> None:
    """A crash outside hugetlb that the base has in one of its runs is not the kernel's. Catches: a base never asked."""

    class Breaks(Real):
        def start(
            self, pool: Pool, cgroups: Mapping[str, Cgroup] | None = None, pools: Sequence[Pool] = ()
        ) -> ModelSession:
            session = super().start(pool, cgroups, pools)
            session.apply = lambda *_, **__: crashed(OTHER).right  # type: ignore[method-assign]
            return session

    behaviour = parse_behaviour("6.18")
    kernel, look = Real(behaviour), lambda: crashed(OTHER)
    assert confirm(crashed(OTHER), SCENARIO, Real(behaviour), kernel, look).divergence is not None
    found = confirm(crashed(OTHER), SCENARIO, Breaks(behaviour), kernel, look)
    assert (found.divergence, found.why_not) == (None, "6.18 prints the same against itself")
