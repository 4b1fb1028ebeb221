"""Dumps in makedumpfile's flattened form, as QEMU writes them.

It is a stream of pieces, each with the place where it belongs (makedumpfile.h: struct makedumpfile_header, struct
makedumpfile_data_header).
"""

import struct
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from hugeresv.errors import InputError, UnavailableError

FLATTENED = b"makedumpfile".ljust(16, b"\0")
_HEADER_BYTES = 4096
_LARGEST_PIECE, _LARGEST_DUMP = 1 << 30, 1 << 50
"""In bytes. Pieces are buffers of the program that writes them, a few pages long."""
_PIECE = struct.Struct(">qq")


def reassembled(path: Path) -> BinaryIO:
    """The dump that a flattened one stands for, in a file without a name.

    Raises InputError where it is cut off, UnavailableError where there is no room for it.
    """
    with ExitStack() as opened, path.open("rb") as flattened:
        whole: BinaryIO = opened.enter_context(tempfile.TemporaryFile(buffering=0))
        flattened.seek(_HEADER_BYTES)
        while True:
            offset, size_bytes = _PIECE.unpack(_read(flattened, _PIECE.size, path))
            if offset < 0:
                opened.pop_all()
                return whole
            if not 0 <= size_bytes <= _LARGEST_PIECE or offset > _LARGEST_DUMP:
                raise InputError(f"{path}: a flattened dump with {size_bytes} bytes for place {offset}")
            piece = _read(flattened, size_bytes, path)
            try:
                whole.seek(offset)
                whole.write(piece)
            except OSError as error:
                there = tempfile.gettempdir()
                raise UnavailableError(f"cannot put {path} together in {there}: {error.strerror}") from None


def _read(flattened: BinaryIO, size_bytes: int, path: Path) -> bytes:
    piece = flattened.read(size_bytes)
    if len(piece) < size_bytes:
        raise InputError(f"{path}: a flattened dump that ends in the middle")
    return piece
