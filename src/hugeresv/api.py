"""What `import hugeresv` gives: the verbs of the command line as functions, and what they return.

Every function raises `InputError` for what is wrong in its arguments, and `UnavailableError` for what cannot be done in
this place: no privilege, no huge pages, no such kernel. A call that a kernel refuses is neither: that is an `Outcome`.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import closing, nullcontext
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from hugeresv.answer import Answer
from hugeresv.errors import InputError
from hugeresv.invariants.violation import Violation
from hugeresv.kernels.grammar import is_real, parse_kernel
from hugeresv.kernels.protocol import Kernel
from hugeresv.outcome import Outcome
from hugeresv.plain import count_of
from hugeresv.play.play import Ending, Result, StepResult, play
from hugeresv.scenario.expectation import Contradiction
from hugeresv.scenario.load import load
from hugeresv.scenario.packaged import located
from hugeresv.scenario.scenario import Scenario

if TYPE_CHECKING:
    from hugeresv.auditing.audit import Audit
    from hugeresv.fitting.forecast import Forecast
    from hugeresv.holders.host import Status
    from hugeresv.search.check.checked import Checked
    from hugeresv.search.explore.result import Exploration
    from hugeresv.search.fuzz.campaign import Tally
    from hugeresv.search.interleave.interleave import Orders as Interleaved
    from hugeresv.search.lockstep import Pair

Source = str | Path | Scenario
"""A scenario: a value, its text as `.scn` or JSON (a str with a line break or a brace), the path of a file, or the name
of one that comes with hugeresv."""

_PAGE_COLUMNS = 100


def parse(text: str) -> Scenario:
    r"""A scenario from its text, `.scn` or JSON. Raises InputError with the line and what was expected there.

    >>> parse("pool 2M nr=4\np mmap a 2 private").pool.nr_hugepages
    4
    """
    if text.lstrip().startswith("{"):
        from hugeresv.scenario.json_format import parse_json

        return parse_json(text, "scenario.json")
    from hugeresv.scenario.scn_format import parse_scn

    return parse_scn(text, "scenario.scn")


class RunStep(NamedTuple):
    """One step of a run: what it was, what the kernel answered, and what is wrong with that.

    Counters are pages; `rsvd` is signed: -1 is what a kernel prints as 18446744073709551615.
    """

    number: int
    operation: str
    answer: Answer
    contradictions: tuple[Contradiction, ...]
    violations: tuple[Violation, ...]

    @property
    def outcome(self) -> Outcome:
        """`ok`, the name of an errno, SIGBUS, SIGSEGV, HANG or CRASH."""
        return self.answer.outcome

    @property
    def total(self) -> int:
        """nr_hugepages."""
        return self.answer.counters.total

    @property
    def free(self) -> int:
        """free_hugepages."""
        return self.answer.counters.free

    @property
    def rsvd(self) -> int:
        """resv_hugepages."""
        return self.answer.counters.rsvd

    @property
    def surp(self) -> int:
        """surplus_hugepages."""
        return self.answer.counters.surp


class Run(Sequence[RunStep]):
    """A scenario's run on a kernel: its steps, and what is left when everything is gone. It prints and draws itself."""

    def __init__(self, kernel: Kernel, scenario: Scenario, results: Sequence[Result]) -> None:
        self.kernel = kernel.name
        self.scenario = scenario
        self._kernel = kernel
        self._results = results
        self._steps = [_step(result) for result in results if isinstance(result, StepResult)]
        self._ending = next((result for result in results if isinstance(result, Ending)), None)

    @overload
    def __getitem__(self, index: int) -> RunStep: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[RunStep]: ...

    def __getitem__(self, index: int | slice) -> RunStep | Sequence[RunStep]:
        return self._steps[index]

    def __len__(self) -> int:
        return len(self._steps)

    @property
    def leaked(self) -> int | None:
        """Reservations that are counted when everything is gone; None where a step never returned."""
        return self._ending.answer.counters.rsvd if self._ending else None

    @property
    def violations(self) -> list[Violation]:
        """Invariants that did not hold, in order; on the host, whose memory is not read, none is known."""
        return [*chain(*(step.violations for step in self)), *(self._ending.violations if self._ending else ())]

    @property
    def contradictions(self) -> list[Contradiction]:
        """What was not as the scenario expects of this kernel."""
        return [*chain(*(step.contradictions for step in self)), *(self._ending.contradictions if self._ending else ())]

    @property
    def ok(self) -> bool:
        """Whether everything was as expected and, as far as it is known, no invariant was violated."""
        return not self.contradictions and not self.violations

    def __str__(self) -> str:
        from hugeresv.reports.run import RunReport
        from hugeresv.reports.screen import Screen

        stream = io.StringIO()
        name = self.scenario.id or "scenario"
        report = RunReport(Screen(stream, _PAGE_COLUMNS, colour=False, unicode=True), self._kernel)
        report.scenario(name, name, self.scenario)
        for result in self._results:
            report.result(result)
        return stream.getvalue()

    def __repr__(self) -> str:
        return f"<Run of {count_of(len(self), 'step')} on {self.kernel}: {'ok' if self.ok else 'not ok'}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: on a model the page of `run --html`, for which it is run once more, else the text."""
        from html import escape

        from hugeresv.kernels.model.kernel import ModelKernel

        if not isinstance(self._kernel, ModelKernel):
            return f'<pre style="line-height: 1.25">{escape(str(self))}</pre>'
        from hugeresv.play.film import filmed
        from hugeresv.reports.html.films import described
        from hugeresv.reports.html.page import films_page

        name = self.scenario.id or "scenario"
        run = described(name, self.scenario, [filmed(self.scenario, self._kernel)], self.kernel)
        page = escape(films_page(self.scenario.title or name, [run]))
        title = escape(f"{name} on {self.kernel}")
        style = "width: 100%; height: 44rem; border: 0"
        frame = f'<iframe title="{title}" sandbox="allow-scripts" style="{style}" srcdoc="{page}"></iframe>'
        # ASCII: the page lets one script run, by its digest, and a notebook that is saved need not name its encoding.
        return frame.encode("ascii", "xmlcharrefreplace").decode()


