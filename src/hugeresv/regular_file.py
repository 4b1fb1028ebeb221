"""Files that a user named: opened, where they may be something without an end, and replaced as a whole."""

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from hugeresv.errors import InputError

_KINDS: dict[str, Callable[[int], bool]] = {
    "a FIFO": stat.S_ISFIFO,
    "a device": lambda mode: stat.S_ISCHR(mode) or stat.S_ISBLK(mode),
}


def open_regular(path: Path) -> BinaryIO:
    """The file, to be read. Raises InputError for a FIFO or a device, and OSError as `open` does; never waits."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY), "rb")
    mode = os.fstat(file.fileno()).st_mode
    for kind, is_one in _KINDS.items():
        if is_one(mode):
            file.close()
            raise InputError(f"{path}: is {kind}, not a file")
    return file


def replace_file(path: Path, content: bytes, mode: int) -> None:
    """Make a file that is whole or is what it was, whatever ends us or the machine. Raises OSError.

    It comes from a file beside it, whose name begins with a dot.
    """
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink()
        raise
