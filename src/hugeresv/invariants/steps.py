"""Invariants of a step: what an operation may have done to the counters."""

from typing import NamedTuple

from hugeresv.invariants.violation import Violation
from hugeresv.ledger.promise import Naming
from hugeresv.model.machine import Key, Machine
from hugeresv.outcome import Outcome
from hugeresv.plain import are
from hugeresv.scenario import operation as op
from hugeresv.scenario.scenario import Together
from hugeresv.scenario.scn_words import write_name

_COUNTERS = {
    "nr_huge_pages": "nr", "free_huge_pages": "free", "resv_huge_pages": "resv", "surplus_huge_pages": "surp",
}  # fmt: skip
_HARMLESS_ADVICE = {"normal", "willneed", "free", "dontfork", "dofork", "cold", "pageout"}


class PoolLevels(NamedTuple):
    """The counters of a pool at one moment, in pages, and its overcommit limit."""

    nr: int
    free: int
    resv: int
    surp: int
    overcommit: int


class Levels(NamedTuple):
    """The counters of a machine at one moment."""

    pools: tuple[PoolLevels, ...]
    """Those of each page size, in the machine's order."""
    subpools: dict[Key, tuple[int, ...]]
    """used_hpages and rsv_hpages of each mount that has limits."""
    cgroups: dict[Key, tuple[int, ...]]
    """usage and rsvd of each cgroup, of one page size after the other."""


def levels(machine: Machine) -> Levels:
    """The counters now."""
    return Levels(
        tuple(
            PoolLevels(
                h.nr_huge_pages,
                h.free_huge_pages,
                h.resv_huge_pages,
                h.surplus_huge_pages,
                h.nr_overcommit_huge_pages,
            )
            for h in machine.hstates
        ),
        {
            key: (mount.subpool.used_hpages, mount.subpool.rsv_hpages)
            for key, mount in machine.mounts.items()
            if mount.subpool is not None
        },
        {
            key: tuple(number for counters in cgroup.counters.values() for number in (counters.usage, counters.rsvd))
            for key, cgroup in machine.cgroups.items()
        },
    )


def check_step(operation: op.Operation, before: Levels, after: Levels) -> list[Violation]:
    """What `operation` did to the counters that no operation of its kind may do."""
    violations = []
    calls = [step.operation for step in operation.steps] if isinstance(operation, Together) else [operation]
    for was, now in zip(before.pools, after.pools, strict=True):
        if not any(isinstance(call, op.SetNrHugepages | op.Demote) for call in calls):
            violations += _only_a_write_resizes(was, now)
        if not any(isinstance(call, op.SetNrHugepages) for call in calls):
            violations += _surplus_within_overcommit(was, now)
    if all(map(is_read_only, calls)):
        violations += _nothing_changes(before, after)
    return violations


def uncovered(operation: op.Operation, outcome: Outcome, machine: Machine, naming: Naming) -> list[Violation]:
    """I19: a shared mmap that succeeded is covered by its file's map; only a truncation or a hole may end that."""
    if not isinstance(operation, op.Mmap) or outcome is not Outcome.OK or operation.normal:
        return []
    if operation.type != "shared" or operation.noreserve:
        return []
    violations = []
    for vma in machine.processes[operation.proc].mm.vmas:
        named = naming(operation.proc, vma.vm_start)
        if named is None or named[0].rpartition(".")[2] != write_name(operation.map) or vma.inode is None:
            continue
        missing = vma.inode.resv_map.regions.chg(vma.first_index, vma.end_index)
        if missing:
            message = f"{named[0]} is mapped, but {missing} of its pages {are(missing)} not in its file's map"
            violations.append(Violation("I19", "a shared mmap is covered by its file's map", message))
    return violations


def is_read_only(operation: op.Operation) -> bool:
    """Whether an operation takes no page, gives none back and makes or withdraws no promise, whatever it answers."""
    match operation:
        case op.Mprotect() | op.Munlock() | op.Fadvise() | op.Readahead() | op.Fork():
            return True
        case (
            op.OpenFile()
            | op.Memfd()
            | op.CgroupSet()
            | op.SetNrOvercommit()
            | op.SetMempolicy()
            | op.SetCpu()
            | op.SetDemoteSize()
        ):
            return True
        case op.Madvise():
            return operation.advice in _HARMLESS_ADVICE
        case op.Mremap():
            same_length = (operation.pages, operation.length_bytes) == (operation.new_pages, operation.new_length_bytes)
            return operation.over is None and same_length
    return False


def _only_a_write_resizes(before: PoolLevels, after: PoolLevels) -> list[Violation]:
    """I3, of a step: nr - surp is max_huge_pages, which only a write to nr_hugepages changes."""
    persistent = before.nr - before.surp, after.nr - after.surp
    if persistent[0] == persistent[1]:
        return []
    message = f"nr_huge_pages - surplus_huge_pages went from {persistent[0]} to {persistent[1]}"
    return [Violation("I3", "only a write to nr_hugepages changes the persistent pages", message)]


def _surplus_within_overcommit(before: PoolLevels, after: PoolLevels) -> list[Violation]:
    """I4: surp <= nr_overcommit, unless the pool was shrunk or the limit lowered: it never grows beyond."""
    if after.surp <= max(before.surp, after.overcommit):
        return []
    message = f"surplus_huge_pages went from {before.surp} to {after.surp}, with an overcommit of {after.overcommit}"
    return [Violation("I4", "surplus pages are made up to the overcommit limit", message)]


def _nothing_changes(before: Levels, after: Levels) -> list[Violation]:
    """I12: an operation that takes and gives nothing leaves nr, free, resv, surp, and all of subpools and cgroups."""
    changed = [
        f"{name} went from {was} to {now}"
        for name, was, now in (
            *(
                (name, getattr(was, field), getattr(now, field))
                for was, now in zip(before.pools, after.pools, strict=True)
                for name, field in _COUNTERS.items()
            ),
            *(_by_key("used_hpages, rsv_hpages of mount", before.subpools, after.subpools)),
            *(_by_key("usage, rsvd of cgroup", before.cgroups, after.cgroups)),
        )
        if was != now
    ]
    return [Violation("I12", "a read-only operation changes no counter", message) for message in changed]


def _by_key(
    what: str, before: dict[Key, tuple[int, ...]], after: dict[Key, tuple[int, ...]]
) -> list[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """The counters of what was and is still there."""
    return [(f"{what} {key!r}", before[key], after[key]) for key in before if key in after]
