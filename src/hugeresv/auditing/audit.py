"""The audit of a kernel's memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hugeresv.auditing.drgn import require_drgn
from hugeresv.holders.host import Identity, Status, now
from hugeresv.holders.warning import warnings_of
from hugeresv.invariants.check import check
from hugeresv.invariants.violation import Violation
from hugeresv.ledger.census import Census
from hugeresv.ledger.lost import LostReservation, lost_reservations
from hugeresv.ledger.machine import Identities, observe_machine
from hugeresv.ledger.observation import Observation
from hugeresv.ledger.promise import Promise
from hugeresv.ledger.reconcile import unexplained
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
    from hugeresv.sources.drgn.walk import read_machines

    kernel = open_target(path, symbols, vmlinux)
    readings = [(reading.machine, reading.identities) for reading in read_machines(kernel)]
    return audit_machines(kernel.host, kernel.release, readings)


def audit_machines(host: str, release: str, readings: Sequence[tuple[Machine, Identities]]) -> Audit:
    """Judge machines, one for each page size of a kernel."""
    observations = [observe_machine(machine, identities) for machine, identities in readings]
    observation = Observation(
        tuple(pool for each in observations for pool in each.pools),
        tuple(holder for each in observations for holder in each.holders),
        tuple(mount for each in observations for mount in each.mounts),
        tuple(cgroup for each in observations for cgroup in each.cgroups),
    )
    rest = unexplained(observation)
    status = Status(Identity(host, release, "", now()), observation, rest, warnings_of(observation, rest))
    return Audit(status, [_page_size(*reading) for reading in readings])


def _page_size(machine: Machine, identities: Identities) -> PageSizeAudit:
    return PageSizeAudit(
        machine.hstate.page_bytes >> 10,
        machine.hstate.resv_huge_pages,
        Census(machine).promises,
        check(machine),
        lost_reservations(machine, identities.ancestors),
    )
