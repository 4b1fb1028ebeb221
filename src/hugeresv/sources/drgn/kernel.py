"""A kernel with its types and symbols: what is the same for as long as it runs, and in every restore of a guest.

Types come from DWARF where it is given, else from the BTF that the kernel has in its own memory. Symbols come from
DWARF's file, from kallsyms, which can be found from VMCOREINFO since Linux 6.0, or are given.
"""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from drgn import FaultError, MissingDebugInfoError, Object, Program, Symbol, SymbolBinding, SymbolIndex, SymbolKind
from drgn.helpers.linux.kallsyms import load_vmlinux_kallsyms

from hugeresv.errors import InputError, UnavailableError
from hugeresv.sources.drgn.btf import Btf, BtfError
from hugeresv.sources.drgn.objects import text
from hugeresv.sources.drgn.page_tables import Paging, paging_of
from hugeresv.sources.drgn.types import BtfTypes

_BTF = ("__start_BTF", "__stop_BTF")

VARIABLES = {
    "hstates": "struct hstate",
    "hugetlb_max_hstate": "int",
    "default_hstate_idx": "unsigned int",
    "super_blocks": "struct list_head",
    "init_task": "struct task_struct",
    "init_pid_ns": "struct pid_namespace",
    "hugetlb_cgrp_subsys": "struct cgroup_subsys",
    "init_uts_ns": "struct uts_namespace",
    "vmemmap_base": "unsigned long",
    "node_states": "nodemask_t",
    "__per_cpu_offset": "unsigned long",
    "numa_node": "int",
}
"""The variables that are read and their types, which BTF does not say; of an array, its element's."""

SYMBOLS = (*_BTF, *VARIABLES)
"""All symbols that are needed of a kernel that has no kallsyms in VMCOREINFO."""


class KernelMemory:
    """A kernel's memory, of which `program` reads. Raises UnavailableError where it cannot be understood.

    `symbols` are addresses by name, `vmlinux` the kernel's file with DWARF; without them the memory must tell.
    """

    def __init__(self, program: Program, symbols: Mapping[str, int] | None = None, vmlinux: Path | None = None) -> None:
        self.program = program
        if vmlinux is not None:
            _load_debug_info(program, vmlinux)
        else:
            program.register_symbol_finder("given", _symbols(program, symbols), enable_index=0)
            BtfTypes(program, _own_btf(program)).register()

    @cached_property
    def release(self) -> str:
        """What uname(2) says."""
        return self.vmcoreinfo["OSRELEASE"]

    @property
    def host(self) -> str:
        """What it calls itself."""
        return text(self.variable("init_uts_ns").name.nodename)

    @cached_property
    def vmcoreinfo(self) -> dict[str, str]:
        """The lines of VMCOREINFO."""
        text = self.program["VMCOREINFO"].string_().decode(errors="replace")
        return dict(line.partition("=")[::2] for line in text.splitlines() if "=" in line)

    @cached_property
    def paging(self) -> Paging:
        """How its page tables are made."""
        return paging_of(self.vmcoreinfo)

    @cached_property
    def vmemmap(self) -> int:
        """Where its array of `struct page` begins."""
        return int(self.variable("vmemmap_base"))

    @cached_property
    def hugetlb_cgrp_id(self) -> int:
        """The place of the hugetlb controller among a task's or a cgroup's."""
        return int(self.program.constant("hugetlb_cgrp_id"))

    def has_symbol(self, name: str) -> bool:
        """Whether it is there: not every kernel is built with everything."""
        try:
            self.program.symbol(name)
        except LookupError:
            return False
        return True

    def variable(self, name: str) -> Object:
        """One of `VARIABLES`. LookupError where the kernel has none of the name."""
        return Object(self.program, VARIABLES[name], address=self.program.symbol(name).address)


def _load_debug_info(program: Program, vmlinux: Path) -> None:
    try:
        program.load_debug_info([vmlinux])
    except (MissingDebugInfoError, OSError) as error:
        raise InputError(f"{vmlinux}: not this kernel's vmlinux with debug information: {error}") from None


def _symbols(program: Program, given: Mapping[str, int] | None) -> SymbolIndex:
    if given is not None:
        kind = SymbolBinding.GLOBAL, SymbolKind.OBJECT
        return SymbolIndex([Symbol(name, address, 8, *kind) for name, address in given.items()])
    try:
        return load_vmlinux_kallsyms(program)
    except (LookupError, ValueError, OverflowError, FaultError, MissingDebugInfoError):
        raise UnavailableError(
            "its VMCOREINFO does not say where its symbols are, as that of Linux 6.0 and later does; give its "
            "System.map (--symbols), or its vmlinux with debug information (--vmlinux)"
        ) from None


def _own_btf(program: Program) -> Btf:
    try:
        start, end = (program.symbol(name).address for name in _BTF)
        return Btf(program.read(start, end - start))
    except LookupError:
        reason = "it is built without CONFIG_DEBUG_INFO_BTF"
    except (FaultError, BtfError) as error:
        reason = f"its BTF cannot be read: {error}"
    raise UnavailableError(f"the types of the kernel are not known: {reason}; give its vmlinux (--vmlinux)")