def run(kernel: str | Kernel, scenario: Source, *, audit: bool = False) -> Run:
    r"""Run a scenario from a fresh start, with pictures and, on a model, with every invariant checked after each step.

    `kernel` is a name as the command line has it (`6.18`, `6.18,zap-restore=never`, `host`, `guest:6.12`) or a kernel.
    `audit`: read a guest's memory, so that invariants are checked there too.

    >>> forked = run("6.18", "pool 2M nr=1\np mmap a 1 private\np touch a 0\np fork q\np exit")
    >>> forked[-1].rsvd, forked.violations[0].name
    (-1, 'I1')
    """
    with _opened(kernel) as opened:
        seer = None
        if audit:
            from hugeresv.auditing.steps import auditor

            seer = auditor(opened)
        found = _scenario(scenario)
        return Run(opened, found, list(play(found, opened, show=True, audit=seer)))


def compare(left: str | Kernel, right: str | Kernel, scenario: Source) -> Pair | None:
    r"""The first step at which two kernels answer differently, with both answers; None where they never do.

    >>> compare("count-in-vma", "2008", "pool 2M nr=3\np mmap a 3 private\np munmap a 1\np munmap a 0").number
    2
    """
    from hugeresv.search.lockstep import first_difference

    with _opened(left) as first, _opened(right) as second:
        return first_difference(_scenario(scenario), first, second)


def fuzz(
    left: str,
    right: str | None = None,
    *,
    seed: str = "0",
    length: int = 40,
    scenarios: int | None = None,
    steps: int | None = None,
    seconds: float | None = None,
    findings: int = 1,
    together: bool = False,
) -> Tally:
    """Run random scenarios on two kernels until a limit is reached; without one, 1000 scenarios.

    `length`: most steps of one scenario. `findings`: stop after so many differences, each shrunk to a short scenario.
    `together`: each scenario ends with concurrent calls; on `left` alone, a model, a wrong order of them is a finding.
    Raises InputError without `right` for anything else.

    >>> tally = fuzz("ideal", "ideal", scenarios=3)
    >>> tally.scenarios, tally.findings
    (3, [])
    """
    from hugeresv.search.fuzz.campaign import Budget, Draws
    from hugeresv.search.fuzz.campaign import fuzz as campaign

    unlimited = scenarios is None and steps is None and seconds is None
    budget = Budget(1000 if unlimited else scenarios, steps, seconds, findings)
    if right is None and (not together or is_real(left)):
        raise InputError(f"{left}: name a second kernel; one alone, a model, is for together=True")
    return campaign(left, right, Draws(seed, length, together=together), budget, lambda _tally, _seconds: None)


def explore(kernel: str, other: str | None = None, **bound: Any) -> Exploration:
    """Every history within a bound on a behaviour of the model: the shortest that breaks an invariant, if there is one.

    With `other`, the shortest history on which the two answer differently. `bound`: `pool`, `pages`, `shared`,
    `processes`, `operations` and the other fields of `hugeresv.search.explore.bound.Bound`. See docs/explore.md.

    >>> explore("6.18", pages=2).finding.operations
    4
    """
    from hugeresv.search.explore.bound import Bound
    from hugeresv.search.explore.explore import search

    return search([kernel] if other is None else [kernel, other], Bound(**bound)).run()


