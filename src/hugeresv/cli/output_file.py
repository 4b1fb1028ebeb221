"""A file that a verb writes: all of it, or what was there stays."""

from pathlib import Path

from hugeresv.errors import InputError
from hugeresv.regular_file import replace_file

_READABLE_BY_ALL = 0o644


def replace_output(path: Path, content: bytes) -> None:
    """Put a complete file in the place of `path`, from one beside it whose name begins with a dot.

    Raises InputError where that cannot be done, or where `path` is a device or a FIFO.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"cannot write {path}: it is no regular file, and would be replaced by one")
    try:
        replace_file(path, content, _READABLE_BY_ALL)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None
