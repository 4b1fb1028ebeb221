"""The words of a call in C: numbers as pages where they are, flags by their names."""

from collections.abc import Callable, Mapping

from hugeresv.calls import abi
from hugeresv.calls.call import Call, OfFile, OfSegment

_FLAGS: Mapping[str, tuple[tuple[str, int], ...]] = {
    "prot": (("PROT_READ", abi.PROT_READ), ("PROT_WRITE", abi.PROT_WRITE)),
    "map": (
        ("MAP_SHARED", abi.MAP_SHARED),
        ("MAP_PRIVATE", abi.MAP_PRIVATE),
        ("MAP_FIXED_NOREPLACE", abi.MAP_FIXED_NOREPLACE),
        ("MAP_FIXED", abi.MAP_FIXED),
        ("MAP_ANONYMOUS", abi.MAP_ANONYMOUS),
        ("MAP_HUGETLB", abi.MAP_HUGETLB),
        ("MAP_LOCKED", abi.MAP_LOCKED),
        ("MAP_NORESERVE", abi.MAP_NORESERVE),
        ("MAP_POPULATE", abi.MAP_POPULATE),
    ),
    "mremap": (
        ("MREMAP_MAYMOVE", abi.MREMAP_MAYMOVE),
        ("MREMAP_FIXED", abi.MREMAP_FIXED),
        ("MREMAP_DONTUNMAP", abi.MREMAP_DONTUNMAP),
    ),
    "fallocate": (
        ("FALLOC_FL_KEEP_SIZE", abi.FALLOC_FL_KEEP_SIZE),
        ("FALLOC_FL_PUNCH_HOLE", abi.FALLOC_FL_PUNCH_HOLE),
    ),
    "mlock2": (("MLOCK_ONFAULT", abi.MLOCK_ONFAULT),),
    "shmget": (("IPC_CREAT", abi.IPC_CREAT), ("SHM_HUGETLB", abi.SHM_HUGETLB), ("SHM_NORESERVE", abi.SHM_NORESERVE)),
    "memfd": (("MFD_HUGETLB", abi.MFD_HUGETLB),),
    "shmat": (("SHM_RDONLY", abi.SHM_RDONLY),),
}
_ADVICE = {number: f"MADV_{advice.upper()}" for advice, number in abi.ADVICE.items()}
_MODULUS = 1 << 64


class Words:
    """Spells calls for a page size. Files and segments are elements of tables, by `number`."""

    def __init__(self, page_bytes: int, number: Callable[[OfFile | OfSegment], str]) -> None:
        self._page_bytes = page_bytes
        self._number = number

    def expression(self, call: Call) -> str | None:
        """The call as an expression of C that answers -1 and an errno, or a value; None for a call of another kind."""
        spell = _CALLS.get(call.name)
        return None if spell is None else spell(self, *call.words)

    def size(self, number: int) -> str:
        """A length, an offset or an address in bytes, as a word of the machine."""
        number %= _MODULUS
        pages, rest = divmod(number, self._page_bytes)
        if rest == 0 and 0 < pages < 1 << 20:
            return f"{pages} * HPAGE"
        return f"{number:#x}UL" if number > 1 << 20 else str(number)

    def address(self, number: int) -> str:
        """Where a mapping is, or something in it."""
        return f"(void *){number % _MODULUS:#x}UL"

    def flags(self, kind: str, number: int) -> str:
        """Bits by their names, and the rest in hexadecimal."""
        found = []
        for name, bit in _FLAGS[kind]:
            if number & bit == bit:
                found.append(name)
                number &= ~bit
        if number >> abi.HUGE_SHIFT:
            found.append(f"{number >> abi.HUGE_SHIFT} << {abi.HUGE_SHIFT}")
            number &= (1 << abi.HUGE_SHIFT) - 1
        if number:
            found.append(f"0{number:o}")
        return " | ".join(found) or ("PROT_NONE" if kind == "prot" else "0")

    def file(self, file: OfFile | int) -> str:
        """A descriptor."""
        return f"file({self._number(file)})" if isinstance(file, OfFile) else str(file)

    def kept(self, file: OfFile) -> str:
        """The descriptor that keeps a file open."""
        return f"shared->files[{self._number(file)}]"

    @staticmethod
    def bytes(content: bytes) -> str:
        """What the kernel finds at an address."""
        return f"(unsigned char[]){{ {', '.join(map(str, content))} }}"

    def segment(self, segment: OfSegment) -> str:
        """An identifier."""
        return f"shared->segments[{self._number(segment)}]"


