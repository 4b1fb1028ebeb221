"""What there is to read: a dump, a guest's RAM, or this kernel."""

from collections.abc import Mapping
from pathlib import Path

from drgn import Program

from hugeresv.errors import InputError, UnavailableError
from hugeresv.sources.drgn.kernel import KernelMemory
from hugeresv.sources.drgn.ram import PhysicalMemory, layouts, notes

_KCORE = Path("/proc/kcore")


def open_target(path: Path | None, symbols: Path | None = None, vmlinux: Path | None = None) -> KernelMemory:
    """A kernel's memory; None is the kernel that this runs on.

    `symbols` is a System.map or a copy of /proc/kallsyms, `vmlinux` the kernel's file with DWARF. Raises InputError for
    a file that is none of all this, UnavailableError for memory that cannot be understood, or not be read here.
    """
    addresses = _read_symbols(symbols) if symbols is not None else None
    if path is None:
        return KernelMemory(_this_kernel(), addresses, vmlinux)
    return _ram(path, addresses, vmlinux)


def _this_kernel() -> Program:
    if not _KCORE.exists():
        raise UnavailableError(
            f"this kernel has no {_KCORE}, through which its memory is read (CONFIG_PROC_KCORE, and no lockdown); name "
            "a dump or the RAM file of a guest instead"
        )
    program = Program()
    try:
        program.set_kernel()
    except OSError as error:
        raise UnavailableError(f"{_KCORE} cannot be read: {error.strerror or error}; run as root") from None
    return program


def _ram(path: Path, symbols: Mapping[str, int] | None, vmlinux: Path | None) -> KernelMemory:
    memory = PhysicalMemory(path)
    failure = None
    for note in notes(path):
        for segments in layouts(path.stat().st_size):
            try:
                return KernelMemory(memory.program(segments, note), symbols, vmlinux)
            except UnavailableError as error:
                failure = failure or error
    raise failure or InputError(
        f"{path}: neither a dump nor the memory of a Linux kernel: there is no VMCOREINFO in it"
    )


def _read_symbols(path: Path) -> dict[str, int]:
    """The lines ADDRESS TYPE NAME of a file."""
    found = {}
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        words = line.split()
        try:
            found[words[2]] = int(words[0], 16)
        except (IndexError, ValueError):
            raise InputError(f"{path}:{number}: expected ADDRESS TYPE NAME, as in System.map; found {line!r}") from None
    return found
