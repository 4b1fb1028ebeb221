"""Which NUMA nodes processes can have huge pages from: their cpusets and policies against what the nodes have."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hugeresv.ledger.machine import Identities
from hugeresv.ledger.observation import HolderProcess
from hugeresv.model.hstate import HState
from hugeresv.model.machine import Machine
from hugeresv.model.mempolicy import MemPolicy, Placement
from hugeresv.model.vma import Vma


@dataclass(frozen=True, slots=True)
class NodeReach:
    """The nodes that a process may use, or one of its mappings that has a policy of its own (mbind).

    `node` is the one of its CPU, `mems` those of its cpuset, `policy` what set_mempolicy or mbind set, None without.
    """

    process: HolderProcess
    vma: Vma | None
    node: int
    mems: Placement
    policy: MemPolicy | None

    @property
    def nodes(self) -> Placement:
        """Where its pages may come from: a BIND policy leaves no others, whatever is free there."""
        if self.policy is None or self.policy.mode != "bind":
            return self.mems
        return tuple(nid for nid in self.mems if nid in self.policy.nodes) or self.mems

    def free(self, hstates: Sequence[HState]) -> Mapping[int, int]:
        """The free pages there, by page size in bytes."""
        return {h.page_bytes: sum(h.nodes[nid].free_huge_pages for nid in self.nodes) for h in hstates}


def reaches(machine: Machine, identities: Identities) -> Iterator[NodeReach]:
    """Of every process that maps huge pages, and of its mappings with a policy, where there are several nodes."""
    if len(machine.nodes) == 1:
        return
    for key, process in machine.processes.items():
        mems = identities.mems.get(key, machine.nodes)
        who = identities.processes[key]
        yield NodeReach(who, None, process.node, mems, process.policy)
        for vma in process.mm.vmas:
            if vma.policy is not None:
                yield NodeReach(who, vma, process.node, mems, vma.policy)
