"""A guest's memory, read after every step, against the model of its kernel and against what the kernel is known for."""

import json
import os
import subprocess
import sys
from collections import Counter
from contextlib import nullcontext, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from hugeresv.auditing.audit import audit_target
from hugeresv.auditing.steps import auditor
from hugeresv.cli.verbs import carry_out
from hugeresv.errors import HugeresvError, UnavailableError
from hugeresv.invariants.check import check
from hugeresv.kernels.grammar import parse_behaviour
from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.kernels.guest.session import GuestSession
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.protocol import Kernel
from hugeresv.ledger.machine import observe_machine
from hugeresv.model.presets import IDEAL
from hugeresv.play.insight import Insight, Seer, model_insight
from hugeresv.play.play import Ending, StepResult, play
from hugeresv.scenario import operation as ops
from tests.kernels.conftest import pool, settle
from tests.played import SCENARIOS, scenario_in

TEACHING = sorted(SCENARIOS.glob("*.scn"))
MOUNTS_AND_CGROUPS = [
    SCENARIOS / "behaviours" / f"{name}.scn" for name in ("min-size", "cgroup-rsvd", "mremap", "shared-quota-at-fault")
]


def ledger(insight: Insight | None) -> object:
    """Everything of a machine but addresses and process IDs.

    The model takes a file on the mount without limits for a memfd, which holds its pages just as well.
    """
    assert insight is not None
    machine = insight.machine()
    seen = observe_machine(machine)
    holders = Counter((h.kind.replace("memfd", "file"), h.reserved, h.used, h.cgroup) for h in seen.holders)
    violated = [violation.name for violation in check(machine, insight.name)]
    return seen.pools, holders, set(seen.mounts), set(seen.cgroups), violated


@pytest.mark.parametrize("path", [*TEACHING, *MOUNTS_AND_CGROUPS], ids=lambda path: path.stem)
def test_what_is_read_is_what_the_model_has(guest: GuestKernel, seer: Seer, path: Path) -> None:
    """After every step a guest's memory reads as the machine that the model has.

    Catches: a layout that is read wrongly: a map, a page table, a page cache, a limit, a charge that is another's.
    """
    scenario = scenario_in(path)
    model = ModelKernel(parse_behaviour(guest.expectation_names[-2]))
    with model.start(scenario.pool, scenario.cgroups) as known, guest.start(scenario.pool, scenario.cgroups) as read:
        of_model, of_guest = model_insight(known), seer(read)
        for number, step in enumerate(scenario.steps, 1):
            known.apply(step.operation)
            read.apply(step.operation)
            assert ledger(of_guest) == ledger(of_model), f"after step {number}, {step.operation}"


def test_a_true_ledger_stays_true_to_the_end(guest: GuestKernel, seer: Seer) -> None:
    """A run with an audit after every step and at the end finds a true ledger where it is true.

    Catches: an audit that is not made, or that takes what is the guest's own for something left behind.
    """
    *steps, end = play(scenario_in(SCENARIOS / "split-middle.scn"), guest, audit=seer)
    assert isinstance(end, Ending)
    assert [step.seen for step in steps if isinstance(step, StepResult)] == [((), [])] * 7
    assert list(end.violations) == []


@pytest.mark.parametrize("name", ["split-middle", "fork", "consumption", "shared-reuse"])
def test_pictures_are_those_of_the_model(guest: GuestKernel, seer: Seer, name: str) -> None:
    """Pictures drawn from a guest's memory are those of the model.

    Catches: a promise that is drawn in another page's place, or where there is none; a promise drawn as unknown.
    """
    scenario = scenario_in(SCENARIOS / f"{name}.scn")
    model = ModelKernel(parse_behaviour(guest.expectation_names[-2]))
    real = list(play(scenario, guest, show=True, audit=seer))
    modelled = list(play(scenario, model, show=True))
    assert len(real) == len(modelled)
    for on_guest, on_model in zip(real, modelled, strict=True):
        if isinstance(on_guest, StepResult) and isinstance(on_model, StepResult):
            assert _drawn(on_guest) == _drawn(on_model), on_guest.number


