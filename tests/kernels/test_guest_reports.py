"""What a kernel prints against itself becomes part of its answer, and a finding that is kept."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from hugeresv.calls.call import Call
from hugeresv.kernels.grammar import parse_kernel
from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.kernels.guest.report import report_line
from hugeresv.kernels.guest.session import GuestSession
from hugeresv.kernels.keeper import OfPath
from hugeresv.outcome import Outcome
from hugeresv.play.play import play
from hugeresv.scenario.load import load
from hugeresv.scenario.scenario import Cgroup, Pool
from hugeresv.scenario.scn_format import parse_scn
from hugeresv.search.fuzz.campaign import Draws, run_batch
from hugeresv.search.fuzz.kept import Kept

WARNING = """\
[    2.1] ------------[ cut here ]------------
[    2.134567] WARNING: CPU: 0 PID: 81 at mm/hugetlb.c:1023 resv_map_release+0xa2/0xb0
[    2.134600] CPU: 0 PID: 81 Comm: init Not tainted 6.1.0-56-cloud-amd64 #1
"""
OOPS = """\
[    2.1] BUG: kernel NULL pointer dereference, address: 0000000000000018
[    2.1] #PF: supervisor read access in kernel mode
[    2.1] Oops: 0000 [#1] PREEMPT SMP NOPTI
[    2.1] RIP: 0010:region_del+0x2a/0x1f0
"""


PRINTED = {
    WARNING: "WARNING: at mm/hugetlb.c resv_map_release",
    WARNING.replace("CPU: 0 PID: 81 at", "CPU: 1 PID: 7 at").replace("1023", "1040"): (
        "WARNING: at mm/hugetlb.c resv_map_release"
    ),
    OOPS: "BUG: kernel NULL pointer dereference, address: ADDRESS in region_del",
    "[    3.0][   T1] kernel BUG at mm/hugetlb.c:77!\n[ 3.0] RIP: 0010:free_huge_folio+0x1/0x2\n": (
        "kernel BUG at mm/hugetlb.c! in free_huge_folio"
    ),
    "[ 3.0] BUG: KASAN: slab-use-after-free in region_del+0x10/0x20\n": (
        "BUG: KASAN: slab-use-after-free in region_del"
    ),
    "[ 3.0] WARNING: possible circular locking dependency detected\n": (
        "WARNING: possible circular locking dependency detected"
    ),
    "[ 3.0] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [init:88]\n": "watchdog: BUG: soft lockup - stuck for !",
    "[ 3.0] PID 81 killed due to inadequate hugepage pool\n": None,
}


@pytest.mark.parametrize("printed", PRINTED)
def test_a_report_is_told_from_others_by_its_first_line(printed: str) -> None:
    """One bug has one line, whatever its time, processor, addresses and build.

    Catches: the same oops counted twice, and what a stock kernel prints taken for a bug.
    """
    assert report_line(printed) == PRINTED[printed]


class Breaking(GuestKernel):
    """A stock kernel that is made to fail in a fork, as `failure` says."""

    failure = b"c"
    path = "/proc/sysrq-trigger"

    def start(
        self, pool: Pool, cgroups: Mapping[str, Cgroup] | None = None, pools: Sequence[Pool] = ()
    ) -> GuestSession:
        session = super().start(pool, cgroups, pools)
        carry_out = session._carry_out

        def break_in_fork(call: Call, patience: float) -> tuple[Outcome, int]:
            if call.name == "fork":
                session._root.call("write", OfPath(self.path), self.failure, len(self.failure))
            return carry_out(call, patience)

        session._carry_out = break_in_fork  # type: ignore[method-assign]
        return session


class Warns(Breaking):
    """One that warns, and goes on."""

    failure = b"<4>WARNING: CPU: 0 PID: 1 at mm/planted.c:1 planted+0x1/0x2\n"
    path = "/dev/kmsg"


FORKS = parse_scn("pool 2M nr=2\np mmap a 2 private\np fork q\nq touch a 0\n", "forks.scn")


def test_a_crash_is_the_answer_of_its_step(guests: Callable[[str], GuestKernel]) -> None:
    """A kernel that panics answers CRASH, with what it has printed; the next start is a fresh kernel.

    Catches: a panic that ends the whole command, or that nobody can read.
    """
    guests("6.1")
    with Breaking("6.1") as kernel:
        for _ in range(2):
            *_, last = play(FORKS, kernel)
            assert last.answer.outcome is Outcome.CRASH
            assert last.answer.counters == (2, 2, 2, 0)
            assert last.answer.report is not None
            assert last.answer.report.line == "Kernel panic - not syncing: sysrq triggered crash"
            assert "Call Trace" in last.answer.report.log
            assert [found.key for found in last.contradictions] == ["the kernel's log"]


def test_a_warning_is_told_at_its_step_and_the_scenario_goes_on(guests: Callable[[str], GuestKernel]) -> None:
    """A WARN is wrong at the step that raises it, and not at the next one. Catches: a warning that is lost."""
    guests("6.1")
    with Warns("6.1") as kernel:
        lines = [result.answer.report and result.answer.report.line for result in play(FORKS, kernel)]
    assert lines == [None, "WARNING: at mm/planted.c planted", None, None]


def test_a_campaign_keeps_and_shrinks_a_crash(guests: Callable[[str], GuestKernel], tmp_path: Path) -> None:
    """A crash is shrunk by candidates of which many crash, and its log is beside it; the second one is the same.

    Catches: a shrinker that ends with the first guest that dies, and a crash that is reported again and again.
    """
    guests("6.1")
    keep = Kept(tmp_path, "found")
    with Breaking("6.1") as kernel:
        tally = run_batch(parse_kernel("6.1"), kernel, Draws("crash", 9), 6, keep)
    (finding,) = tally.findings
    assert tally.repeats >= 1
    assert [step.operation.op for step in finding.scenario.steps] == ["fork"]
    assert load(keep.scenario(finding))[0].steps == finding.scenario.steps
    assert "sysrq triggered crash" in keep.log(finding).read_text()