def interleave(kernel: str, scenario: Source, *, preemptions: int | None = None) -> list[Interleaved]:
    r"""Every order of the concurrent calls of a scenario, on a behaviour of the model: what each block gave.

    `preemptions`: only orders with at most so many. `finding` of a block is the order that is wrong, or None. Raises
    InputError for a scenario without concurrent calls, or another kernel. See docs/explore.md.

    >>> text = "pool 2M nr=0 overcommit=2\ntogether\na mmap x 2 private\nb mmap y 2 private\napart"
    >>> [block] = interleave("ideal", text)
    >>> block.finding.violations[0].name, block.finding.switch
    ('SERIAL', ('a@hugetlb_lock#3', 'b@hugetlb_lock#4'))
    """
    from hugeresv.kernels.model.kernel import ModelKernel
    from hugeresv.search.interleave.interleave import interleave as search

    with closing(parse_kernel(kernel)) as on:
        if not isinstance(on, ModelKernel):
            raise InputError(f"{kernel}: orders of calls are tried on the model alone; name a behaviour, such as 6.18")
        return search(_scenario(scenario), on, preemptions=preemptions)


def check(
    kernel: str,
    *scenarios: Source,
    base: str | None = None,
    seconds: float = 60.0,
    seed: str = "0",
    findings: int = 5,
    audit: bool = True,
    out: str | Path | None = None,
) -> Checked:
    r"""Whether a kernel is right: all scenarios, or these, and random ones, beside `base` and audited after every step.

    `kernel` is a name, an image, or the source tree of a kernel that is built; without a `base` it is compared with the
    behaviour closest to its release. `seconds` are those of random scenarios. `out`: a directory for what is found. See
    docs/check.md.

    >>> wraps = "pool 2M nr=2\np mmap a 1 private\np touch a 0\np fork q\np exit"
    >>> [str(finding.kind) for finding in check("6.18", wraps, base="ideal", seconds=0).findings]
    ['answer']
    """
    from hugeresv.auditing.check import all_scenarios, opened_for_check
    from hugeresv.reports.finding_folder import FindingFolders
    from hugeresv.search.check.check import Check, Effort
    from hugeresv.search.check.checked import NoStore

    named = [(found.id or "scenario", found) for found in map(_scenario, scenarios)]
    with opened_for_check(kernel, base, audited=audit) as opened:
        store = NoStore() if out is None else FindingFolders(Path(out), opened.kernel, opened.base)
        effort = Effort(seconds, findings, seed=seed)
        checking = Check(opened.kernel, opened.base, opened.audits, effort, store, lambda _checked: None)
        return checking.run(named or all_scenarios())


def status(
    *,
    page_bytes: int | None = None,
    pid: int | None = None,
    cgroup: str | None = None,
    proc: str = "/proc",
    sys: str = "/sys",
) -> Status:
    """Who holds a host's huge pages, reserved ones included, and what is wrong with its ledger: see docs/status.md.

    `page_bytes`, `pid` and `cgroup` select what is shown. `proc` and `sys`: copies of another host's.
    """
    from hugeresv.holders.host import Selection, status_of_host
    from hugeresv.holders.selection import existing

    selection = existing(Selection(page_bytes, pid, cgroup), proc, sys)
    return status_of_host(proc, sys, selection, lambda holder: (0, holder.name))


def fit(*sizes: str, pid: int | None = None, cgroup: str | None = None, mount: str | None = None) -> Forecast:
    """Whether mappings of these sizes would fit on this host now, where they would fail, and what makes them fit.

    A size is `64G`, `1.5G` or, in huge pages, `70p`. See docs/fit.md.
    """
    from hugeresv.fitting.forecast import forecast_on_host
    from hugeresv.fitting.situation import Query
    from hugeresv.units import parse_size

    if not sizes:
        raise InputError("fit needs a size, such as 64G")
    asked = tuple(map(parse_size, sizes))
    query = Query(asked, None, None, False, cgroup, mount, frozenset(), False, pid)
    return forecast_on_host("/proc", "/sys", query)


def audit(path: str | Path | None = None, *, symbols: str | Path | None = None) -> Audit:
    """Whether the ledger in a kernel's memory is true, and who lost what: a dump, a guest's memory, or this kernel.

    `symbols`: a System.map, where the memory does not say where things are. See docs/audit.md.
    """
    from hugeresv.auditing.audit import audit_target

    return audit_target(None if path is None else Path(path), None if symbols is None else Path(symbols))


def _opened(kernel: str | Kernel) -> closing[Kernel] | nullcontext[Kernel]:
    """A kernel by its name is closed afterwards; one that was given is its owner's."""
    return closing(parse_kernel(kernel)) if isinstance(kernel, str) else nullcontext(kernel)


def _scenario(source: Source) -> Scenario:
    if isinstance(source, Scenario):
        return source
    if isinstance(source, str) and ("\n" in source or "{" in source):
        return parse(source)
    found = load(located(Path(source)))
    if len(found) != 1:
        raise InputError(f"{source}: holds {count_of(len(found), 'scenario')}; give one")
    return found[0]


def _step(result: StepResult) -> RunStep:
    from hugeresv.reports.spelling import spell

    violations = tuple(result.seen.violations) if result.seen else ()
    operation = spell(result.step.operation)
    return RunStep(result.number, operation, result.answer, tuple(result.contradictions), violations)
