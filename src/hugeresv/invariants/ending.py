"""The invariant of the end: when everything is gone, nothing is counted."""

from hugeresv.invariants.violation import Violation
from hugeresv.ledger.census import Census
from hugeresv.model.machine import Machine
from hugeresv.model.resize import set_max_huge_pages


def check_end(machine: Machine) -> list[Violation]:
    """I11: all mappings, files and mounts gone, resv, usage and rsvd are 0, and a write of 0 empties the pool.

    ValueError where something is left that may hold pages or promises.
    """
    census = Census(machine)
    if census.files or machine.mounts:
        left = [*census.files.values(), *(f"mount {key!r}" for key in machine.mounts)]
        raise ValueError(f"this is not the end, there still is: {', '.join(left)}")
    messages = []
    copy = machine.copy()
    for hstate, h in zip(machine.hstates, copy.hstates, strict=True):
        where = f"{h.page_bytes >> 10} kB pages: " if len(copy.hstates) > 1 else ""
        if hstate.resv_huge_pages:
            messages.append(f"{where}resv_huge_pages is {hstate.resv_huge_pages}")
        set_max_huge_pages(copy, h, 0)
        if h.nr_huge_pages or h.free_huge_pages or h.surplus_huge_pages:
            messages.append(
                f"{where}after a write of 0 to nr_hugepages nr_huge_pages is {h.nr_huge_pages},"
                f" free_huge_pages {h.free_huge_pages}, surplus_huge_pages {h.surplus_huge_pages}"
            )
        for key, cgroup in machine.cgroups.items():
            counters = cgroup.of(hstate)
            if counters.usage or counters.rsvd:
                messages.append(f"{where}cgroup {key!r} has usage {counters.usage} and rsvd {counters.rsvd}")
    if not messages:
        return []
    return [Violation("I11", "nothing is counted when everything is gone", "; ".join(messages))]
