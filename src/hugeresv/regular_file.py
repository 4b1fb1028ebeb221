"""Opening a file that somebody named, which may be something else that has no end or never answers."""

import os
import stat
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
