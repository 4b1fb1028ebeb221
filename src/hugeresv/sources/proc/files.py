"""Reading files of /proc and /sys, and the numbers in them.

The kernel ends a line with a newline and nothing else, and names in its files hold any other byte: text is split at
newlines alone. What is read has a bound, since whoever names a process, a directory or a file chooses how much it is.
"""

import errno
import os
import re
from collections.abc import Callable, Iterator
from typing import TypeVar

_CHUNK_BYTES = 1 << 18
_MOST_BYTES = 1 << 24
"""A file that is read whole. What may be longer is read with `read_lines` or `read_start`."""
_LONGEST_LINE = 1 << 16
"""The longest has two paths of 4 KiB, each byte of which may be written as four."""
_NUMBER = re.compile(rb"-?[0-9]{1,20}")
_LONGEST_SHOWN = 40

UNSIGNED_LONG = (1 << 64) - 1

Parsed = TypeVar("Parsed")


class MalformedError(OSError):
    """A file that is not as the kernel writes it. To whoever needs it, that is one more file that cannot be read."""

    def __init__(self, field: str, content: bytes | str) -> None:
        """`field`: what of the file is wrong; `content`: what stands there."""
        text = os.fsdecode(content)
        more = "" if len(text) <= _LONGEST_SHOWN else "..."
        super().__init__(errno.EBADMSG, f"{field} is {text[:_LONGEST_SHOWN]!a}{more}")


def reason(error: OSError) -> str:
    """Why a file cannot be read. Of one that is malformed: which one, and what in it."""
    if isinstance(error, MalformedError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return error.strerror or str(error)


def parsed(path: str, parse: Callable[[str], Parsed]) -> Parsed:
    """What `parse` makes of a file's text. Raises OSError; a MalformedError says which file."""
    text = read_text(path)
    try:
        return parse(text)
    except MalformedError as error:
        error.filename = path
        raise


def read_chunks(path: str) -> Iterator[bytes]:
    """A file of any length in pieces. Raises OSError."""
    descriptor = _open(path)
    try:
        while chunk := os.read(descriptor, _CHUNK_BYTES):
            yield chunk
    finally:
        os.close(descriptor)


def read_bytes(path: str) -> bytes:
    """The whole file. Raises OSError. A FIFO, which a copy of a host's files may have, is not waited for."""
    chunks = []
    length = 0
    for chunk in read_chunks(path):
        chunks.append(chunk)
        length += len(chunk)
        if length > _MOST_BYTES:
            raise _too_long(path, f"more than {_MOST_BYTES} bytes")
    return b"".join(chunks)


def read_start(path: str, most_bytes: int) -> bytes:
    """The first bytes of a file that may be of any length. Raises OSError."""
    descriptor = _open(path)
    try:
        return os.read(descriptor, most_bytes)
    finally:
        os.close(descriptor)


def read_lines(path: str) -> Iterator[bytes]:
    """The lines of a file of any length, without their ends. Raises OSError."""
    rest = b""
    for chunk in read_chunks(path):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            raise _too_long(path, f"a line of more than {_LONGEST_LINE} bytes")
        yield from lines
    if rest:
        yield rest


def read_text(path: str) -> str:
    """The whole file; bytes that are no UTF-8 become surrogates, as in names of files. Raises OSError."""
    return os.fsdecode(read_bytes(path))


def read_if_there(path: str) -> str:
    """The whole file; empty where it cannot be read, as in a copy of a host's files, which need not have all."""
    try:
        return read_text(path)
    except OSError:
        return ""


def read_number(path: str, least: int = 0) -> int:
    """A file that is one number, of a long. Raises OSError."""
    return parsed(path, lambda text: number(text.removesuffix("\n"), "the number", least))


def number(text: bytes | str, field: str, least: int = 0, most: int = UNSIGNED_LONG) -> int:
    """A number as the kernel writes it, in decimal. Raises MalformedError for anything else, and out of its bounds."""
    content = os.fsencode(text)
    if _NUMBER.fullmatch(content) is None or not least <= int(content) <= most:
        raise MalformedError(field, content)
    return int(content)


def unescape(name: str) -> str:
    """A name as the kernel escapes it in mountinfo: a backslash and three octal digits for a byte."""
    if "\\" not in name:
        return name
    raw = os.fsencode(name)
    parts = raw.split(b"\\")
    decoded = [parts[0]]
    for part in parts[1:]:
        if len(part) >= 3 and part[:3].isdigit() and max(part[:3]) < ord("8"):
            decoded.append(bytes([int(part[:3], 8) & 0xFF]) + part[3:])
        else:
            decoded.append(b"\\" + part)
    return os.fsdecode(b"".join(decoded))


def _open(path: str) -> int:
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)


def _too_long(path: str, what: str) -> OSError:
    return OSError(errno.EFBIG, what, path)
