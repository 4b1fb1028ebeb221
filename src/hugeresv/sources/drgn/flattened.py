"""Dumps that QEMU writes as kdump: in makedumpfile's flattened form, and with a header that says little.

The flattened form is a stream of pieces, each with the place where it belongs (makedumpfile.h: struct
makedumpfile_header, struct makedumpfile_data_header). A kdump file begins with `struct disk_dump_header`
(diskdump_mod.h of crash), in which libkdumpfile wants the names of uname(2), and QEMU 7.2 leaves them empty.
"""

import struct
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from hugeresv.errors import InputError

FLATTENED = b"makedumpfile".ljust(16, b"\0")
KDUMP = b"KDUMP   "
_HEADER_BYTES = 4096
_PIECE = struct.Struct(">qq")
_UTSNAME_OFFSET = 12
_NAME_BYTES = 65
_MAX_MAPNR_OFFSET = 440
_UNKNOWN = (b"Linux", b"unknown", b"0.0.0", b"#1", b"x86_64", b"(none)")


def reassembled(path: Path) -> BinaryIO:
    """The dump that a flattened one stands for, in a file without a name. Raises InputError where it is cut off."""
    with ExitStack() as opened, path.open("rb") as flattened:
        whole: BinaryIO = opened.enter_context(tempfile.TemporaryFile())
        flattened.seek(_HEADER_BYTES)
        while True:
            offset, size_bytes = _PIECE.unpack(_read(flattened, _PIECE.size, path))
            if offset < 0:
                whole.flush()
                opened.pop_all()
                return whole
            whole.seek(offset)
            whole.write(_read(flattened, size_bytes, path))


def _read(flattened: BinaryIO, size_bytes: int, path: Path) -> bytes:
    piece = flattened.read(size_bytes)
    if len(piece) < size_bytes:
        raise InputError(f"{path}: a flattened dump that ends in the middle")
    return piece


def name_the_kernel(dump: BinaryIO) -> None:
    """Fill the names of uname(2) in, where a kdump file has none: what is in them does not matter."""
    dump.seek(0)
    if dump.read(len(KDUMP)) != KDUMP:
        return
    dump.seek(_UTSNAME_OFFSET)
    if dump.read(1) != b"\0":
        return
    dump.seek(_UTSNAME_OFFSET)
    dump.write(b"".join(name.ljust(_NAME_BYTES, b"\0") for name in _UNKNOWN))
    dump.flush()


def memory_bytes(dump: BinaryIO) -> int:
    """The end of physical memory in a kdump file."""
    dump.seek(_MAX_MAPNR_OFFSET)
    (pages,) = struct.unpack("<I", dump.read(4))
    return int(pages) * 4096
