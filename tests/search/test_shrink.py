"""Scenarios are made as simple as they can be while they still show what they were found for."""

from hugeresv.scenario.operation import Mmap, Operation, Touch
from hugeresv.scenario.scenario import Cgroup, Pool, Scenario, Step
from hugeresv.search.fuzz.shrink import shrink

POOL = Pool(2048, 20)


def shrunk(*operations: Operation, needed: type[Operation], pool: Pool = POOL) -> Scenario:
    """What is left of a scenario of which an operation of one kind is needed."""
    scenario = Scenario(pool, tuple(map(Step, operations)), cgroups={"g": Cgroup()})
    return shrink(scenario, lambda candidate: any(isinstance(step.operation, needed) for step in candidate.steps))


def test_a_number_becomes_the_smallest_that_will_do() -> None:
    """A page is 0 if any page will do. Catches: numbers that end at 1, or that are not tried at all."""
    found = shrunk(Mmap("p", "m", "private", pages=9), Touch("p", "m", "write", page=7), needed=Touch)
    assert [step.operation for step in found.steps] == [Touch("p", "m", "write", page=0)]


def test_a_number_that_matters_stays() -> None:
    """Page 2 is needed, page 3 and more are not. Catches: a number that is made smaller than what still shows it."""

    def shows(candidate: Scenario) -> bool:
        return any(isinstance(step.operation, Touch) and (step.operation.page or 0) > 1 for step in candidate.steps)

    scenario = Scenario(Pool(2048, 3), (Step(Touch("p", "m", "write", page=9)),))
    assert [step.operation for step in shrink(scenario, shows).steps] == [Touch("p", "m", "write", page=2)]


def test_what_is_optional_is_left_out() -> None:
    """Options, cgroups, overcommit and pages of the pool go where nothing needs them.

    Catches: a finding whose noise somebody has to tell from what matters.
    """
    found = shrunk(Mmap("p", "m", "private", pages=4, populate=True), needed=Mmap, pool=Pool(2048, 20, 3))
    assert found == Scenario(Pool(2048, 0), (Step(Mmap("p", "m", "private", pages=0)),))


def test_no_single_step_could_be_left_out() -> None:
    """Of five steps the second and fourth are needed. Catches: single steps that are kept where runs were left out."""

    def shows(candidate: Scenario) -> bool:
        pages = [step.operation.page for step in candidate.steps if isinstance(step.operation, Touch)]
        return {1, 3} <= set(pages)

    scenario = Scenario(Pool(2048, 0), tuple(Step(Touch("p", "m", "write", page)) for page in range(5)))
    assert [step.operation for step in shrink(scenario, shows).steps] == [
        Touch("p", "m", "write", page) for page in (1, 3)
    ]
