"""Cgroups on the host: charges as [usage, rsvd] in pages."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from hugeresv.errors import ScenarioError
from hugeresv.kernels.host.kernel import HostKernel
from hugeresv.kernels.protocol import Session
from hugeresv.scenario.operation import (
    CgroupMove,
    CgroupRmdir,
    CgroupSet,
    CloseFile,
    Exit,
    Fallocate,
    Ftruncate,
    Mmap,
    Munmap,
    OpenFile,
    Operation,
    Touch,
)
from hugeresv.scenario.scenario import Cgroup
from tests.kernels.conftest import pool, settle


def charges(session: Session, steps: Sequence[tuple[Operation, list[int]]], cgroup: str = "g") -> None:
    """Play steps that succeed, and compare what a cgroup is charged after each."""
    played = []
    for operation, _ in steps:
        answer = session.apply(operation)
        assert answer.outcome == "ok", operation
        assert answer.cgroups is not None
        played.append((operation, list(answer.cgroups[cgroup])))
    assert played == list(steps)


def test_a_private_mapping_is_charged_as_a_whole(host: HostKernel) -> None:
    """A touch charges usage, munmap takes both back by what it covered."""
    with host.start(pool(8), {"g": Cgroup()}) as session:
        charges(
            session,
            [
                (CgroupMove("p", "g"), [0, 0]),
                (Mmap("p", "a", "private", pages=4), [0, 4]),
                (Touch("p", "a", "write", 0), [1, 4]),
                (Touch("p", "a", "write", 1), [2, 4]),
                (Munmap("p", "a", 0, 1), [1, 3]),
                (Munmap("p", "a", 2, 2), [1, 1]),
                (Munmap("p", "a", 1, 1), [0, 0]),
                (Mmap("p", "n", "private", pages=1, noreserve=True), [0, 0]),
                (Touch("p", "n", "write", 0), [1, 1]),
            ],
        )


def test_a_shared_mapping_is_charged_by_region(host: HostKernel) -> None:
    """Charges follow the file's regions, not the mappings; a punched page loses both, a reserved hole none."""
    with host.start(pool(8), {"g": Cgroup()}) as session:
        settle(session, [CgroupMove("p", "g"), OpenFile("f")])
        charges(
            session,
            [
                (Mmap("p", "a", "shared", pages=3, file="f"), [0, 3]),
                (Mmap("p", "b", "shared", pages=3, file="f", offset=2), [0, 5]),
                (Touch("p", "a", "write", 0), [1, 5]),
                (Touch("p", "a", "write", 1), [2, 5]),
                (Fallocate("p", "f", 0, 1, mode="punch"), [1, 4]),
                (Fallocate("p", "f", 4, 1, mode="punch"), [1, 4]),
                (Touch("p", "a", "write", 0), [2, 5]),
                (Munmap("p", "b", 0, 3), [2, 5]),
                (Ftruncate("p", "f", pages=1), [1, 1]),
                (Exit("p"), [1, 1]),
                (CloseFile("f"), [0, 0]),
            ],
        )


def test_limits(host: HostKernel) -> None:
    """rsvd.max refuses mmap, max raises SIGBUS; both limits of the start, and those set later, are in pages."""
    with host.start(pool(8), {"g": Cgroup(max_pages=1, rsvd_max_pages=2)}) as session:
        settle(session, [CgroupMove("p", "g")])
        assert session.apply(Mmap("p", "a", "private", pages=3)).outcome == "ENOMEM"
        settle(session, [Mmap("p", "a", "private", pages=2), Touch("p", "a", "write", 0)])
        assert session.apply(Touch("p", "a", "write", 1)).outcome == "SIGBUS"
        settle(session, [CgroupSet("g", max_pages=2, rsvd_max_pages=3), Touch("p", "a", "write", 1)])
        assert session.apply(Mmap("p", "b", "private", pages=2)).outcome == "ENOMEM"
        settle(session, [Mmap("p", "b", "private", pages=1)])


def test_charges_are_hierarchical(host: HostKernel) -> None:
    """A child's pages count in its parent, and the parent's limit binds the child."""
    with host.start(pool(8), {"top": Cgroup(max_pages=2), "g": Cgroup(parent="top")}) as session:
        settle(session, [CgroupMove("p", "g"), Mmap("p", "a", "private", pages=3)])
        charges(session, [(Touch("p", "a", "write", 0), [1, 3]), (Touch("p", "a", "write", 1), [2, 3])], cgroup="top")
        assert session.apply(Touch("p", "a", "write", 2)).outcome == "SIGBUS"


def test_cgroups_go_with_their_session(host: HostKernel) -> None:
    """Children first; one that stayed would stay until the kernel is closed."""
    with host.start(pool(1), {"top": Cgroup(), "g": Cgroup(parent="top")}) as session:
        settle(session, [CgroupMove("p", "g")])
    assert [*Path("/sys/fs/cgroup").glob("hugeresv-*/*-*"), *Path("/sys/fs/cgroup").glob("*/hugeresv-*/*-*")] == []


def test_a_cgroup_goes_and_its_charge_stays(host: HostKernel) -> None:
    """A moved process charges faults to its new cgroup; the old one may go with a reservation outstanding."""
    with host.start(pool(8), {"old": Cgroup(), "new": Cgroup()}) as session:
        settle(session, [CgroupMove("p", "old"), Mmap("p", "a", "private", pages=2)])
        assert session.apply(CgroupRmdir("old")).outcome == "EBUSY"
        settle(session, [CgroupMove("p", "new")])
        answer = session.apply(Touch("p", "a", "write"))
        assert answer.cgroups == {"old": (0, 2), "new": (1, 0)}
        assert session.apply(CgroupRmdir("old")).cgroups == {"new": (1, 0)}
        with pytest.raises(ScenarioError, match="no cgroup 'old'"):
            session.apply(CgroupMove("p", "old"))


def test_a_scenario_without_cgroups_shows_none(host: HostKernel) -> None:
    """None, not an empty table: reports leave the key out."""
    with host.start(pool(1)) as session:
        assert session.apply(Exit("p")).cgroups is None
