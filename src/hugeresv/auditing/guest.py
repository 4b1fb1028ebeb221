"""The machines behind sessions on a guest, read from its memory between two steps."""

from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest.session import CGROUPS, GuestSession
from hugeresv.kernels.model.view import view
from hugeresv.kernels.protocol import MappingView, PageState, Session
from hugeresv.model.machine import Key, Machine
from hugeresv.play.insight import Insight, mapping_at
from hugeresv.sources.drgn.kernel import SYMBOLS, KernelMemory
from hugeresv.sources.drgn.ram import PhysicalMemory
from hugeresv.sources.drgn.tasks import KernelTask
from hugeresv.sources.drgn.walk import read_machine

_HAS_SYMBOLS = b"SYMBOL(kallsyms_names)="


class GuestAuditor:
    """Insight into the sessions of one guest kernel for as long as it is open.

    Those on the same machine go on from the same moment of the same boot: its types and symbols are read once.
    """

    def __init__(self) -> None:
        self._read: dict[object, tuple[PhysicalMemory, KernelMemory]] = {}

    def __call__(self, session: Session) -> Insight:
        """Raises UnavailableError for a session that is no guest's, or a kernel that cannot be understood."""
        if not isinstance(session, GuestSession):
            raise UnavailableError("only the memory of guests can be read")
        boot = session.memory.vmcoreinfo, session.memory.segments
        if boot not in self._read:
            self._read[boot] = _first_look(session)
        memory, kernel = self._read[boot]
        memory.look_at(session.memory.path)
        return _GuestInsight(session, kernel)


def _first_look(session: GuestSession) -> tuple[PhysicalMemory, KernelMemory]:
    there = session.memory
    if not there.vmcoreinfo:
        raise UnavailableError(
            "the guest's kernel has no VMCOREINFO, without which its memory cannot be read: build it with CONFIG_KEXEC"
        )
    memory = PhysicalMemory(there.path)
    symbols = None if _HAS_SYMBOLS in there.vmcoreinfo else session.kernel_symbols(SYMBOLS)
    return memory, KernelMemory(memory.program(there.segments, there.vmcoreinfo), symbols)


class _GuestInsight:
    def __init__(self, session: GuestSession, kernel: KernelMemory) -> None:
        self._session = session
        self._kernel = kernel
        self._machine: Machine | None = None

    def machine(self) -> Machine:
        """The machine of the scenario's page sizes."""
        machine = read_machine(self._kernel, list(self._session.pools)).machine
        keeper, names = self._session.keeper, self._session.names
        mounts = {path: mount.name for mount, path in keeper.mounts.items() if mount.name is not None}
        cgroups = {name: keeper.cgroups[name].removeprefix(CGROUPS) for name in names.cgroups}
        processes = {pid: name for name, pid in self._session.pids.items()}
        machine.mounts = {mounts.get(key, key): mount for key, mount in machine.mounts.items()}
        machine.cgroups = {name: machine.cgroups[path] for name, path in cgroups.items() if path in machine.cgroups}
        machine.processes = {_name(processes, key): process for key, process in machine.processes.items()}
        self._machine = machine
        return machine

    def view(self, proc: str, mapping: str) -> MappingView | None:
        """See `Insight`. A mapping without huge pages is no part of the machine: the session sees what is there."""
        binding = self._session.names.processes.get(proc, {}).get(mapping)
        machine = self._machine
        process = machine.processes.get(proc) if machine else None
        if binding is None or machine is None or process is None:
            return self._session.view(proc, mapping)
        seen = view(process.mm, binding.start, binding.extent_bytes, binding.page_bytes.bit_length() - 1)
        if all(state is PageState.HOLE for state, _ in seen.runs):
            return self._session.view(proc, mapping)
        return MappingView(binding.shared, seen.runs)

    def name(self, process: Key, address: int) -> tuple[str, int] | None:
        """See `Insight`."""
        return mapping_at(str(process), address, self._session.names)


def _name(processes: dict[int, str], task: KernelTask) -> str:
    return processes.get(task.pid, repr(task))