def _mmap(w: Words, address: int, length: int, prot: int, flags: int, file: OfFile | int, offset: int) -> str:
    rights, kinds = w.flags("prot", prot), w.flags("map", flags)
    return f"(long)mmap({w.address(address)}, {w.size(length)}, {rights}, {kinds}, {w.file(file)}, {w.size(offset)})"


def _mremap(w: Words, address: int, length: int, new_length: int, flags: int, target: int) -> str:
    sizes = f"{w.address(address)}, {w.size(length)}, {w.size(new_length)}, {w.flags('mremap', flags)}"
    return f"(long)mremap({sizes}, {w.address(target)})" if flags & abi.MREMAP_FIXED else f"(long)mremap({sizes})"


def _range(w: Words, address: int, length: int) -> str:
    return f"{w.address(address)}, {w.size(length)}"


_CALLS: Mapping[str, Callable[..., str]] = {
    "mmap": _mmap,
    "touch": lambda _w, address, write: f"touch({address:#x}UL, {int(write)})",
    "munmap": lambda w, *span: f"munmap({_range(w, *span)})",
    "mprotect": lambda w, *span_prot: f"mprotect({_range(w, *span_prot[:2])}, {w.flags('prot', span_prot[2])})",
    "madvise": lambda w, *span_advice: f"madvise({_range(w, *span_advice[:2])}, {_ADVICE[span_advice[2]]})",
    "mlock": lambda w, *span: f"mlock({_range(w, *span)})",
    "mlock2": lambda w, *span_flags: f"mlock2({_range(w, *span_flags[:2])}, {w.flags('mlock2', span_flags[2])})",
    "munlock": lambda w, *span: f"munlock({_range(w, *span)})",
    "mremap": _mremap,
    "ftruncate": lambda w, file, length: f"ftruncate({w.file(file)}, {w.size(length)})",
    "fallocate": lambda w, file, mode, start, length: (
        f"fallocate({w.file(file)}, {w.flags('fallocate', mode)}, {w.size(start)}, {w.size(length)})"
    ),
    "fadvise64": lambda w, file, start, length, _advice: (
        f"syscall(SYS_fadvise64, {w.file(file)}, {w.size(start)}, {w.size(length)}, POSIX_FADV_WILLNEED)"
    ),
    "readahead": lambda w, file, start, length: f"readahead({w.file(file)}, {w.size(start)}, {w.size(length)})",
    "shmget": lambda w, _key, size, flags: f"shmget(IPC_PRIVATE, {w.size(size)}, {w.flags('shmget', flags)})",
    "shmat": lambda w, segment, address, flags: (
        f"(long)shmat({w.segment(segment)}, {w.address(address)}, {w.flags('shmat', flags)})"
    ),
    "shmdt": lambda w, address: f"shmdt({w.address(address)})",
    "shmctl": lambda w, segment, _command, _buffer: f"shmctl({w.segment(segment)}, IPC_RMID, NULL)",
    "memfd_create": lambda w, name, flags: f'memfd_create("{name}", {w.flags("memfd", flags)})',
    "close": lambda w, file: f"close({w.kept(file)})",
    "setresgid": lambda _w, *groups: f"syscall(SYS_setresgid, {', '.join(map(str, groups))})",
    "capset": lambda w, header, data: f"syscall(SYS_capset, {w.bytes(header)}, {w.bytes(data)})",
    "prlimit64": lambda w, pid, limit, new, old: f"syscall(SYS_prlimit64, {pid}, {limit}, {w.bytes(new)}, {old})",
}
