"""What must hold on a kernel, and what contradicts it."""

from hugeresv.answer import Answer, CgroupUsage, Counters, NodeCounters, PoolAnswer, Statfs
from hugeresv.outcome import Outcome
from hugeresv.scenario.expectation import contradictions, expected, leaks_for, observed
from hugeresv.scenario.operation import Exit
from hugeresv.scenario.scenario import CgroupPages, Expectation, Pool, Scenario, StatfsPages, Step
from hugeresv.scenario.scn_format import parse_scn

ANSWER = Answer(
    Outcome.SIGBUS,
    Counters(total=16, free=3, rsvd=-1, surp=0),
    cgroups={"web": CgroupUsage(usage=4, rsvd=6)},
    statfs={"data": Statfs(blocks=8, bfree=2, bavail=2)},
)


def step(expect: Expectation | None = None, **on: Expectation) -> Step:
    return Step(Exit("p"), expect=expect, expect_on=on or None)


def told(expectation: Expectation) -> list[str]:
    return [str(contradiction) for contradiction in contradictions(expectation, ANSWER)]


def test_only_the_overridden_key_changes() -> None:
    """What `expect_on` gives replaces those keys of `expect`, and no others.

    Catches: `expect_on` replacing `expect` as a whole: the keys that it leaves out would not be checked any more.
    """
    base = Expectation(outcome=Outcome.OK, free=3, cgroups={"web": CgroupPages(1, 2), "db": CgroupPages(3, 4)})
    over = Expectation(free=5, cgroups={"web": CgroupPages(rsvd=9)}, statfs={"data": StatfsPages(bfree=1)})
    merged = Expectation(
        outcome=Outcome.OK,
        free=5,
        cgroups={"web": CgroupPages(1, 9), "db": CgroupPages(3, 4)},
        statfs={"data": StatfsPages(bfree=1)},
    )
    assert expected(step(base, k=over), ["other", "k"]) == merged
    assert expected(step(base, k=over), ["other"]) == base


def test_the_last_name_of_a_kernel_decides() -> None:
    """Of several names of a kernel, the last in the kernel's order decides.

    Catches: names applied in the order of the file instead of the kernel's.
    """
    both = step(None, b=Expectation(rsvd=1), a=Expectation(rsvd=2, free=2))
    assert expected(both, ["a", "b"]) == Expectation(rsvd=1, free=2)
    assert expected(both, ["b", "a"]) == Expectation(rsvd=2, free=2)


def test_zero_and_negative_are_expectations() -> None:
    """An expected 0 or negative number is checked.

    Catches: a truth test where `is None` is meant: an expected 0 that nobody checks, or that overrides nothing.
    """
    assert told(Expectation(total=0)) == ["total is 16, expected 0"]
    assert told(Expectation(rsvd=-1, surp=0)) == []
    assert expected(step(Expectation(rsvd=5), k=Expectation(rsvd=0)), ["k"]) == Expectation(rsvd=0)


def test_every_counter_is_compared_with_its_own() -> None:
    """Each expected number is compared with the answer's own.

    Catches: two counters exchanged, or one that is never compared.
    """
    wrong = Expectation(
        Outcome.OK, 1, 2, 3, 4, cgroups={"web": CgroupPages(5, 7)}, statfs={"data": StatfsPages(1, 3, 4)}
    )
    assert told(wrong) == [
        "outcome is SIGBUS, expected ok",
        "total is 16, expected 1",
        "free is 3, expected 2",
        "rsvd is -1, expected 3",
        "surp is 0, expected 4",
        "web.usage is 4, expected 5",
        "web.rsvd is 6, expected 7",
        "data.blocks is 8, expected 1",
        "data.bfree is 2, expected 3",
        "data.bavail is 2, expected 4",
    ]


def test_what_the_answer_does_not_have_is_a_contradiction() -> None:
    """An expectation of a cgroup or mount that the answer does not have is a contradiction.

    Catches: an expectation about a cgroup or mount that is gone, and so passes unseen.
    """
    gone = Expectation(cgroups={"gone": CgroupPages()}, statfs={"away": StatfsPages(bfree=0)})
    assert told(gone) == ["gone is not there, expected a cgroup", "away is not there, expected a mount"]
    bare = Answer(Outcome.OK, Counters(1, 1, 0, 0))
    assert len(contradictions(gone, bare)) == 2


def test_an_answer_fulfils_what_was_observed_of_it() -> None:
    """What was observed of an answer is fulfilled by that answer, and leaves nothing out.

    Catches: a recorded expectation that its own run contradicts, or that leaves something out.
    """
    assert contradictions(observed(ANSWER), ANSWER) == []
    assert observed(ANSWER).statfs == {"data": StatfsPages(8, 2, 2)}
    assert observed(Answer(Outcome.OK, Counters(1, 1, 0, 0))) == Expectation(Outcome.OK, 1, 1, 0, 0)


def test_leaks_by_kernel_and_for_all() -> None:
    """Expected leaks are for all kernels, or by kernel; without them 0 is expected.

    Catches: a leak of one kernel expected of all, or a number given for all that is taken for none.
    """

    def leaks(value: int | dict[str, int] | None, *names: str) -> int:
        return leaks_for(Scenario(Pool(2048, 4), (), leaks_rsvd=value), names)

    assert leaks(None, "6.18") == 0
    assert leaks(-2, "ideal") == -2
    assert leaks({"6.18": 3, "host": 0}, "6.18") == 3
    assert leaks({"6.18": 3, "host": 0}, "6.18", "host") == 0
    assert leaks({"6.18": 3}, "ideal") == 0


def test_counters_of_nodes_and_of_further_pools_are_expected_too() -> None:
    """`page_size` says whose counters a line means. Catches: the first pool's counters compared with another's."""
    (node, other), counters = (NodeCounters(2, 1, 0), NodeCounters(1, 1, 1)), Counters(3, 2, 1, 1)
    gigantic = PoolAnswer(Counters(1, 0, 0, 0), (NodeCounters(1, 0, 0), NodeCounters(0, 0, 0)))
    answer = Answer(Outcome.OK, counters, nodes=(node, other), pools={1 << 20: gigantic})

    def said(words: str) -> list[str]:
        (step,) = parse_scn(f"pool 2M nr=1+0\npool 1G nr=0\np exit -> {words}\n", "f.scn").steps
        return list(map(str, contradictions(step.expect or Expectation(), answer)))

    assert said("total=3 nodes=2/1/0,1/1/1 1G.free=0 1G.nodes=1/0/0,0/0/0") == []
    assert said("page_size=1G total=1 free=0 nodes=1/0/0,0/0/0") == []
    assert said("page_size=2M total=3") == []
    assert said("nodes=2/2/0,1/1/1 1G.free=1") == [
        "nodes is 2/1/0,1/1/1, expected 2/2/0,1/1/1",
        "1048576.free is 0, expected 1",
    ]
    assert said("page_size=1G total=3") == ["total is 1, expected 3"]
    assert said("64K.free=1") == ["64 is not there, expected a pool"]