def _drawn(result: StepResult) -> list[object]:
    assert result.seen is not None
    return [(picture.proc, picture.map, picture.runs) for picture in result.seen.pictures]


def test_a_violation_has_the_scenarios_names(guest: GuestKernel, seer: Seer) -> None:
    """A violation found in memory names process, mapping and mount as the scenario does.

    Catches: the process, mapping and mount of a message under names that nobody has given them.
    """
    with guest.start(pool(10)) as session:
        settle(session, [ops.Mount("m", size_pages=4, min_size_pages=2), *moved_in_part()])
        insight = seer(session)
        assert insight is not None
        (violation,) = check(insight.machine(), insight.name)
    assert "resv_huge_pages is 6, but the promises add up to 3 (+3)" in violation.message
    assert "+1 private mapping db.b pages [1,2)" in violation.message
    assert "+2 minimum of mount 'm'" in violation.message


def moved_in_part() -> list[ops.Operation]:
    """Six pages, of which 0 and 2 are touched; 2 and 3 move: 3 promises are lost (docs/kernel/remap.md#e12b)."""
    return [
        ops.Mmap("db", "a", "private", pages=6),
        ops.Touch("db", "a", "write", page=0),
        ops.Touch("db", "a", "write", page=2),
        ops.Fork("db", "child"),
        ops.Mremap("db", "a", page=2, pages=2, new_pages=2, move_to="b"),
    ]


def test_a_partial_mremap_is_named(guest: GuestKernel) -> None:
    """The audit names the process and range that lost reservations by a partial mremap.

    Catches: a lost reservation that is nobody's, is the child's, or has pages that were taken.
    """
    with guest.start(pool(10)) as session:
        settle(session, moved_in_part())
        audit = audit_target(session.memory.path)
        pid, start = session.pids["db"], session.names.mapping("db", "a").start
    huge = 2 << 20
    page_size, _ = audit.page_sizes
    assert not audit.true
    assert (page_size.page_size_kB, page_size.resv, page_size.promised) == (2048, 4, 1)
    assert [(lost.process, lost.ranges, lost.certain) for lost in page_size.lost] == [
        ((pid, "init"), ((start + huge, start + 2 * huge),), True),
        ((pid, "init"), ((start + 4 * huge, start + 6 * huge),), True),
    ]
    assert [row.reserved_pages for row in audit.status.unexplained] == [3, 0]


def test_a_childs_copy_has_not_lost_it_again(guest: GuestKernel) -> None:
    """A child of fork is not counted as having lost its parent's reservations.

    Catches: with the part that moved gone, a child that is counted beside its parent: 3 reservations are lost, not 7.
    """
    with guest.start(pool(10)) as session:
        settle(session, [*moved_in_part(), ops.Munmap("db", "b", page=0, pages=2)])
        audit = audit_target(session.memory.path)
        pid = session.pids["db"]
    page_size, _ = audit.page_sizes
    assert [(lost.process.pid, lost.pages, lost.certain) for lost in page_size.lost] == [
        (pid, 1, False),
        (pid, 2, False),
    ]


def test_kinds_names_and_openers(guest: GuestKernel) -> None:
    """Each holder in memory has its kind, its name and the processes that have it open.

    Catches: a holder of the wrong kind; a file that only a descriptor keeps, a segment that nobody has attached.
    """
    with guest.start(pool(16)) as session:
        settle(
            session,
            [
                ops.Mount("m", size_pages=4),
                ops.OpenFile("f", "m"),
                ops.Memfd("open"),
                ops.Fallocate("db", "open", mode="alloc", page=0, pages=2),
                ops.Mmap("db", "a", "shared", pages=3, file="f"),
                ops.Touch("db", "a", "write", page=1),
                ops.Shmget("db", "s", pages=2),
                ops.Mmap("db", "b", "shared", pages=1),
            ],
        )
        audit = audit_target(session.memory.path)
        pid = session.pids["db"]
    found = {
        (h.kind, h.reserved.best, h.used.best, pid in [p.pid for p in h.processes])
        for h in audit.status.observation.holders
    }
    assert audit.true
    assert found == {
        ("file", 2, 1, True),
        ("memfd", 0, 2, False),
        ("sysv", 2, 0, False),
        ("shared-anonymous", 1, 0, True),
    }


