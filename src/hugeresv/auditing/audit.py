"""The audit of a kernel's memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hugeresv.auditing.drgn import require_drgn
from hugeresv.auditing.reach import NodeReach, reaches
from hugeresv.holders.host import Identity, Status, now
from hugeresv.holders.warning import warnings_of
from hugeresv.invariants.check import check
from hugeresv.invariants.violation import Violation
from hugeresv.ledger.census import Census
from hugeresv.ledger.lost import LostReservation, lost_reservations
from hugeresv.ledger.machine import Identities, observe_machine
from hugeresv.ledger.promise import Promise
from hugeresv.ledger.reconcile import unexplained
from hugeresv.model.hstate import HState
from hugeresv.model.machine import Machine


@dataclass(frozen=True, slots=True)
class PageSizeAudit:
    """One page size: what is counted as reserved against what is promised, in pages."""

    page_size_kB: int
    resv: int
    promises: Sequence[Promise]
    violations: Sequence[Violation]
    lost: Sequence[LostReservation]

    @property
    def promised(self) -> int:
        """What resv_huge_pages should be."""
        return sum(promise.pages for promise in self.promises)


@dataclass(frozen=True, slots=True)
class Audit:
    """All page sizes, and the ledger in which every number is exact."""

    status: Status
    page_sizes: Sequence[PageSizeAudit]
    hstates: Sequence[HState]
    reaches: Sequence[NodeReach]
    """Of processes and mappings, where there are several NUMA nodes; `hstates` has the nodes' pages."""

    @property
    def true(self) -> bool:
        """Whether every invariant holds."""
        return not any(audit.violations for audit in self.page_sizes)


def audit_target(path: Path | None, symbols: Path | None = None, vmlinux: Path | None = None) -> Audit:
    """Audit what `path` has, None for this kernel; see `sources.drgn.target`.

    Raises InputError and UnavailableError, the latter also where drgn is not installed.
    """
    require_drgn()
    from hugeresv.sources.drgn.target import open_target
    from hugeresv.sources.drgn.walk import read_machine

    kernel = open_target(path, symbols, vmlinux)
    reading = read_machine(kernel)
    return audit_machine(kernel.host, kernel.release, reading.machine, reading.identities)


def audit_machine(host: str, release: str, machine: Machine, identities: Identities) -> Audit:
    """Judge the machine that a kernel is."""
    observation = observe_machine(machine, identities)
    rest = unexplained(observation)
    status = Status(Identity(host, release, "", now()), observation, rest, warnings_of(observation, rest))
    lost = lost_reservations(machine, identities.ancestors)
    page_sizes = [_page_size(machine, hstate, lost) for hstate in machine.hstates]
    return Audit(status, page_sizes, machine.hstates, list(reaches(machine, identities)))


def _page_size(machine: Machine, hstate: HState, lost: Sequence[LostReservation]) -> PageSizeAudit:
    return PageSizeAudit(
        hstate.page_bytes >> 10,
        hstate.resv_huge_pages,
        Census(machine, of=hstate).promises,
        check(machine, of=hstate),
        [each for each in lost if each.vma.page_shift == hstate.page_shift],
    )
