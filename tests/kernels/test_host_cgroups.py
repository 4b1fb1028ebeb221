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
    """A mapping charges rsvd by its length and usage by its touches; munmap takes both back by what it covered.

    Catches: a file of the other limit read in its place.
    """
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
    """Charges follow the file's regions, not the mappings.

    Catches: a punched page that keeps its charge, or a munmap that ends one.
    """
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
    """rsvd.max refuses mmap and max raises SIGBUS, at the start and when set later, in pages.

    Catches: limits that are exchanged or given in bytes.
    """
    with host.start(pool(8), {"g": Cgroup(max_pages=1, rsvd_max_pages=2)}) as session:
        settle(session, [CgroupMove("p", "g")])
        assert session.apply(Mmap("p", "a", "private", pages=3)).outcome == "ENOMEM"
        settle(session, [Mmap("p", "a", "private", pages=2), Touch("p", "a", "write", 0)])
        assert session.apply(Touch("p", "a", "write", 1)).outcome == "SIGBUS"
        settle(session, [CgroupSet("g", max_pages=2, rsvd_max_pages=3), Touch("p", "a", "write", 1)])
        assert session.apply(Mmap("p", "b", "private", pages=2)).outcome == "ENOMEM"
        settle(session, [Mmap("p", "b", "private", pages=1)])


def test_charges_are_hierarchical(host: HostKernel) -> None:
    """A child's pages count in its parent, and the parent's limit binds the child.

    Catches: cgroups that are made side by side.
    """
    with host.start(pool(8), {"top": Cgroup(max_pages=2), "g": Cgroup(parent="top")}) as session:
        settle(session, [CgroupMove("p", "g"), Mmap("p", "a", "private", pages=3)])
        charges(session, [(Touch("p", "a", "write", 0), [1, 3]), (Touch("p", "a", "write", 1), [2, 3])], cgroup="top")
        assert session.apply(Touch("p", "a", "write", 2)).outcome == "SIGBUS"


def test_cgroups_go_with_their_session(host: HostKernel) -> None:
    """After a session none of its cgroups is left. Catches: a parent that is removed before its child, and so stays."""
    with host.start(pool(1), {"top": Cgroup(), "g": Cgroup(parent="top")}) as session:
        settle(session, [CgroupMove("p", "g")])
    assert [*Path("/sys/fs/cgroup").glob("hugeresv-*/*-*"), *Path("/sys/fs/cgroup").glob("*/hugeresv-*/*-*")] == []


def test_a_cgroup_goes_and_its_charge_stays(host: HostKernel) -> None:
    """A moved process charges faults to its new cgroup, and the old one may be removed with a reservation outstanding.

    Catches: a removal that waits for the charge.
    """
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
    """Without cgroups an answer has None for them. Catches: an empty table, which reports would print."""
    with host.start(pool(1)) as session:
        assert session.apply(Exit("p")).cgroups is None
