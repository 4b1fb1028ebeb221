"""NUMA nodes in a kernel's memory: those of pages, CPUs, policies and cpusets. include/linux/mempolicy.h."""

from collections.abc import Iterable

from drgn import FaultError, Object, TypeKind
from drgn.helpers.linux.sched import task_cpu

from hugeresv.model.mempolicy import MemPolicy, Placement
from hugeresv.sources.drgn.kernel import KernelMemory
from hugeresv.sources.drgn.objects import InconsistentError, has, integers
from hugeresv.words import PolicyMode

_MODES: tuple[PolicyMode, ...] = (
    "default", "preferred", "bind", "interleave", "local", "preferred_many", "weighted_interleave",
)  # fmt: skip
"""MPOL_… (include/uapi/linux/mempolicy.h), by number."""
_LOCAL = 1 << 1
"""MPOL_F_LOCAL: a preferred policy without a node is local (before 5.14)."""
_LONG_BITS = 64
_MOST_NODES = 1 << 10


class Nodes:
    """Tells nodes of pages and of policies apart, for a kernel with these nodes."""

    def __init__(self, kernel: KernelMemory, nodes: Iterable[int]) -> None:
        """`nodes`: those that have memory or huge pages, ascending."""
        self._kernel = kernel
        self.numbers = tuple(nodes)
        most = _number(kernel.vmcoreinfo.get("LENGTH(node_data)", "1"))
        self._shift = _LONG_BITS - (most - 1).bit_length()

    def of_page(self, page: Object) -> int:
        """page_to_nid: the highest bits of a page's flags, where memory is mapped as one array (SPARSEMEM_VMEMMAP)."""
        if self._shift == _LONG_BITS:
            return 0
        return int(_word(page.flags)) >> self._shift

    def policy(self, there: Object) -> MemPolicy | None:
        """What a `struct mempolicy *` says; None: there is none."""
        if not there:
            return None
        number = int(there.mode)
        if number >= len(_MODES):
            raise InconsistentError(f"a memory policy has mode {number}")
        mode = _MODES[number]
        if mode == "default":
            return None
        mems = self.mask(there.w.cpuset_mems_allowed)
        if has(there.type_.type, "nodes"):
            return MemPolicy(mode, self.mask(there.nodes), mems)
        if mode == "preferred":
            node = int(there.v.preferred_node)
            local = bool(int(there.flags) & _LOCAL)
            return MemPolicy("local", (), mems) if local else MemPolicy(mode, (node,), mems)
        return MemPolicy(mode, self.mask(there.v.nodes) if mode != "local" else (), mems)

    def of_cpu(self, task: Object) -> int:
        """cpu_to_node of the CPU that a task is on, or was last; the first node where that cannot be told."""
        kernel = self._kernel
        if len(self.numbers) == 1 or not (kernel.has_symbol("numa_node") and kernel.has_symbol("__per_cpu_offset")):
            return self.numbers[0]
        try:
            offset = int(kernel.variable("__per_cpu_offset").address_of_()[int(task_cpu(task))])
            place = (kernel.program.symbol("numa_node").address + offset) & (1 << _LONG_BITS) - 1
            node = int(Object(kernel.program, "int", address=place))
        except FaultError:
            return self.numbers[0]
        return node if node in self.numbers else self.numbers[0]

    def mask(self, there: Object) -> Placement:
        """Those of the nodes that are in a `nodemask_t`."""
        return tuple(nid for nid in self.numbers if nid in _numbers(there))


def _number(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= _MOST_NODES:
        raise InconsistentError(f"VMCOREINFO says that there may be {text!r} nodes")
    return int(text)


def nodes_with_memory(kernel: KernelMemory) -> set[int]:
    """node_states[N_MEMORY]; none where the kernel does not say."""
    if not kernel.has_symbol("node_states"):
        return set()
    states = kernel.variable("node_states").address_of_()
    return _numbers(states[int(kernel.program.constant("N_MEMORY"))])


def _numbers(mask: Object) -> set[int]:
    """The nodes in a `nodemask_t`."""
    words = integers(mask.bits)
    return {
        place * _LONG_BITS + bit
        for place, word in enumerate(words)
        if word
        for bit in range(_LONG_BITS)
        if word >> bit & 1
    }


def _word(flags: Object) -> Object:
    """A page's flags, which are a struct of their own from 6.18 on (memdesc_flags_t)."""
    kind = flags.type_
    while kind.kind is TypeKind.TYPEDEF:
        kind = kind.type
    return flags.f if kind.kind is TypeKind.STRUCT else flags
