"""The check of a kernel: what is a finding, what is the same one, and what becomes of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import hugeresv
from hugeresv.answer import Answer, KernelReport
from hugeresv.kernels.grammar import parse_behaviour
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.model.session import ModelSession
from hugeresv.outcome import Outcome
from hugeresv.play.insight import model_insight
from hugeresv.reports.check_formats import to_json, to_junit, to_tap
from hugeresv.reports.finding_folder import ANSWERS, LOG, PAGE, PROGRAM, REPEAT, SCENARIO, FindingFolders
from hugeresv.scenario.load import load
from hugeresv.scenario.operation import Fork, Operation
from hugeresv.scenario.scenario import Cgroup, Pool, Scenario
from hugeresv.scenario.scn_format import parse_scn
from hugeresv.search.check.check import Check, Effort
from hugeresv.search.check.checked import Checked, CheckFinding, NoStore
from hugeresv.search.kinds import DifferenceKind

Answering = Callable[[Answer], Answer]

FORKS = "pool 2M nr=3\np mmap a 1 private\np touch a 0\np fork q\np munmap a 0\n"
PLAIN = "pool 2M nr=3\np mmap a 1 private\np munmap a 0\n"


def fails(name: str, change: Answering) -> ModelKernel:
    """A kernel that fails in a fork: it answers what `change` makes of its answer."""

    class Failing(ModelKernel):
        def start(
            self, pool: Pool, cgroups: Mapping[str, Cgroup] | None = None, pools: Sequence[Pool] = ()
        ) -> ModelSession:
            session = super().start(pool, cgroups, pools)
            apply = session.apply

            def applied(operation: Operation, *, may_hang: bool = False, fails: int | None = None) -> Answer:
                answer = apply(operation, may_hang=may_hang)
                return change(answer) if isinstance(operation, Fork) else answer

            session.apply = applied  # type: ignore[method-assign]
            return session

    return Failing(parse_behaviour(name))


def crash(answer: Answer) -> Answer:
    return answer._replace(outcome=Outcome.CRASH, report=KernelReport("BUG: planted", "[ 1.0] BUG: planted\n"))


FAILURES: dict[DifferenceKind, Answering] = {
    DifferenceKind.CRASH: crash,
    DifferenceKind.HANG: lambda answer: answer._replace(outcome=Outcome.HANG),
    DifferenceKind.REPORT: lambda answer: answer._replace(
        report=KernelReport("WARNING: planted", "WARNING: planted\n")
    ),
    DifferenceKind.ANSWER: lambda answer: answer._replace(outcome=Outcome.ENOMEM),
}


def checked(kernel: ModelKernel, base: str, *texts: str, out: Path | None = None, findings: int = 5) -> Checked:
    beside = ModelKernel(parse_behaviour(base))
    store = FindingFolders(out, kernel, beside) if out else NoStore()
    scenarios: Iterator[tuple[str, Scenario]] = ((f"s{i}", parse_scn(text, "s.scn")) for i, text in enumerate(texts))
    audits = (model_insight, model_insight)
    return Check(kernel, beside, audits, Effort(0, findings), store, lambda _: None).run(scenarios)


@pytest.mark.parametrize("kind", FAILURES)
def test_each_failure_is_a_finding_of_its_kind(kind: DifferenceKind) -> None:
    """A fork that crashes, hangs, warns or answers something else is one finding, shortened to the fork.

    Catches: a failure that counts as nothing, and a shortening that ends at another one.
    """
    found = checked(fails("6.18", FAILURES[kind]), "6.18", PLAIN, FORKS, FORKS)
    assert [finding.kind for finding in found.findings] == [kind]
    (finding,) = found.findings
    assert [step.operation.op for step in finding.scenario.steps] == ["fork"]
    assert (finding.name, finding.also, finding.short) == ("s1", ["s2"], True)
    assert [case.finding for case in found.cases] == [None, finding, finding]


def test_a_release_that_hangs_is_a_finding() -> None:
    """A process whose end never returns is a hang at the end, and what is still there then is no violation.

    Catches: an audit of the end that takes what a stuck kernel has left for a bug of hugeresv.
    """

    class Stuck(ModelKernel):
        def start(
            self, pool: Pool, cgroups: Mapping[str, Cgroup] | None = None, pools: Sequence[Pool] = ()
        ) -> ModelSession:
            session = super().start(pool, cgroups, pools)
            session.release = lambda: session._answer(Outcome.HANG)  # type: ignore[method-assign]
            return session

    (finding,) = checked(Stuck(parse_behaviour("6.18")), "6.18", FORKS).findings
    assert (finding.kind, finding.divergence.step) == (DifferenceKind.HANG, None)


def test_a_ledger_that_only_the_kernel_breaks_is_a_finding() -> None:
    """6.18 breaks its ledger where `ideal` does not, and is clean beside itself.

    Catches: a stock kernel that is accused of its known bugs.
    """
    wraps = FORKS.replace("p munmap a 0", "p exit")
    assert checked(ModelKernel(parse_behaviour("6.18")), "ideal", wraps).findings
    assert checked(ModelKernel(parse_behaviour("6.18")), "6.18", wraps).clean


def test_everything_of_a_finding_is_kept(tmp_path: Path) -> None:
    """The folder has the short scenario, which expects the base's answers, the program, the log and the answers.

    Catches: a finding that cannot be repeated from its folder.
    """
    (finding,) = checked(fails("6.18", crash), "6.18", FORKS, out=tmp_path).findings
    folder = tmp_path / "finding-1"
    assert {path.name for path in folder.iterdir()} == {SCENARIO, PROGRAM, LOG, ANSWERS, REPEAT, PAGE}
    assert f'"part":{finding.divergence.number}' in (folder / PAGE).read_text()
    assert load(folder / SCENARIO)[0].steps == finding.scenario.steps
    assert finding.scenario.steps[0].expect is not None
    assert (folder / LOG).read_text() == "[ 1.0] BUG: planted\n"
    assert "! its log" in (folder / ANSWERS).read_text()
    assert f"--time 0 {folder / SCENARIO}" in (folder / REPEAT).read_text()


def test_a_finding_is_on_disk_before_it_is_short(tmp_path: Path) -> None:
    """It is kept when seen and when confirmed, with all its steps, and when short. Catches: one that a kill loses."""
    kept: list[tuple[str, bool, int]] = []

    class Store(NoStore):
        def put(self, finding: CheckFinding) -> None:
            kept.append(("put", finding.confirmed, len(finding.scenario.steps)))

        def drop(self, finding: CheckFinding) -> None:
            kept.append(("drop", finding.confirmed, len(finding.scenario.steps)))

    kernel, base = fails("6.18", crash), ModelKernel(parse_behaviour("6.18"))
    Check(kernel, base, None, Effort(0), Store(), lambda _: None).run([("forks", parse_scn(FORKS, "s.scn"))])
    assert kept == [("put", False, 3), ("put", True, 3), ("drop", False, 3), ("put", True, 1)]


def test_formats_for_programs_say_the_same(tmp_path: Path) -> None:
    """TAP, JUnit's XML and JSON have a case for each scenario, and the finding where it was shown.

    Catches: a format that lacks a case, or calls a finding a success.
    """
    impossible = PLAIN.replace("p munmap a 0", "p munmap b 0")
    found = checked(fails("6.18", crash), "6.18", PLAIN, FORKS, impossible)
    tap = to_tap(found).split("\n")
    assert tap[:4] == ["TAP version 13", "1..3", "ok 1 - s0", "not ok 2 - s1"]
    assert tap[-2].startswith("ok 3 - s2 # SKIP step 2: ")
    suite = ET.fromstring(to_junit(found))  # noqa: S314  our own
    assert [(case.get("name"), [child.tag for child in case]) for case in suite] == [
        ("s0", []), ("s1", ["failure"]), ("s2", ["skipped"]),
    ]  # fmt: skip
    assert '"kind": "crash"' in to_json(found, None)


def test_random_scenarios_find_what_no_scenario_shows() -> None:
    """A difference of one switch is found with no scenario at all. Catches: a campaign that is not run."""
    found = hugeresv.check("6.18,zap-restore=never", PLAIN, base="6.18", seconds=60, findings=1)
    assert (len(found.findings), found.complete) == (1, False)


def test_findings_that_shrink_to_the_same_steps_are_one() -> None:
    """A fork that answers ENOMEM first shows in other counters after a touch. Catches: one bug that is told twice."""
    found = checked(fails("6.18", FAILURES[DifferenceKind.ANSWER]), "6.18", FORKS, "pool 2M nr=3\nq fork p\n")
    assert [(finding.name, finding.also) for finding in found.findings] == [("s0", ["s1"])]
