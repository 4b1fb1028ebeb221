"""A file that a verb writes: all of it, or what was there stays."""

import tempfile
from pathlib import Path

from hugeresv.errors import InputError
from hugeresv.regular_file import replace_file

_READABLE_BY_ALL = 0o644


def replace_output(path: Path, content: bytes) -> None:
    """Put a complete file in the place of `path`, from one beside it whose name begins with a dot.

    Raises InputError where that cannot be done, or where `path` is a device, a FIFO or `-`.
    """
    _must_be_a_file(path)
    try:
        replace_file(path, content, _READABLE_BY_ALL)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None


def try_output(path: Path) -> None:
    """Raise InputError now where `replace_output` would, before minutes are spent on what is to be written."""
    _must_be_a_file(path)
    try_folder(path.parent, path)


def try_folder(folder: Path, wanted: Path) -> None:
    """Raise InputError, which says what is `wanted`, for a folder in which no file can be made."""
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise InputError(f"cannot write {wanted}: {error.strerror}") from None


def _must_be_a_file(path: Path) -> None:
    if str(path) == "-":
        raise InputError("cannot write -: standard output has the report; name a file")
    if path.exists() and not path.is_file():
        raise InputError(f"cannot write {path}: it is not a regular file; name a regular file")
