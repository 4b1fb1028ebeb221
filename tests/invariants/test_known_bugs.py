"""Known bugs of kernels are violations, each of those invariants that it breaks, and gone with its one switch."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from hugeresv.invariants.check import check
from hugeresv.invariants.ending import check_end
from hugeresv.invariants.violation import Violation
from hugeresv.kernels.model.session import ModelSession
from hugeresv.lab import Actor, start
from hugeresv.model.behaviour import Behaviour
from hugeresv.model.presets import IDEAL, PRESETS
from hugeresv.scenario import operation as op
from hugeresv.scenario.scenario import Cgroup

p, q, c = Actor("p"), Actor("q"), Actor("c")

SPLIT = [p.mmap("a", 10), p.write("a", 0), p.write("a", 1), p.write("a", 2), p.munmap("a", 5, 1)]
H24 = [op.OpenFile("f"), p.shared("a", 2, file="f"), q.noreserve("b", 2, "shared", file="f"), q.write("b", 0)]
H35 = [op.OpenFile("f"), p.shared("a", 2, file="f"), p.ftruncate("f", 0), p.ftruncate("f", 2), p.write("a", 0)]
H38 = [
    op.OpenFile("f"), p.mmap("a", 2, file="f"), p.write("a", 0), p.ftruncate("f", 0), p.ftruncate("f", 2),
    p.write("a", 0),
]  # fmt: skip
H71 = [p.into("g"), p.mmap("a", 6), p.move("a", 2, 2, "m")]
H71_ENDED = [*H71, p.exit()]
H93 = [op.Mount("m", None, 3), op.OpenFile("f", "m"), p.noreserve("a", 4, file="f"), p.write("a", 0)]
H94 = [
    op.Mount("m", None, 4), op.OpenFile("f", "m"), p.shared("a", 3, file="f"), p.shared("b", 20, file="f"),
]  # fmt: skip
H104 = [p.mmap("a", 2), p.write("a", 0), p.write("a", 1), p.fork("c"), p.exit()]
H104_DONTNEED = [p.mmap("a", 2), p.write("a", 0), p.write("a", 1), p.fork("c"), p.dontneed("a", 0, 2)]
H104_PROMISED = [op.SetNrHugepages(4), *H104, q.mmap("y", 2), q.mmap("z", 2)]
H105 = [
    q.mmap("elsewhere", 4), op.Mount("m", 8, 4), op.OpenFile("f", "m"), p.shared("a", 8, file="f"),
]  # fmt: skip
H105_UNMOUNTED = [*H105, op.CloseFile("f"), op.Umount("m")]
H110 = [
    op.SetNrHugepages(0), op.Mount("m", 4), op.OpenFile("f", "m"), p.noreserve("a", 2, "shared", file="f"),
    p.write("a", 0),
]  # fmt: skip
SURPLUS_AND_MINIMUM = [
    op.Mount("m", 7, 4), op.OpenFile("f", "m"), p.fallocate("f", 2, 3), q.noreserve("a", 2, populate=True),
    op.SetNrHugepages(5), op.CloseFile("f"),
]  # fmt: skip

BUGS = [
    ("H08", "count-in-vma", "reservation_tracking", SPLIT, "I1"),
    ("H24", "2008", "noreserve_never_consumes", H24, "I1"),
    ("H35", "2008", "shared_always_consumes", H35, "I1 I2"),
    ("H38", "2008", "owner_always_consumes", H38, "I1"),
    ("H71", "6.18", "partial_mremap_drops_map", H71, "I1 I9"),
    ("H71", "6.18", "partial_mremap_drops_map", H71_ENDED, "I1 I9 I11"),
    ("H93", "6.12", "reserve_use", H93, "I1"),
    ("H94", "6.12", "reserve_rollback", H94, "I1 I20"),
    ("H104", "6.18", "zap_restore", H104, "I1 I2"),
    ("H104", "6.18", "zap_restore", H104_DONTNEED, "I1"),
    ("H104", "6.18", "zap_restore", H104_PROMISED, "I1 I8"),
    ("H105", "6.18", "reserve_rollback", H105, "I7"),
    ("H105", "6.18", "reserve_rollback", H105_UNMOUNTED, "I1"),
    ("H110", "6.18", "fault_rollback", H110, "I6"),
    ("surplus takes a promised page", "6.18", "surplus_takes_promised_page", SURPLUS_AND_MINIMUM, "I2 I8"),
]
"""Name, kernel, switch, history, invariants that it breaks."""


def violations(behaviour: Behaviour, history: Sequence[op.Operation]) -> list[Violation]:
    """What the invariants say at the end of a history; I11 too where nothing is left."""
    session = start(behaviour, 10, cgroups={"g": Cgroup()})
    for operation in history:
        session.apply(operation)
    found = check(session.machine)
    return found + (check_end(session.machine) if _is_empty(session) else [])


def _is_empty(session: ModelSession) -> bool:
    machine = session.machine
    return not (machine.processes or machine.files or machine.segments or machine.mounts)


@pytest.mark.parametrize(("bug", "on", "switch", "history", "broken"), BUGS)
def test_a_bug_breaks_its_invariants(bug: str, on: str, switch: str, history: list[op.Operation], broken: str) -> None:
    """A known bug violates exactly the invariants listed, and none once its switch is as in ideal.

    Catches: an invariant that does not see the bug it is there for, or a switch that is not the whole of it.
    """
    behaviour = PRESETS[on]
    found = violations(behaviour, history)
    assert " ".join(dict.fromkeys(v.name for v in found)) == broken, "\n".join(map(str, found))
    mended = replace(behaviour, **{switch: getattr(IDEAL, switch)})
    assert violations(mended, history) == []
