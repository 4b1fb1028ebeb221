"""What there is to read: a dump, a guest's RAM, or this kernel."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from drgn import Program

from hugeresv.errors import InputError, UnavailableError
from hugeresv.regular_file import open_regular
from hugeresv.sources.drgn.flattened import FLATTENED, reassembled
from hugeresv.sources.drgn.kdump import KINDS, memory_bytes, name_the_kernel, wrong_with
from hugeresv.sources.drgn.kernel import KernelMemory
from hugeresv.sources.drgn.ram import LONGEST_BYTES, PhysicalMemory, notes, notes_within, read_with_holes
from hugeresv.sources.physical import layouts

_KCORE = Path("/proc/kcore")
_ELF = b"\x7fELF"

_SYMBOL = re.compile(rb"([0-9a-fA-F]{1,16}) [^ ] ([^ \t]+)")
_LONGEST_SYMBOLS, _LONGEST_SHOWN = 1 << 28, 80

_CHUNK_BYTES = 1 << 20
_ANY_KERNEL = b"\n".join(
    (b"OSRELEASE=0.0.0", b"PAGESIZE=4096", b"SYMBOL(init_uts_ns)=0", b"SYMBOL(swapper_pg_dir)=ffffffff80000000", b"")
)
"""With this as VMCOREINFO a dump's physical memory can be read, and the kernel's own be looked for there."""


class _DumpError(Exception):
    """A dump that drgn does not take."""


def open_target(path: Path | None, symbols: Path | None = None, vmlinux: Path | None = None) -> KernelMemory:
    """A kernel's memory; None is the kernel that this runs on.

    `symbols` is a System.map or a copy of /proc/kallsyms, `vmlinux` the kernel's file with DWARF. Raises InputError for
    a file that is none of all this, UnavailableError for memory that cannot be understood, or not be read here.
    """
    addresses = _read_symbols(symbols) if symbols is not None else None
    failure: Exception | None = None
    for program in [_this_kernel()] if path is None else _programs(path):
        try:
            return KernelMemory(program, addresses, vmlinux)
        except UnavailableError as error:
            failure = failure or error
    raise failure or InputError(f"{path}: neither a dump nor the memory of a Linux kernel: it has no VMCOREINFO")


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


def _programs(path: Path) -> Iterator[Program]:
    """What may be meant by a file, the likeliest first: memory may hold copies of what tells where things are."""
    try:
        with open_regular(path) as file:
            head = file.read(len(FLATTENED))
            if head == FLATTENED:
                with reassembled(path) as whole:
                    name_the_kernel(whole)
                    yield from _kdump(whole, path)
            elif head.startswith(KINDS):
                yield from _kdump(file, path)
            elif head.startswith(_ELF):
                yield from _dump(path, notes(path), path)
            else:
                yield from _ram(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None


def _ram(path: Path) -> Iterator[Program]:
    for note in notes(path):
        for segments in layouts(path.stat().st_size):
            yield PhysicalMemory(path).program(segments, note)


def _kdump(dump: BinaryIO, called: Path) -> Iterator[Program]:
    wrong = wrong_with(dump)
    if wrong is not None:
        raise InputError(f"{called}: not a dump that can be read: {wrong}")
    yield from _dump(Path(f"/proc/self/fd/{dump.fileno()}"), _notes_of_kdump(dump), called)


def _dump(path: Path, found: Iterable[bytes], called: Path) -> Iterator[Program]:
    """A dump by what it says of its kernel, or, where it says nothing, by the notes that are found in it."""
    try:
        program = _opened(path, None)
    except _DumpError as error:
        failure = error
    else:
        yield program
        return
    tried = False
    try:
        for note in found:
            program = _opened(path, note)
            tried = True
            yield program
    except _DumpError as error:
        failure = error
    if not tried:
        raise InputError(f"{called}: not a dump that can be read: {failure}")


def _opened(path: Path, vmcoreinfo: bytes | None) -> Program:
    try:
        program = Program(vmcoreinfo=vmcoreinfo)
        program.set_core_dump(path)
    except Exception as error:  # noqa: BLE001  drgn passes on what libkdumpfile says as an Exception
        raise _DumpError(str(error)) from None
    return program


def _notes_of_kdump(dump: BinaryIO) -> Iterator[bytes]:
    """The notes in the physical memory of a dump that has compressed pages."""
    program = _opened(Path(f"/proc/self/fd/{dump.fileno()}"), _ANY_KERNEL)
    for start in range(0, memory_bytes(dump), _CHUNK_BYTES):
        chunk = read_with_holes(program, start, _CHUNK_BYTES + 2 * LONGEST_BYTES)
        yield from notes_within(chunk, 0, _CHUNK_BYTES + LONGEST_BYTES)


def _read_symbols(path: Path) -> Mapping[str, int]:
    """The lines ADDRESS TYPE NAME of a file."""
    try:
        with open_regular(path) as file:
            content = file.read(_LONGEST_SYMBOLS + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(content) > _LONGEST_SYMBOLS:
        raise InputError(f"{path}: longer than {_LONGEST_SYMBOLS} bytes, so that it is not a System.map")
    found = {}
    for number, line in enumerate(content.removesuffix(b"\n").split(b"\n"), 1):
        symbol = _SYMBOL.match(line)
        if symbol is None:
            shown = ascii(line[:_LONGEST_SHOWN].decode(errors="replace"))
            raise InputError(f"{path}:{number}: expected ADDRESS TYPE NAME, as in System.map; found {shown}")
        found[symbol[2].decode(errors="replace")] = int(symbol[1], 16)
    return found