@pytest.mark.parametrize("form", ["elf", "kdump-zlib"])
def test_dumps_as_qemu_writes_them(guest: GuestKernel, tmp_path: Path, form: str) -> None:
    """Each form of dump that QEMU writes is read as the memory itself.

    Catches: a dump without VMCOREINFO, in the flattened form, with a header in which the kernel has no name.
    """
    dump = tmp_path / "dump"
    with guest.start(pool(10)) as session:
        settle(session, moved_in_part())
        write_dump(session, dump, form)
    audit = audit_target(dump)
    dump.unlink()
    assert [(each.resv, each.promised) for each in audit.page_sizes] == [(4, 1), (0, 0)]
    assert sum(lost.pages for lost in audit.page_sizes[0].lost) == 3


def write_dump(session: GuestSession, path: Path, form: str) -> None:
    """Have QEMU write one."""
    session._guest.command("dump-guest-memory", paging=False, protocol=f"file:{path}", format=form)


def test_memory_that_is_cut_off(guest: GuestKernel, tmp_path: Path) -> None:
    """Memory that is cut off is an error of ours, unless all that is read lies before the cut.

    Catches: a traceback out of a part of a memory.
    """
    part = tmp_path / "ram"
    with guest.start(pool(4)) as session:
        memory = session.memory
        part.write_bytes(memory.path.read_bytes()[: memory.size_bytes // 4])
    with suppress(HugeresvError):
        assert audit_target(part).true
    os.truncate(part, memory.size_bytes // 64)
    with pytest.raises(HugeresvError, match=r"cannot be read|not known|does not say|has no VMCOREINFO"):
        audit_target(part)


def test_what_a_program_reads(guest: GuestKernel) -> None:
    """`audit --json` has the keys that docs/audit.md documents, and exits with 1 for a ledger that is not true.

    Catches: a key that docs/audit.md promises and JSON does not have; an exit status that says nothing.
    """
    with guest.start(pool(10)) as session:
        settle(session, moved_in_part())
        command = [sys.executable, "-m", "hugeresv", "audit", "--json", str(session.memory.path)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    document = json.loads(ran.stdout)
    assert (ran.returncode, ran.stderr) == (1, "")
    assert (document["schema"], document["true"], document["status"]["schema"]) == (
        "hugeresv-audit/1",
        False,
        "hugeresv-status/1",
    )
    of_2m = document["page_sizes"][0]
    assert {key: of_2m[key] for key in ("page_size_kB", "resv", "promised")} == {
        "page_size_kB": 2048,
        "resv": 4,
        "promised": 1,
    }
    assert [lost["pages"] for lost in of_2m["lost"]] == [1, 2]
    assert [violation["name"] for violation in of_2m["violations"]] == ["I1"]


def test_the_hosts_pool_is_not_audited() -> None:
    """`--audit` on the host is refused, with the kernels that it works on.

    Catches: leaks of others taken for the scenario's.
    """
    with pytest.raises(UnavailableError, match="guest:NAME"):
        auditor(cast(Kernel, SimpleNamespace(name="host")))


def test_an_untrue_ledger_fails_a_run_unless_the_release_is_known_for_it(
    guest: GuestKernel, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`run --audit` ends with 0 where a kernel breaks what its model breaks, and with 1 where the model keeps it.

    Catches: an audit that says what is wrong and exits with 0.
    """
    monkeypatch.setattr("hugeresv.cli.run.open_kernel", lambda _: nullcontext(guest))
    leaks = str(SCENARIOS / "history" / "H71-mremap-of-a-part.scn")
    assert carry_out(["run", "--audit", "--on", guest.name, leaks]) == 0
    monkeypatch.setattr(GuestKernel, "behaviour", IDEAL)
    assert carry_out(["run", "--audit", "--on", guest.name, leaks]) == 1
    assert "1 with an untrue ledger" in capsys.readouterr().out
